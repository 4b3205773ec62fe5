using EdgeSync.Primitives;

namespace EdgeSync.Simulation.Fleet;

/// <summary>
/// One program in virtual time. What it awaits goes on here, in the order in which it became ready, on the simulation's
/// one thread; its timers are events of the simulation. When the program is killed, nothing of it goes on.
/// <code>
///   await, loop start ─▶ Post ─┐
///   timer of Time ─────────────┼─▶ FleetClock ─▶ Run
///   message of a broker ───────┘
/// </code>
/// </summary>
internal sealed class SimProcess : SynchronizationContext
{
    private readonly FleetClock _clock;

    /// <param name="skew">How wrong the machine's clock is.</param>
    public SimProcess(FleetClock clock, Func<TimeSpan> skew)
    {
        _clock = clock;
        Time = new ProcessTime(this, skew);
        TaskScheduler? scheduler = null;
        Run(() => scheduler = TaskScheduler.FromCurrentSynchronizationContext());
        Scheduler = scheduler!;
    }

    /// <summary>Its clock, and all delays and timers.</summary>
    public TimeProvider Time { get; }

    /// <summary>Where its loops run.</summary>
    public TaskScheduler Scheduler { get; }

    public bool IsDead { get; private set; }

    public Instant Now => Instant.FromDateTime(Time.GetUtcNow());

    /// <summary>Killed: what awaits something awaits it for ever.</summary>
    public void Die() => IsDead = true;

    /// <summary>Something reaches the program.</summary>
    public void Run(Action action)
    {
        if (IsDead) return;

        var before = Current;
        SetSynchronizationContext(this);
        try
        {
            action();
        }
        finally
        {
            SetSynchronizationContext(before);
        }
    }

    public override void Post(SendOrPostCallback d, object? state)
    {
        // The finalizers of what a killed program left behind end here, too.
        if (!IsDead && _clock.IsOwnThread()) _clock.After(TimeSpan.Zero, () => Run(() => d(state)));
    }

    public override void Send(SendOrPostCallback d, object? state) => Run(() => d(state));

    public override SynchronizationContext CreateCopy() => this;

    private sealed class ProcessTime(SimProcess process, Func<TimeSpan> skew) : TimeProvider
    {
        public override long TimestampFrequency => TimeSpan.TicksPerSecond;

        public override DateTimeOffset GetUtcNow() => new((process._clock.Now + skew()).ToDateTime());

        public override long GetTimestamp() => process._clock.Now.UnixTicks;

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
        {
            var timer = new ProcessTimer(process, () => callback(state));
            timer.Change(dueTime, period);
            return timer;
        }
    }

    /// <summary>Has one event in the queue at most: one that comes too early plans the next.</summary>
    private sealed class ProcessTimer(SimProcess process, Action callback) : ITimer
    {
        private Instant? _due;
        private Instant? _planned;
        private TimeSpan _period;
        private long _plan;

        public bool Change(TimeSpan dueTime, TimeSpan period)
        {
            if (process.IsDead || !process._clock.IsOwnThread()) return false;

            _period = period;
            _due = dueTime < TimeSpan.Zero ? null : process._clock.Now + dueTime;
            Plan();
            return true;
        }

        public void Dispose() => _due = null;

        public ValueTask DisposeAsync()
        {
            Dispose();
            return ValueTask.CompletedTask;
        }

        private void Plan()
        {
            if (_due is not { } due || _planned <= due) return;

            var plan = ++_plan;
            _planned = due;
            process._clock.At(due, () =>
            {
                if (plan != _plan) return;

                _planned = null;
                if (process.IsDead || _due is not { } now) return;

                if (now > process._clock.Now)
                {
                    Plan();
                    return;
                }

                _due = _period > TimeSpan.Zero ? process._clock.Now + _period : null;
                process.Run(callback);
                Plan();
            });
        }
    }
}
