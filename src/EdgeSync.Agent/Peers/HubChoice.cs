using System.Text;

namespace EdgeSync.Agent.Peers;

/// <summary>
/// Which nodes sync with each other. One rule keeps fifty nodes from syncing pairwise: a node with a reachable hub
/// syncs with that hub alone; only without a hub do peers sync with each other.
/// </summary>
internal static class HubChoice
{
    /// <summary>
    /// The hub to use, or null. The configured one, or the one at the other end of the uplink, while it is present,
    /// otherwise one of those present: by a hash over both node ids, so that leaves spread over hubs, and each finds
    /// the same one again.
    /// </summary>
    /// <param name="preferred">The configured one, or those of the uplinks, in their order.</param>
    /// <param name="isUsable">False for hubs that failed too often recently.</param>
    /// <param name="isProven">True for those with a successful session: one of them is kept, even when other peers
    /// claim to be hubs.</param>
    public static string? Choose(
        AgentOptions options, IReadOnlyList<string> preferred, PeerRegistry peers, Func<string, bool> isUsable,
        Func<string, bool> isProven)
    {
        foreach (var hub in preferred)
            if (hub != options.NodeId && peers.Find(hub) is { IsPresent: true, Role: NodeRole.Hub } && isUsable(hub))
                return hub;

        // A hub follows another one only when configured or joined to it: hubs that choose each other would wait for
        // each other.
        if (options.Role == NodeRole.Hub) return null;

        string? best = null;
        var bestScore = 0UL;
        var isBestProven = false;
        foreach (var peer in peers.Present)
        {
            if (peer.Role != NodeRole.Hub || peer.IsForeign || peer.PeerId == options.NodeId || !isUsable(peer.PeerId))
                continue;

            var score = Score(options.NodeId, peer.PeerId);
            var proven = isProven(peer.PeerId);
            if (best is null || (proven && !isBestProven) || (proven == isBestProven && score > bestScore))
                (best, bestScore, isBestProven) = (peer.PeerId, score, proven);
        }

        return best;
    }

    /// <summary>The candidates when there is no hub to use.</summary>
    public static List<string> Candidates(AgentOptions options, PeerRegistry peers, Func<string, bool> isUsable)
    {
        var ids = new List<string>();
        foreach (var peer in peers.Present)
        {
            if (peer.IsForeign || peer.PeerId == options.NodeId || !isUsable(peer.PeerId)) continue;

            // A hub without an upstream syncs with other hubs; its leaves start their own sessions.
            if (options.Role == NodeRole.Hub && peer.Role != NodeRole.Hub) continue;
            ids.Add(peer.PeerId);
        }

        return ids;
    }

    // FNV-1a with a final mix: names differ in their last characters only.
    private static ulong Score(string node, string hub)
    {
        var hash = 0xcbf29ce484222325UL;
        foreach (var b in Encoding.UTF8.GetBytes($"{node}\n{hub}")) hash = (hash ^ b) * 0x100000001b3UL;
        hash ^= hash >> 33;
        hash *= 0xff51afd7ed558ccdUL;
        return hash ^ (hash >> 33);
    }
}
