using System.Threading.Channels;
using EdgeSync.Agent;
using EdgeSync.Primitives;

namespace EdgeSync.Cli.Hosting.Node;

/// <summary>
/// Gives an agent's core the time and its events, one after the other, and hands out what it wants done. The mailbox is
/// bounded: what may be lost (an announcement, a sign of life) is dropped when it is full, everything else waits.
/// </summary>
internal sealed class AgentLoop : IAsyncDisposable
{
    private const int WaitingMax = 1024;

    private readonly Channel<Action<AgentCore, Instant>> _mail = Channel.CreateBounded<Action<AgentCore, Instant>>(
        new BoundedChannelOptions(WaitingMax) { SingleReader = true, FullMode = BoundedChannelFullMode.Wait });

    private readonly AgentCore _core;
    private readonly Action<AgentEffect> _perform;
    private readonly TimeProvider _clock;
    private readonly Task _loop;
    private long _dropped;

    /// <param name="perform">Begins an effect and returns at once.</param>
    public AgentLoop(AgentCore core, Action<AgentEffect> perform, TimeProvider clock)
    {
        (_core, _perform, _clock) = (core, perform, clock);
        _loop = Task.Run(RunAsync);
    }

    /// <summary>Ends when the mailbox is closed; fails only by a bug.</summary>
    public Task Completion => _loop;

    public long Dropped => Interlocked.Read(ref _dropped);

    /// <summary>For what polls would make good.</summary>
    public void TellOrDrop(Action<AgentCore, Instant> mail)
    {
        if (!_mail.Writer.TryWrite(mail)) Interlocked.Increment(ref _dropped);
    }

    public async ValueTask TellAsync(Action<AgentCore, Instant> mail)
    {
        try
        {
            await _mail.Writer.WriteAsync(mail);
        }
        catch (ChannelClosedException)
        {
            // The node stops; nobody decides any more.
        }
    }

    public async Task<T> AskAsync<T>(Func<AgentCore, Instant, T> question, CancellationToken cancellationToken)
    {
        var answer = new TaskCompletionSource<T>(TaskCreationOptions.RunContinuationsAsynchronously);
        try
        {
            await _mail.Writer.WriteAsync((core, now) => answer.SetResult(question(core, now)), cancellationToken);
        }
        catch (ChannelClosedException)
        {
            throw new EdgeSyncException(ErrorKind.Unavailable, "the node is stopping");
        }

        return await answer.Task.WaitAsync(cancellationToken);
    }

    /// <summary>Lets the core say good-bye, does what it still wants, ends.</summary>
    public async ValueTask DisposeAsync()
    {
        await TellAsync((core, now) => core.Stop(now));
        _mail.Writer.TryComplete();
        await _loop;
    }

    private async Task RunAsync()
    {
        Drain();
        Task<bool>? more = null;
        while (true)
        {
            while (_mail.Reader.TryRead(out var mail))
            {
                mail(_core, Now);
                Drain();
            }

            more ??= _mail.Reader.WaitToReadAsync().AsTask();
            await WaitAsync(more);
            if (more.IsCompleted)
            {
                if (!await more) return;
                more = null;
            }

            if (_core.Deadline is { } deadline && deadline <= Now)
            {
                _core.OnDeadline(Now);
                Drain();
            }
        }
    }

    private async Task WaitAsync(Task<bool> more)
    {
        if (_core.Deadline is not { } deadline)
        {
            await more;
            return;
        }

        var pause = deadline - Now;
        if (pause <= TimeSpan.Zero) return;

        using var timer = new CancellationTokenSource();
        await Task.WhenAny(more, Task.Delay(pause, _clock, timer.Token));
        await timer.CancelAsync();
    }

    private void Drain()
    {
        while (_core.TryTake(out var effect)) _perform(effect);
    }

    private Instant Now => Instant.FromDateTime(_clock.GetUtcNow());
}
