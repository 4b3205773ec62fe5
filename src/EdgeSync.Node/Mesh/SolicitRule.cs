using EdgeSync.Agent;
using EdgeSync.Iroh.Endpoints;

namespace EdgeSync.Node.Mesh;

/// <summary>
/// Which of two endpoints opens the link between their brokers. A leaf does, a hub does not, and of two peers the one
/// with the lesser id. Where both do, or the one that should cannot, the two sides still end with one link.
/// </summary>
internal static class SolicitRule
{
    /// <summary>So long a peer waits for the link of the one with the lesser id, which may not reach it.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(3);

    /// <summary>Both sides may have opened a stream within this time; later, one side has lost its link.</summary>
    public static readonly TimeSpan RaceTime = TimeSpan.FromSeconds(5);

    /// <summary>Whether a node solicits now.</summary>
    /// <param name="own">Its id.</param>
    /// <param name="isAccepted">It serves a link of the other one already.</param>
    /// <param name="waited">Since when the link has been missing.</param>
    public static bool Solicits(NodeRole role, EndpointId own, EndpointId other, bool isAccepted, TimeSpan waited) =>
        !isAccepted && role switch
        {
            NodeRole.Hub => false,
            NodeRole.Leaf => true,
            _ => own < other || waited >= Patience,
        };

    /// <summary>Whether a stream of the other side is refused, because ours stays.</summary>
    /// <param name="ownAge">Since when our stream to it is open; null without one.</param>
    public static bool Refuses(EndpointId own, EndpointId other, TimeSpan? ownAge) =>
        ownAge is { } age && age < RaceTime && own < other;
}
