using System.Diagnostics.CodeAnalysis;
using EdgeSync.Nats.Broker;
using EdgeSync.Primitives;

namespace EdgeSync.Net.Nats;

/// <summary>
/// Drives one <see cref="BrokerCore"/>: one lock around every call, one timer for its deadline, and after each call a
/// signal to every connection with new output. A batch of messages is one call, so each receiver is woken once for it.
/// </summary>
internal sealed class BrokerDriver : IDisposable
{
    // Waking a waiter may run its loop on this thread, which may re-enter here: the user of the list takes it out
    // first.
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
    /// Passes received bytes to the core. True when the next read should wait, see <see cref="IsToPause"/>.
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

    /// <summary>Any other call to the core, under the lock.</summary>
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

    /// <summary>All output that waits for the connection. False when there is none.</summary>
    public bool TryTakeOutput(BrokerConnection connection, List<OutputSegment> target)
    {
        lock (_gate) return _core.TakeOutput(connection, target, Now) > 0;
    }

    /// <summary>The segment was sent and is free.</summary>
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

    /// <summary>Completes when no password check runs; no new one is started.</summary>
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

    // One password at a time, so that many logins leave the other processors to authenticated clients.
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

    /// <summary>Inside the lock: collects the waiters to wake, and sets the timer.</summary>
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
