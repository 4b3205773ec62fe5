using EdgeSync.Primitives;
using EdgeSync.Storage.Crosslink.Rebuild;
using EdgeSync.Storage.Sync;

namespace EdgeSync.Storage.Bundles;

/// <summary>
/// Removes the check-ins of a bundle from a repository, with the files and tags that nothing else needs; the bundle is
/// their copy. Spec: bundle_purge_cmd in bundle.c, purge_artifact_list in purge.c.
/// </summary>
// Differs from Fossil: all tables are derived again, so that leaves and tickets are those of what is left.
public static class BundlePurge
{
    private const string Doomed = "temp.edgesync_purge";

    /// <summary>Removes them; answers what was removed.</summary>
    /// <param name="repository">The repository to write.</param>
    /// <param name="path">The bundle.</param>
    /// <param name="isForced">Also when later check-ins rest on them, or the bundle lacks a part.</param>
    /// <param name="cancellationToken">Ends the rebuild.</param>
    /// <exception cref="EdgeSyncException">It is no bundle, or something else needs what would go.</exception>
    public static IReadOnlyList<BundleEntry> Run(
        Repository repository, string path, bool isForced, CancellationToken cancellationToken)
    {
        var held = Bundle.List(path).Entries.Select(e => e.Id).ToHashSet();
        var database = repository.Database;
        database.Execute("CREATE TEMP TABLE edgesync_purge(rid INTEGER PRIMARY KEY)");
        try
        {
            var removed = new List<BundleEntry>();
            using (var transaction = repository.Begin())
            {
                AddCheckins(repository, held);
                if (!isForced) RequireNoChildren(repository);
                AddAssociates(repository);
                var doomed = List(repository);
                if (!isForced) RequireHeld(repository, doomed, held);
                foreach (var rid in doomed)
                    removed.Add(new BundleEntry(
                        repository.Content.NameOf(rid), repository.Content.SizeOf(rid), 0,
                        Bundle.NotesOf(repository, rid)));
                RequireBaselines(repository);
                foreach (var rid in doomed) repository.Content.Deltas.UndeltaDependants(rid);
                database.Execute(
                    $"""
                    DELETE FROM delta WHERE rid IN {Doomed};
                    DELETE FROM blob WHERE rid IN {Doomed};
                    DELETE FROM private WHERE rid IN {Doomed};
                    """);
                repository.Content.ForgetCached();
                new PeerMarks(database).Clear();
                transaction.Commit();
            }

            if (removed.Count > 0) Rebuilder.Run(repository, new RebuildOptions(), cancellationToken);
            return removed;
        }
        finally
        {
            database.Execute("DROP TABLE edgesync_purge");
        }
    }

    private static void AddCheckins(Repository repository, HashSet<ArtifactId> held)
    {
        using var insert = repository.Database.Prepare(
            $"INSERT OR IGNORE INTO {Doomed} SELECT cid FROM plink WHERE cid=?1");
        foreach (var id in held)
            if (repository.Content.Find(id) is { IsNone: false } rid) insert.Bind(1, rid).Run();
    }

    private static void RequireNoChildren(Repository repository)
    {
        using var select = repository.Database.Prepare(
            $"SELECT cid FROM plink WHERE pid IN {Doomed} AND cid NOT IN {Doomed}");
        var children = new List<string>();
        while (select.Step()) children.Add(repository.Content.NameOf(select.Record(0)).ToString());
        if (children.Count > 0)
        {
            throw new EdgeSyncException(
                ErrorKind.Conflict, "check-ins below are derived from check-ins in the bundle", "--force removes them")
            {
                Candidates = children,
            };
        }
    }

    // Files that no other check-in has, and tags on these check-ins alone. Spec: find_checkin_associates in bundle.c.
    private static void AddAssociates(Repository repository) => repository.Database.Execute(
        $"""
        CREATE TEMP TABLE edgesync_purge_more AS
          SELECT fid AS rid FROM mlink WHERE fid<>0 AND mid IN {Doomed}
            AND fid NOT IN (SELECT fid FROM mlink WHERE mid NOT IN {Doomed})
          UNION
          SELECT srcid FROM tagxref WHERE rid IN {Doomed} AND srcid<>0
            AND srcid NOT IN (SELECT srcid FROM tagxref WHERE rid NOT IN {Doomed});
        INSERT OR IGNORE INTO {Doomed} SELECT rid FROM temp.edgesync_purge_more;
        DROP TABLE temp.edgesync_purge_more;
        """);

    private static void RequireHeld(Repository repository, List<RecordId> doomed, HashSet<ArtifactId> held)
    {
        string[] missing = [
            .. doomed.Select(repository.Content.NameOf).Where(id => !held.Contains(id)).Select(id => id.ToString())];
        if (missing.Length > 0)
        {
            throw new EdgeSyncException(
                ErrorKind.Conflict, "artifacts below, of the bundle's check-ins, are not in the bundle",
                "--force removes them")
            {
                Candidates = missing,
            };
        }
    }

    // A delta manifest that stays needs its baseline.
    private static void RequireBaselines(Repository repository)
    {
        using var select = repository.Database.Prepare(
            $"""
            SELECT blob.uuid FROM plink JOIN blob ON blob.rid=plink.baseid
             WHERE plink.baseid IN {Doomed} AND plink.cid NOT IN {Doomed}
            """);
        if (select.Step())
            throw new EdgeSyncException(
                ErrorKind.Conflict, $"{select.Text(0)} is the baseline of a check-in that stays",
                "edgesync repo bundle export FILE --branch NAME");
    }

    private static List<RecordId> List(Repository repository)
    {
        var rids = new List<RecordId>();
        using var select = repository.Database.Prepare($"SELECT rid FROM {Doomed}");
        while (select.Step()) rids.Add(select.Record(0));
        return rids;
    }
}
