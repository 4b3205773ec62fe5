using EdgeSync.Nats.Broker;

namespace EdgeSync.Net.Nats;

/// <summary>
/// What a host may want to log of its broker. Called on the broker's own threads: be quick, do not throw.
/// </summary>
public interface INatsBrokerEvents
{
    void OnConnected(BrokerConnection connection);

    /// <summary>With the reason in <see cref="BrokerConnection.CloseReason"/>.</summary>
    void OnClosed(BrokerConnection connection);

    /// <summary>A connection that never got as far as the protocol: a failed handshake, a refused upgrade.</summary>
    void OnRefused(string remote, string why);
}
