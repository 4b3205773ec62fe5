using EdgeSync.Nats.Broker.Routing;
using EdgeSync.Primitives;

namespace EdgeSync.Nats.Broker;

/// <summary>
/// A connection to another broker, as the router sees it: one end that stands for all who live beyond it.
/// </summary>
internal abstract class LeafLink(
    BrokerCore core, ConnectionOrigin origin, Instant now) : BrokerConnection(core, origin, now)
{
    /// <summary>
    /// Whether what came from <paramref name="source"/> (a client or another link) may go out here: roles, origin
    /// cluster, no way back.
    /// </summary>
    public abstract bool MayPassFrom(BrokerConnection source);

    /// <summary>
    /// Whether the other side may be given the subject at all. Asked before a link is chosen for a queue group.
    /// </summary>
    public abstract bool MayReceive(ReadOnlySpan<byte> subject);

    /// <summary>
    /// Writes one message, that names each queue for which this link was chosen. False when nothing was written (not
    /// allowed, closed, too large for the other side). <paramref name="queues"/> is valid during the call alone.
    /// </summary>
    public abstract bool Deliver(in RoutedMessage message, ReadOnlySpan<byte[]> queues);
}
