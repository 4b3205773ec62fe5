using EdgeSync.Nats.Broker.Leafnodes;
using EdgeSync.Primitives;

namespace EdgeSync.Nats.Broker;

/// <summary>
/// The lame duck mode: clients are sent elsewhere, and after a grace are closed one by one, as are accepted leaf links.
/// Our own side of the broker stays: the local clients, and the links that it solicits.
/// </summary>
internal sealed class LameDuck(BrokerOptions options)
{
    private readonly Queue<BrokerConnection> _leaving = new();
    private TimeSpan _pause;

    public bool IsOn { get; private set; }

    /// <summary>When the next connection is closed; null when none is left.</summary>
    public Instant? Deadline { get; private set; }

    /// <summary>No connection of others is left.</summary>
    public bool IsDrained => IsOn && _leaving.All(c => c.IsClosed);

    public void Enter(BrokerCore core, Instant now)
    {
        if (IsOn) return;

        IsOn = true;
        foreach (var connection in core.Connections.Values)
        {
            if (connection is LocalClient or SolicitedLeaf) continue;

            _leaving.Enqueue(connection);
            (connection as ClientConnection)?.SendLameDuckInfo();
        }

        if (_leaving.Count == 0) return;

        var spread = options.LameDuckDuration - options.LameDuckGrace;
        _pause = spread > TimeSpan.Zero ? spread / _leaving.Count : TimeSpan.Zero;
        Deadline = now + options.LameDuckGrace;
    }

    public void OnDeadline(Instant now)
    {
        while (Deadline is { } deadline && now >= deadline)
        {
            if (_leaving.TryDequeue(out var connection)) connection.Close(CloseReason.ServerShutdown);
            Deadline = _leaving.Count > 0 ? deadline + _pause : null;
        }
    }
}
