using EdgeSync.Primitives;

namespace EdgeSync.Nats.Client;

/// <summary>What to do when a deadline of <see cref="LinkKeepAlive"/> has passed.</summary>
internal enum KeepAliveStep : byte
{
    Wait,
    SendPing,
    GiveUp,
}

/// <summary>Decides when to ping a silent peer and when to give it up.</summary>
/// <remarks>
/// Any byte shows that the peer lives, not only a PONG: on a slow link the PONG queues behind megabytes. The deadline moves only
/// when it is reached, so that a busy link does not move a timer with each read.
/// </remarks>
internal sealed class LinkKeepAlive(TimeSpan interval, int unansweredMax, Instant now)
{
    private Instant _heardAt = now;
    private int _unanswered;

    public Instant Deadline { get; private set; } = now + interval;

    public void OnReceived(Instant now) => (_heardAt, _unanswered) = (now, 0);

    public KeepAliveStep OnDeadline(Instant now)
    {
        if (now < Deadline) return KeepAliveStep.Wait;   // timers may fire early
        if (_unanswered == 0 && now < _heardAt + interval)
        {
            Deadline = _heardAt + interval;
            return KeepAliveStep.Wait;
        }

        if (_unanswered == unansweredMax) return KeepAliveStep.GiveUp;

        _unanswered++;
        Deadline = now + interval;
        return KeepAliveStep.SendPing;
    }
}
