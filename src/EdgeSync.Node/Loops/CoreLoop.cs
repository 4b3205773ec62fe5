using System.Threading.Channels;
using EdgeSync.Primitives;

namespace EdgeSync.Node.Loops;

/// <summary>How a core is driven: when it wants to be called, and what to do then.</summary>
/// <param name="Drain">Takes the core's effects until none is left, and begins each without waiting for it.</param>
internal sealed record CoreDrive<TCore>(Func<TCore, Instant?> Deadline, Action<TCore, Instant> OnDeadline, Action<TCore> Drain);

/// <summary>
/// Gives a core the time and its events, one after the other, and lets its effects be begun. The mailbox is bounded: what may
/// be lost (an announcement, a sign of life) is dropped when it is full, everything else waits.
/// </summary>
internal sealed class CoreLoop<TCore> : IAsyncDisposable
{
    private const int WaitingMax = 1024;

    private readonly Channel<Action<TCore, Instant>> _mail = Channel.CreateBounded<Action<TCore, Instant>>(
        new BoundedChannelOptions(WaitingMax) { SingleReader = true, FullMode = BoundedChannelFullMode.Wait });

    private readonly TCore _core;
    private readonly CoreDrive<TCore> _drive;
    private readonly TimeProvider _clock;
    private readonly Task _loop;
    private long _dropped;

    public CoreLoop(TCore core, CoreDrive<TCore> drive, TimeProvider clock)
    {
        (_core, _drive, _clock) = (core, drive, clock);
        _loop = Task.Run(RunAsync);
    }

    /// <summary>Ends when the mailbox is closed; fails only by a bug.</summary>
    public Task Completion => _loop;

    public long Dropped => Interlocked.Read(ref _dropped);

    /// <summary>For what polls would make good.</summary>
    public void TellOrDrop(Action<TCore, Instant> mail)
    {
        if (!_mail.Writer.TryWrite(mail)) Interlocked.Increment(ref _dropped);
    }

    public async ValueTask TellAsync(Action<TCore, Instant> mail)
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

    public async Task<T> AskAsync<T>(Func<TCore, Instant, T> question, CancellationToken cancellationToken)
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

    /// <summary>Does what was told before, and ends.</summary>
    public async ValueTask DisposeAsync()
    {
        _mail.Writer.TryComplete();
        await _loop;
    }

    private async Task RunAsync()
    {
        _drive.Drain(_core);
        Task<bool>? more = null;
        while (true)
        {
            while (_mail.Reader.TryRead(out var mail))
            {
                mail(_core, Now);
                _drive.Drain(_core);
            }

            more ??= _mail.Reader.WaitToReadAsync().AsTask();
            await WaitAsync(more);
            if (more.IsCompleted)
            {
                if (!await more) return;
                more = null;
            }

            if (_drive.Deadline(_core) is { } deadline && deadline <= Now)
            {
                _drive.OnDeadline(_core, Now);
                _drive.Drain(_core);
            }
        }
    }

    private async Task WaitAsync(Task<bool> more)
    {
        if (_drive.Deadline(_core) is not { } deadline)
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

    private Instant Now => Instant.FromDateTime(_clock.GetUtcNow());
}
