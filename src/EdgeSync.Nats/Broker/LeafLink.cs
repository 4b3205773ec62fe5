using EdgeSync.Nats.Broker.Routing;
using EdgeSync.Primitives;

namespace EdgeSync.Nats.Broker;

/// <summary>
/// A connection to another broker, as the router uses it: one end that stands for all clients beyond it.
/// </summary>
internal abstract class LeafLink(
    BrokerCore core, ConnectionOrigin origin, Instant now) : BrokerConnection(core, origin, now)
{
    /// <summary>
    /// Whether messages from <paramref name="source"/> (a client or another link) may be sent here: roles, origin
    /// cluster, never back.
    /// </summary>
    public abstract bool MayPassFrom(BrokerConnection source);

    /// <summary>
    /// Whether the other side may receive the subject at all. Called before a link is chosen for a queue group.
    /// </summary>
    public abstract bool MayReceive(ReadOnlySpan<byte> subject);

    /// <summary>
    /// Writes one message that names each queue for which this link was chosen. False when nothing was written (not
    /// allowed, closed, too large for the other side). <paramref name="queues"/> is valid during the call only.
    /// </summary>
    public abstract bool Deliver(in RoutedMessage message, ReadOnlySpan<byte[]> queues);
}
