using System.Threading.Channels;
using EdgeSync.Primitives;

namespace EdgeSync.Node.Loops;

/// <summary>How a core is driven: when to call it, and what to do then.</summary>
/// <param name="Drain">Takes the core's effects until none is left, and starts each without waiting for it.</param>
internal sealed record CoreDrive<TCore>(
    Func<TCore, Instant?> Deadline, Action<TCore, Instant> OnDeadline, Action<TCore> Drain);

/// <summary>
/// Passes the time and events to a core, one after the other, and starts its effects. The queue is bounded: when it is
/// full, items that may be lost (an announcement, a heartbeat) are dropped, all others wait. The loop runs on the given
/// scheduler and has one timer of its clock: it starts no thread of its own, so a simulation runs it in virtual time.
/// </summary>
internal sealed class CoreLoop<TCore> : IAsyncDisposable
{
    private const int WaitingMax = 1024;

    // The timer's item: the loop checks the deadline after every item.
    private static readonly Action<TCore, Instant> Tick = static (_, _) => { };

    private readonly Channel<Action<TCore, Instant>> _items = Channel.CreateBounded<Action<TCore, Instant>>(
        new BoundedChannelOptions(WaitingMax) { SingleReader = true, FullMode = BoundedChannelFullMode.Wait });

    private readonly TCore _core;
    private readonly CoreDrive<TCore> _drive;
    private readonly TimeProvider _clock;
    private readonly ITimer _timer;
    private readonly Task _loop;
    private long _dropped;

    public CoreLoop(TCore core, CoreDrive<TCore> drive, TimeProvider clock, TaskScheduler scheduler)
    {
        (_core, _drive, _clock) = (core, drive, clock);

        // A full queue needs no tick: the loop is awake.
        _timer = clock.CreateTimer(
            _ => _items.Writer.TryWrite(Tick), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        _loop = LoopTask.Start(scheduler, RunAsync);
    }

    /// <summary>Ends when the queue is closed; fails only by a bug.</summary>
    public Task Completion => _loop;

    public long Dropped => Interlocked.Read(ref _dropped);

    /// <summary>For items that polls make up for.</summary>
    public void TryPost(Action<TCore, Instant> item)
    {
        if (!_items.Writer.TryWrite(item)) Interlocked.Increment(ref _dropped);
    }

    /// <summary>
    /// For items that must not be lost, from callers that do not wait: a full queue takes it as soon as it has room.
    /// </summary>
    public void Post(Action<TCore, Instant> item)
    {
        if (!_items.Writer.TryWrite(item)) _ = PostAsync(item).AsTask();
    }

    /// <summary>Waits for a place in the queue; after disposal nothing happens.</summary>
    public async ValueTask PostAsync(Action<TCore, Instant> item)
    {
        try
        {
            await _items.Writer.WriteAsync(item);
        }
        catch (ChannelClosedException)
        {
            // The node stops; the core decides nothing more.
        }
    }

    /// <summary>Runs a query or command in the loop and returns its result.</summary>
    /// <exception cref="EdgeSyncException">The loop was disposed.</exception>
    public async Task<T> InvokeAsync<T>(Func<TCore, Instant, T> query, CancellationToken cancellationToken)
    {
        var result = new TaskCompletionSource<T>(TaskCreationOptions.RunContinuationsAsynchronously);
        try
        {
            await _items.Writer.WriteAsync((core, now) => result.TrySetResult(query(core, now)), cancellationToken);
        }
        catch (ChannelClosedException)
        {
            throw new EdgeSyncException(ErrorKind.Unavailable, "the node is stopping");
        }

        return await LoopTask.WaitAsync(result, cancellationToken);
    }

    /// <summary>Completes the posted items, and ends.</summary>
    public async ValueTask DisposeAsync()
    {
        _items.Writer.TryComplete();
        await _loop;
        await _timer.DisposeAsync();
    }

    private async Task RunAsync()
    {
        _drive.Drain(_core);
        SetTimer();
        while (await _items.Reader.WaitToReadAsync())
        {
            while (_items.Reader.TryRead(out var item))
            {
                item(_core, Now);
                _drive.Drain(_core);
            }

            if (_drive.Deadline(_core) is { } deadline && deadline <= Now)
            {
                _drive.OnDeadline(_core, Now);
                _drive.Drain(_core);
            }

            SetTimer();
        }
    }

    private void SetTimer()
    {
        if (_drive.Deadline(_core) is not { } deadline)
        {
            _timer.Change(Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
            return;
        }

        // Timers count whole milliseconds: rounded up, so that the core is not called just before its time.
        var pause = deadline - Now;
        _timer.Change(
            pause > TimeSpan.Zero ? TimeSpan.FromMilliseconds(Math.Ceiling(pause.TotalMilliseconds)) : TimeSpan.Zero,
            Timeout.InfiniteTimeSpan);
    }

    private Instant Now => Instant.FromDateTime(_clock.GetUtcNow());
}
