using EdgeSync.Nats.Broker;

namespace EdgeSync.Net.Nats;

/// <summary>
/// Events of a broker for the host's log. Called on the broker's own threads: be quick, do not throw.
/// </summary>
public interface INatsBrokerEvents
{
    void OnConnected(BrokerConnection connection);

    /// <summary>With the reason in <see cref="BrokerConnection.CloseReason"/>.</summary>
    void OnClosed(BrokerConnection connection);

    /// <summary>A connection that ended before the protocol began: a failed handshake, a rejected upgrade.</summary>
    void OnRefused(string remote, string why);
}
