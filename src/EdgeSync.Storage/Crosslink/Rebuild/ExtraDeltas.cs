using EdgeSync.Primitives;

namespace EdgeSync.Storage.Crosslink.Rebuild;

/// <summary>
/// Stores remaining full texts as deltas: manifests of later ones, files of later ones of their name.
/// </summary>
/// <remarks>Spec: rebuild.c, extra_deltification: five neighbours are tried.</remarks>
public static class ExtraDeltas
{
    private const int NeighboursMax = 5;

    /// <summary>Returns how many deltas were made, and the bytes they save.</summary>
    public static (int Count, long BytesSaved) Make(Repository repository)
    {
        // A manifest has no name: all are of one group.
        var manifests = Try(repository,
            """
            SELECT rid, 0 FROM event, blob
            WHERE blob.rid=event.objid AND event.type='ci' AND NOT EXISTS(SELECT 1 FROM delta WHERE rid=blob.rid)
            ORDER BY event.mtime DESC
            """);
        var files = Try(repository,
            """
            SELECT DISTINCT blob.rid, mlink.fnid FROM blob, mlink, plink
            WHERE NOT EXISTS(SELECT 1 FROM delta WHERE rid=blob.rid) AND mlink.fid=blob.rid AND mlink.mid=plink.cid
            ORDER BY mlink.fnid, plink.mtime DESC
            """);
        return (manifests.Count + files.Count, manifests.BytesSaved + files.BytesSaved);
    }

    private static (int Count, long BytesSaved) Try(Repository repository, string sql)
    {
        var candidates = new List<(RecordId Record, long Group)>();
        using (var query = repository.Database.Prepare(sql))
        {
            while (query.Step()) candidates.Add((query.Record(0), query.Int64(1)));
        }

        var count = 0;
        var bytes = 0L;
        var neighbours = new List<RecordId>(NeighboursMax + 1);
        var group = 0L;
        foreach (var candidate in candidates)
        {
            if (candidate.Group != group) neighbours.Clear();
            group = candidate.Group;
            if (neighbours.Count > 0
                && repository.Content.Deltas.Deltify(candidate.Record, [.. neighbours]) is > 0 and var saved)
            {
                count++;
                bytes += saved;
            }

            neighbours.Add(candidate.Record);
            if (neighbours.Count > NeighboursMax) neighbours.RemoveAt(0);
        }

        return (count, bytes);
    }
}
