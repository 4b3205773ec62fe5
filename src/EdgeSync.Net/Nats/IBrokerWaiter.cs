namespace EdgeSync.Net.Nats;

/// <summary>
/// What stands behind a connection of the broker: the <see cref="EdgeSync.Nats.Broker.BrokerConnection.Tag"/> of one.
/// </summary>
internal interface IBrokerWaiter
{
    /// <summary>There is something for the connection, or it was closed. Called outside of the broker's lock.</summary>
    void Wake();
}
