using EdgeSync.Fossil.Artifacts;
using EdgeSync.Primitives;

namespace EdgeSync.Storage.Crosslink;

/// <summary>
/// Makes clusters of artifacts that no cluster names, so that one igot card announces hundreds of them. Stock does this
/// on the server, before it replies to a pull.
/// </summary>
/// <remarks>Spec: xfer.c, create_cluster; specs §6.4.</remarks>
public sealed class ClusterMaker(Repository repository, Crosslinker crosslinker)
{
    private const int UnclusteredMin = 100;

    private const int MembersMax = 800;

    // A cluster ends at 800 members only if more than this many would be left for the next.
    private const int RestMin = 100;

    /// <summary>Makes clusters if enough artifacts wait; returns how many. Inside a transaction.</summary>
    public int Make()
    {
        Invariant.Require(repository.Database.IsInTransaction);
        var left = repository.Database.QueryInt64(
            "SELECT count(*) FROM unclustered WHERE NOT EXISTS(SELECT 1 FROM phantom WHERE rid=unclustered.rid)");
        if (left < UnclusteredMin) return 0;

        var groups = Group(ListUnclustered(), left);
        var made = new List<RecordId>();
        foreach (var group in groups) made.Add(repository.Content.Put(ArtifactDraft.Cluster(group).ToBytes()));
        crosslinker.LinkPending();

        // The last one lists the rows below by name, so it is added again; phantoms stay.
        using (var delete = repository.Database.Prepare(
            "DELETE FROM unclustered WHERE NOT EXISTS(SELECT 1 FROM phantom WHERE rid=unclustered.rid)"))
        {
            delete.Run();
        }

        foreach (var cluster in made)
        {
            using var insert = repository.Database.Prepare("INSERT OR IGNORE INTO unclustered(rid) VALUES(?1)");
            insert.Bind(1, cluster).Run();
        }

        return made.Count;
    }

    private List<ArtifactId> ListUnclustered()
    {
        var ids = new List<ArtifactId>();
        using var query = repository.Database.Prepare(
            """
            SELECT uuid FROM unclustered, blob
            WHERE NOT EXISTS(SELECT 1 FROM phantom WHERE rid=unclustered.rid)
              AND unclustered.rid=blob.rid
              AND NOT EXISTS(SELECT 1 FROM shun WHERE uuid=blob.uuid)
            ORDER BY 1
            """);
        while (query.Step())
            if (query.Artifact(0) is { IsEmpty: false } id) ids.Add(id);
        return ids;
    }

    private static List<List<ArtifactId>> Group(List<ArtifactId> ids, long left)
    {
        var groups = new List<List<ArtifactId>>();
        var group = new List<ArtifactId>();
        foreach (var id in ids)
        {
            group.Add(id);
            if (group.Count < MembersMax || left <= group.Count + RestMin) continue;
            left -= group.Count;
            groups.Add(group);
            group = [];
        }

        if (group.Count > 0) groups.Add(group);
        return groups;
    }
}
