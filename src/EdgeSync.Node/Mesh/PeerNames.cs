using EdgeSync.Node.Settings;
using EdgeSync.Primitives;

namespace EdgeSync.Node.Mesh;

/// <summary>Peers as commands name them: as texts.</summary>
internal static class PeerNames
{
    /// <summary>The id of a ticket or id, and the ticket if it is one with a way to the endpoint.</summary>
    /// <exception cref="EdgeSyncException">Neither.</exception>
    public static (string Id, string? Ticket) Parse(string text)
    {
        var address = IrohPeer.Parse(text);
        return (address.Id.ToString(), address.IsEmpty ? null : text);
    }

    public static bool TryParse(string text, out string id)
    {
        var isPeer = IrohPeer.TryParse(text, out var address, out _);
        id = address?.Id.ToString() ?? "";
        return isPeer;
    }

    /// <summary>The id of the endpoint that made a pairing code.</summary>
    /// <exception cref="EdgeSyncException">Not a code, or it is damaged.</exception>
    public static string IdOfCode(string code) => PairClient.Parse(code).Peer.Id.ToString();
}
