using EdgeSync.Primitives;

namespace EdgeSync.Simulation.Fleet;

/// <summary>The one clock and what is to happen: by time, and in the order of planning at one time.</summary>
internal sealed class FleetClock(Instant start)
{
    private const int SameMomentMax = 200_000;

    private readonly PriorityQueue<Action, (long At, long Order)> _events = new();
    private readonly int _thread = Environment.CurrentManagedThreadId;
    private long _order;
    private long _sameMoment;

    public Instant Now { get; private set; } = start;

    public long Steps { get; private set; }

    /// <summary>What goes on elsewhere has no order: it left the simulation for a thread of its own.</summary>
    public bool IsOwnThread()
    {
        if (Environment.CurrentManagedThreadId == _thread) return true;

        Stray ??= Environment.StackTrace;
        return false;
    }

    /// <summary>Where the first thing came from that ran on another thread; null: nothing did.</summary>
    public string? Stray { get; private set; }

    public void At(Instant at, Action action) =>
        _events.Enqueue(action, (Math.Max(at.UnixTicks, Now.UnixTicks), _order++));

    public void After(TimeSpan delay, Action action) => At(Now + delay, action);

    /// <summary>Runs what is due up to a moment.</summary>
    public void RunUntil(Instant end)
    {
        while (_events.TryPeek(out _, out var next) && next.At <= end.UnixTicks)
        {
            var action = _events.Dequeue();
            _sameMoment = next.At == Now.UnixTicks ? _sameMoment + 1 : 0;
            if (_sameMoment > SameMomentMax)
                throw new InvariantException($"Time stands still at {Now}: somebody spins.");

            Now = new Instant(next.At);
            Steps++;
            action();
        }

        if (end > Now) Now = end;
    }
}
