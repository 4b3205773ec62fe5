using System.Globalization;
using EdgeSync.Agent;
using EdgeSync.Agent.Peers;
using EdgeSync.Primitives;
using EdgeSync.Storage;

namespace EdgeSync.Node.Repositories;

/// <summary>
/// An agent's state over restarts: a row for each peer in <c>fx_peer</c> (a name that stock's rebuild leaves alone),
/// and two numbers among the settings.
/// </summary>
internal static class PeerTable
{
    private const string Schema =
        """
        CREATE TABLE IF NOT EXISTS fx_peer(
          peer_id TEXT PRIMARY KEY, role TEXT, hub TEXT, version TEXT, platform TEXT, capabilities TEXT,
          checkins INTEGER, head TEXT, last_seen INTEGER, last_sync INTEGER, behind TEXT, is_foreign INTEGER
        ) WITHOUT ROWID
        """;

    public static AgentMemory Read(Repository repository) => new()
    {
        PublishedRid = repository.Settings[AgentMemory.PublishedRidKey] is { } text
            && long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var rid)
            ? new RecordId(rid)
            : null,
        DurableSequence = (ulong)Math.Max(0, repository.Settings.Int64(AgentMemory.DurableSequenceKey)),
        Peers = ReadPeers(repository),
    };

    public static void Write(Repository repository, PeerRecord peer)
    {
        repository.Database.Execute(Schema);
        using var replace = repository.Database.Prepare(
            "REPLACE INTO fx_peer VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12)");
        replace.BindText(1, peer.PeerId).BindText(2, peer.Role.ToString().ToLowerInvariant()).BindText(3, peer.Hub)
            .BindText(4, peer.Version).BindText(5, peer.Platform).BindText(6, string.Join(',', peer.Capabilities))
            .Bind(7, peer.CheckIns)
            .BindText(8, peer.Head.IsEmpty ? null : peer.Head.ToString()).Bind(9, peer.LastSeen.UnixMilliseconds);
        if (peer.LastSync is { } synced) replace.Bind(10, synced.UnixMilliseconds);
        else replace.BindNull(10);
        replace.BindText(11, peer.Behind).Bind(12, peer.IsForeign ? 1 : 0).Run();
    }

    public static void Remove(Repository repository, string peerId)
    {
        if (!repository.Database.HasTable("fx_peer")) return;

        using var delete = repository.Database.Prepare("DELETE FROM fx_peer WHERE peer_id=?1");
        delete.BindText(1, peerId).Run();
    }

    public static IReadOnlyList<PeerRecord> ReadPeers(Repository repository)
    {
        if (!repository.Database.HasTable("fx_peer")) return [];

        var peers = new List<PeerRecord>();
        using var select = repository.Database.Prepare("SELECT * FROM fx_peer ORDER BY last_seen DESC");
        while (select.Step())
        {
            peers.Add(new PeerRecord
            {
                PeerId = select.Text(0) ?? "",
                Role = Enum.TryParse<NodeRole>(select.Text(1), ignoreCase: true, out var role) ? role : NodeRole.Peer,
                Hub = select.Text(2),
                Version = select.Text(3) ?? "",
                Platform = select.Text(4) ?? "",
                Capabilities = (select.Text(5) ?? "").Split(',', StringSplitOptions.RemoveEmptyEntries),
                CheckIns = select.Int64(6),
                Head = select.Artifact(7),
                LastSeen = Instant.FromUnixMilliseconds(select.Int64(8)),
                LastSync = select.IsNull(9) ? null : Instant.FromUnixMilliseconds(select.Int64(9)),
                Behind = select.Text(10),
                IsForeign = select.Boolean(11),
            });
        }

        return peers;
    }
}
