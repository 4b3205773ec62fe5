using EdgeSync.Primitives;
using Microsoft.Extensions.Logging;

namespace EdgeSync.Node.Loops;

/// <summary>
/// Owns work that runs beside its owner's loop: disposing waits for all of it. A failed operation is logged; any other
/// exception is reported as a bug.
/// </summary>
internal sealed class RunningTasks(Action<Exception> failed, ILogger log) : IAsyncDisposable
{
    private readonly Lock _gate = new();
    private readonly HashSet<Task> _running = [];
    private bool _isClosed;

    /// <summary>Starts at once, up to the first await. After disposal nothing starts.</summary>
    public void Start(Func<Task> work)
    {
        var ended = new TaskCompletionSource();
        lock (_gate)
        {
            if (_isClosed) return;
            _running.Add(ended.Task);
        }

        _ = RunAsync(work, ended);
    }

    public async ValueTask DisposeAsync()
    {
        Task[] rest;
        lock (_gate)
        {
            _isClosed = true;
            rest = [.. _running];
        }

        await Task.WhenAll(rest);
    }

    private async Task RunAsync(Func<Task> work, TaskCompletionSource ended)
    {
        await GuardAsync(work);
        lock (_gate) _running.Remove(ended.Task);
        ended.SetResult();
    }

    private async Task GuardAsync(Func<Task> work)
    {
        try
        {
            await work();
        }
        catch (OperationCanceledException)
        {
            // The owner cancelled it.
        }
        catch (EdgeSyncException e)
        {
            log.TaskFailed(e.Message, e.Hint);
        }
        catch (Exception e)
        {
            failed(e);
        }
    }
}
