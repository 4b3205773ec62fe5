using EdgeSync.Iroh.Endpoints;

namespace EdgeSync.Iroh.Gossip;

/// <summary>What the shell has to do, or the application learns. All are of one topic.</summary>
public abstract record GossipEffect(TopicId Topic)
{
    /// <summary>Send a frame's body on the topic's stream; the peer is connected to when it is not.</summary>
    /// <param name="Topic">Whose stream.</param>
    /// <param name="Peer">The recipient.</param>
    /// <param name="Address">Where it is, to connect to it; null: it is looked up by its id.</param>
    /// <param name="Body">Of one frame.</param>
    public sealed record Send(TopicId Topic, EndpointId Peer, EndpointAddress? Address, ReadOnlyMemory<byte> Body)
        : GossipEffect(Topic);

    /// <summary>End the topic's stream to the peer once all is sent.</summary>
    /// <param name="Topic">The topic of the stream.</param>
    /// <param name="Peer">The other end.</param>
    /// <param name="IsLast">No topic needs the connection: it can be closed.</param>
    public sealed record EndStream(TopicId Topic, EndpointId Peer, bool IsLast) : GossipEffect(Topic);

    /// <summary>A peer became a neighbour.</summary>
    public sealed record NeighborUp(TopicId Topic, EndpointId Peer) : GossipEffect(Topic);

    /// <summary>A peer is not a neighbour any more.</summary>
    public sealed record NeighborDown(TopicId Topic, EndpointId Peer) : GossipEffect(Topic);

    /// <summary>A message came, for the first time.</summary>
    /// <param name="Topic">Of the message.</param>
    /// <param name="From">The neighbour that it came through; not its author.</param>
    /// <param name="Content">Of the application.</param>
    /// <param name="Hops">From its author; null: the neighbour sent it to its neighbours alone.</param>
    public sealed record Received(TopicId Topic, EndpointId From, ReadOnlyMemory<byte> Content, int? Hops)
        : GossipEffect(Topic);
}
