using EdgeSync.Iroh.Endpoints;

namespace EdgeSync.Net.Iroh;

/// <summary>What happened in a topic.</summary>
public abstract record GossipEvent
{
    private GossipEvent()
    {
    }

    /// <summary>A peer became a neighbour: it is connected, and messages go to it.</summary>
    public sealed record NeighborUp(EndpointId Peer) : GossipEvent;

    /// <summary>A peer is not a neighbour any more.</summary>
    public sealed record NeighborDown(EndpointId Peer) : GossipEvent;

    /// <summary>A message came, for the first time.</summary>
    /// <param name="From">The neighbour that it came through; not its author.</param>
    /// <param name="Content">Of the application.</param>
    /// <param name="Hops">From its author; null: the neighbour sent it to its neighbours alone.</param>
    public sealed record Received(EndpointId From, ReadOnlyMemory<byte> Content, int? Hops) : GossipEvent;

    /// <summary>Events were dropped here, since the reader was too slow.</summary>
    public sealed record Lagged(long Count) : GossipEvent;
}
