using System.Diagnostics.CodeAnalysis;
using EdgeSync.Nats.Broker;
using EdgeSync.Primitives;

namespace EdgeSync.Net.Nats;

/// <summary>
/// Carries one <see cref="BrokerCore"/>: one lock around every call, one timer for its deadline, and after each call a
/// signal to every connection that got something to send. A batch of messages is one call, so each receiver is woken
/// once for it.
/// </summary>
internal sealed class BrokerDriver : IDisposable
{
    // Waking somebody may run his loop in this thread, and that may lead back here: whoever uses the list takes it
    // away.
    [ThreadStatic]
    private static List<IBrokerWaiter>? _spareList;

    private readonly Lock _gate = new();
    private readonly BrokerCore _core;
    private readonly TimeProvider _clock;
    private readonly ITimer _timer;
    private long _timerTicks = long.MaxValue;
    private Task? _checking;
    private bool _isDisposed;

    public BrokerDriver(BrokerCore core, TimeProvider clock)
    {
        _core = core;
        _clock = clock;
        _timer = clock.CreateTimer(
            static driver => ((BrokerDriver)driver!).OnTimer(), this, Timeout.InfiniteTimeSpan,
            Timeout.InfiniteTimeSpan);
    }

    public TimeProvider Clock => _clock;

    public Instant Now => Instant.FromDateTime(_clock.GetUtcNow());

    /// <summary>
    /// Hands over what was read. True when the next bytes had better wait, see <see cref="IsToPause"/>.
    /// </summary>
    public bool Receive(BrokerConnection connection, ReadOnlySpan<byte> bytes)
    {
        bool isToPause;
        var woken = TakeList();
        lock (_gate)
        {
            var now = Now;
            try
            {
                _core.Receive(connection, now, bytes);
            }
            catch (OutOfMemoryException)
            {
                _core.OnOutOfMemory(connection, now);
            }

            isToPause = _core.IsToPause(connection, now);
            Finish(woken);
        }

        Wake(woken);
        return isToPause;
    }

    public bool IsToPause(BrokerConnection connection)
    {
        lock (_gate) return _core.IsToPause(connection, Now);
    }

    /// <summary>Whatever else there is to do with the core. Nobody else is in it meanwhile.</summary>
    public T Call<T>(Func<BrokerCore, Instant, T> action)
    {
        T result;
        var woken = TakeList();
        lock (_gate)
        {
            result = action(_core, Now);
            Finish(woken);
        }

        Wake(woken);
        return result;
    }

    /// <summary>Everything that waits for the connection. False when nothing does.</summary>
    public bool TryTakeOutput(BrokerConnection connection, List<OutputSegment> target)
    {
        lock (_gate) return _core.TakeOutput(connection, target, Now) > 0;
    }

    /// <summary>The segment was sent, and is not used any more.</summary>
    public void OutputSent(BrokerConnection connection, OutputSegment segment)
    {
        lock (_gate)
        {
            _core.OutputSent(connection, segment.Length, Now);
            _core.Recycle(segment);
        }
    }

    public void Detach(BrokerConnection connection, CloseReason reason) => Call((core, now) =>
    {
        core.Detach(connection, reason, now);
        return true;
    });

    /// <summary>Ends when no password is being checked; nothing is begun any more.</summary>
    public Task StopChecking()
    {
        lock (_gate)
        {
            _isDisposed = true;
            return _checking ?? Task.CompletedTask;
        }
    }

    public void Dispose()
    {
        lock (_gate) _isDisposed = true;
        _timer.Dispose();
    }

    // One password at a time, so that a storm of logins leaves the other processors to those who are in.
    private void CheckPasswords()
    {
        while (TryTakeCheck(out var check))
        {
            var isRight = check.Verify();
            Call((core, now) =>
            {
                core.OnChecked(check, isRight, now);
                return true;
            });
        }
    }

    private bool TryTakeCheck([NotNullWhen(true)] out PasswordCheck? check)
    {
        var woken = TakeList();
        bool isTaken;
        lock (_gate)
        {
            check = null;
            isTaken = !_isDisposed && _core.TryTakeCheck(Now, out check);
            if (!isTaken) _checking = null;
            Finish(woken);
        }

        Wake(woken);
        return isTaken;
    }

    private void OnTimer()
    {
        bool isBurstOver;
        var woken = TakeList();
        lock (_gate)
        {
            if (_isDisposed) return;

            _timerTicks = long.MaxValue;
            _core.OnDeadline(Now);
            isBurstOver = _core.TryTakeBurstEnd();
            Finish(woken);
        }

        Wake(woken);
        if (isBurstOver) BrokerMemory.HandBack();
    }

    /// <summary>Still inside the lock: whom to wake, and when to come back.</summary>
    private void Finish(List<IBrokerWaiter> woken)
    {
        while (_core.TryTakeTouched(out var connection))
        {
            if (connection.Tag is IBrokerWaiter waiter) woken.Add(waiter);
        }

        if (_checking is null && _core.HasChecks && !_isDisposed) _checking = Task.Run(CheckPasswords);
        if (_isDisposed || _core.Deadline is not { } deadline || deadline.UnixTicks >= _timerTicks) return;

        _timerTicks = deadline.UnixTicks;
        var due = deadline - Now;
        _timer.Change(due > TimeSpan.Zero ? due : TimeSpan.Zero, Timeout.InfiniteTimeSpan);
    }

    private static List<IBrokerWaiter> TakeList()
    {
        var list = _spareList ?? [];
        _spareList = null;
        return list;
    }

    private static void Wake(List<IBrokerWaiter> woken)
    {
        foreach (var waiter in woken) waiter.Wake();
        woken.Clear();
        _spareList = woken;
    }
}
