using System.Collections.Concurrent;
using System.Threading.Channels;
using EdgeSync.Can.Sync.Peers;
using EdgeSync.Primitives;
using EdgeSync.Storage.Assets.Mirror;
using Microsoft.Extensions.Logging;

namespace EdgeSync.Node.Can.Mirror;

/// <summary>
/// Drives the core of a mirror: what happens goes in, one after the other; then what it has saved is put on the disk;
/// only then its effects are carried out. Things that happen meanwhile share the next transaction.
/// </summary>
/// <remarks>
/// The queue is not bounded by itself: each stream has one piece of what it has read in it, and the core bounds how
/// many streams, groups and bytes are under way.
/// </remarks>
internal sealed class MirrorLoop : IAsyncDisposable
{
    /// <summary>Things that happened, to a transaction.</summary>
    private const int BatchMax = 256;

    private static readonly TimeSpan RetryMin = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan RetryMax = TimeSpan.FromSeconds(30);

    private readonly Channel<Action<SyncNode, Moment>> _items = Channel.CreateUnbounded<Action<SyncNode, Moment>>(
        new UnboundedChannelOptions { SingleReader = true });

    private readonly ConcurrentDictionary<long, MirrorSession> _sessions = new();
    private readonly List<MirrorLane> _paused = [];
    private readonly List<Action> _saved = [];
    private readonly CancellationTokenSource _stop = new();
    private readonly MirrorStore _store;
    private readonly TimeProvider _clock;
    private readonly ILogger _log;
    private readonly Instant _start;
    private readonly long _startStamp;
    private readonly ITimer _timer;
    private Action<SyncEffect> _carryOut = static _ => { };
    private SyncNode? _node;
    private Task _running = Task.CompletedTask;

    public MirrorLoop(MirrorStore store, TimeProvider clock, ILogger log)
    {
        (_store, _clock, _log) = (store, clock, log);
        (_start, _startStamp) = (Instant.FromDateTime(clock.GetUtcNow()), clock.GetTimestamp());
        _timer = clock.CreateTimer(
            _ => Post(static (_, _) => { }), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    public Moment Now => new(
        _start + _clock.GetElapsedTime(_startStamp), Instant.FromDateTime(_clock.GetUtcNow()));

    /// <summary>Connections that are open, proved or not.</summary>
    public IEnumerable<MirrorSession> Sessions => _sessions.Values;

    /// <summary>Begins.</summary>
    /// <param name="node">Used by this alone from now on.</param>
    /// <param name="carryOut">Begins an effect, without waiting for it.</param>
    /// <param name="failed">Takes a bug.</param>
    public void Start(SyncNode node, Action<SyncEffect> carryOut, Action<Exception> failed)
    {
        (_node, _carryOut) = (node, carryOut);
        _running = Task.Run(() => GuardAsync(failed));
    }

    /// <summary>Something has happened. After disposal nothing does.</summary>
    public void Post(Action<SyncNode, Moment> item) => _items.Writer.TryWrite(item);

    /// <summary>Runs something in the loop; the task ends when what it has saved is on the disk.</summary>
    public async Task<T> InvokeAsync<T>(
        Func<SyncNode, Moment, T> command, CancellationToken cancellationToken = default)
    {
        var result = new TaskCompletionSource<T>(TaskCreationOptions.RunContinuationsAsynchronously);
        var isTaken = _items.Writer.TryWrite((node, at) =>
        {
            var value = command(node, at);
            _saved.Add(() => result.TrySetResult(value));
        });
        if (!isTaken) throw Stopping();

        var first = await Task.WhenAny(result.Task, _running).WaitAsync(cancellationToken);
        return first == result.Task ? await result.Task : throw Stopping();
    }

    public void Add(MirrorSession session) => _sessions[session.Id] = session;

    public void Forget(MirrorSession session) => _sessions.TryRemove(session.Id, out _);

    public MirrorSession? Find(long session) => _sessions.GetValueOrDefault(session);

    /// <summary>The stream is read again when the core takes more of it. Within the loop.</summary>
    public void ReadOnLater(MirrorLane lane) => _paused.Add(lane);

    public async ValueTask DisposeAsync()
    {
        _items.Writer.TryComplete();
        await _stop.CancelAsync();
        await _running;
        await _timer.DisposeAsync();
        _stop.Dispose();
    }

    private static EdgeSyncException Stopping() => new(ErrorKind.Unavailable, "the mirror is stopping", "try again");

    private async Task GuardAsync(Action<Exception> failed)
    {
        try
        {
            await RunAsync(_node!);
        }
        catch (OperationCanceledException)
        {
            // Stopped.
        }
        catch (Exception e)
        {
            failed(e);
        }
    }

    private async Task RunAsync(SyncNode node)
    {
        await EndStepAsync(node);
        while (await _items.Reader.WaitToReadAsync(_stop.Token))
        {
            for (var i = 0; i < BatchMax && _items.Reader.TryRead(out var item); i++) item(node, Now);
            if (node.Deadline is { } deadline && deadline <= Now.Now) node.OnDeadline(Now);
            await EndStepAsync(node);
        }
    }

    private async Task EndStepAsync(SyncNode node)
    {
        if (_store.HasChanges) await SaveAsync();
        foreach (var done in _saved) done();
        _saved.Clear();
        while (node.TryTake(out var effect)) _carryOut(effect);
        var now = Now.Now;
        _paused.RemoveAll(lane =>
        {
            if (Find(lane.Session) is null) return true;
            if (!node.CanReceive(now, lane.Session, lane.Number)) return false;

            lane.ReadOn();
            return true;
        });
        SetTimer(node);
    }

    // A disk that refuses holds up the mirror: nothing may be said that would be forgotten by a crash.
    private async Task SaveAsync()
    {
        for (var wait = RetryMin; ; wait = wait * 2 < RetryMax ? wait * 2 : RetryMax)
        {
            try
            {
                await _store.SaveAsync();
                return;
            }
            catch (Exception e) when (e is EdgeSyncException or IOException or UnauthorizedAccessException)
            {
                _log.CanMirrorWaits(e.Message, wait.TotalSeconds);
                await Task.Delay(wait, _clock, _stop.Token);
            }
        }
    }

    private void SetTimer(SyncNode node)
    {
        var pause = Timeout.InfiniteTimeSpan;
        if (node.Deadline is { } deadline)
        {
            pause = deadline - Now.Now;
            // Timers count whole milliseconds: rounded up, so that the core is not called just before its time.
            pause = pause > TimeSpan.Zero
                ? TimeSpan.FromMilliseconds(Math.Ceiling(pause.TotalMilliseconds)) : TimeSpan.Zero;
        }

        _timer.Change(pause, Timeout.InfiniteTimeSpan);
    }
}
