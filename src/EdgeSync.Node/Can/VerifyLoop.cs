using EdgeSync.Can.Service;
using EdgeSync.Node.Loops;
using EdgeSync.Primitives;
using EdgeSync.Storage.Assets;
using Microsoft.Extensions.Logging;

namespace EdgeSync.Node.Can;

/// <summary>Runs the verifier a minute after the start, then at its interval, and when it is asked for.</summary>
internal sealed class VerifyLoop : IAsyncDisposable
{
    private static readonly TimeSpan FirstPass = TimeSpan.FromSeconds(60);

    private readonly AssetStore _store;
    private readonly TimeProvider _clock;
    private readonly ILogger _log;
    private readonly CancellationTokenSource _stop = new();
    private readonly Lock _lock = new();
    private readonly RunningTasks _work;
    private Task _pass = Task.CompletedTask;
    private VerifyState _state = new(false, null, 0, 0, 0);

    /// <param name="interval">Zero: only when it is asked for.</param>
    public VerifyLoop(
        AssetStore store, TimeSpan interval, TimeProvider clock, Action<Exception> failed, ILogger log)
    {
        (_store, _clock, _log) = (store, clock, log);
        _work = new RunningTasks(failed, log);
        if (interval > TimeSpan.Zero) _work.Start(() => RepeatAsync(interval));
    }

    public VerifyState State
    {
        get
        {
            lock (_lock) return _state;
        }
    }

    /// <summary>Begins a pass unless one runs; returns the one that runs.</summary>
    public Task Start()
    {
        lock (_lock)
        {
            if (!_pass.IsCompleted) return _pass;

            _state = _state with { Running = true };
            var ended = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            _pass = ended.Task;
            _work.Start(() => PassAsync(ended));
            return _pass;
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _work.DisposeAsync();
        _stop.Dispose();
    }

    private async Task RepeatAsync(TimeSpan interval)
    {
        try
        {
            await Task.Delay(FirstPass, _clock, _stop.Token);
            while (true)
            {
                await Start().WaitAsync(_stop.Token);
                await Task.Delay(interval, _clock, _stop.Token);
            }
        }
        catch (OperationCanceledException)
        {
            // Stopped.
        }
    }

    private async Task PassAsync(TaskCompletionSource ended)
    {
        await Task.Yield();   // the caller holds the lock
        try
        {
            var pass = await _store.CreateVerifier().RunAsync(_stop.Token);
            _log.CanVerified(pass.Checked, pass.Corrupted, pass.Missing, pass.HasRebuilt);
            lock (_lock)
            {
                _state = new VerifyState(
                    false, _clock.GetUtcNow().ToUnixTimeMilliseconds(), pass.Checked, pass.Corrupted, pass.Missing);
            }
        }
        catch (OperationCanceledException)
        {
            // Stopped.
        }
        catch (Exception e) when (e is EdgeSyncException or IOException or UnauthorizedAccessException)
        {
            _log.CanStoreWarning(e.Message);
        }
        finally
        {
            lock (_lock) _state = _state with { Running = false };
            ended.SetResult();
        }
    }
}
