namespace EdgeSync.Net.Nats;

/// <summary>
/// The shell's part of a broker connection: the <see cref="EdgeSync.Nats.Broker.BrokerConnection.Tag"/> of one.
/// </summary>
internal interface IBrokerWaiter
{
    /// <summary>There is output for the connection, or it was closed. Called outside of the broker's lock.</summary>
    void Wake();
}
