using EdgeSync.Fossil.Artifacts;
using EdgeSync.Primitives;

namespace EdgeSync.Storage.Checkout;

/// <summary>Which names files got between two check-ins. Spec: find_filename_changes in path.c.</summary>
internal static class NameChanges
{
    /// <summary>From old to new; empty when primary parents do not join the two.</summary>
    public static Dictionary<string, string> Between(Repository repository, RecordId from, RecordId to)
    {
        var names = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var (old, now) in List(repository, from, to, isForwardOnly: false))
            if (old != now) names.TryAdd(old, now);
        return names;
    }

    /// <summary>As the other, in stock's order: the latest first; a name may have come back to what it was.</summary>
    /// <param name="repository">Open.</param>
    /// <param name="from">Where the old names are.</param>
    /// <param name="to">Where the new names are.</param>
    /// <param name="isForwardOnly">Only from parents to children.</param>
    public static List<(string From, string To)> List(
        Repository repository, RecordId from, RecordId to, bool isForwardOnly)
    {
        if (from.IsNone || to.IsNone || from == to || !HasRenames(repository)) return [];

        var changes = new List<Change>();
        foreach (var (checkin, isForward) in Path(repository, from, to, isForwardOnly))
        {
            // All names of a check-in change at once.
            var renamed = new List<(Change Change, string? To)>();
            foreach (var rename in RenamesIn(repository, checkin))
            {
                var (before, after) = isForward ? rename : (rename.To, rename.From);
                if (before is null) continue;

                var change = changes.Find(c => c.Now == before);
                if (change is null && after is not null) changes.Insert(0, change = new Change(before));
                if (change is not null) renamed.Add((change, after));
            }

            foreach (var (change, after) in renamed) change.Now = after;
        }

        return [.. changes.Where(c => c.Now is not null).Select(c => (c.Old, c.Now!))];
    }

    private sealed class Change(string old)
    {
        public string Old { get; } = old;

        /// <summary>Null once the file is gone.</summary>
        public string? Now { get; set; } = old;
    }

    private static bool HasRenames(Repository repository) =>
        repository.Database.QueryInt64("SELECT EXISTS(SELECT 1 FROM mlink WHERE pfnid>0)") != 0;

    // The check-in of each step whose changes are gone through, forwards or back.
    private static List<(RecordId Checkin, bool IsForward)> Path(
        Repository repository, RecordId from, RecordId to, bool isForwardOnly)
    {
        var before = new Dictionary<RecordId, (RecordId Previous, bool IsForward)> { [from] = default };
        var waiting = new Queue<RecordId>([from]);
        while (waiting.TryDequeue(out var at) && at != to)
        {
            using var select = repository.Database.Prepare(
                """
                SELECT cid, 1 FROM plink WHERE pid=?1 AND isprim UNION ALL
                SELECT pid, 0 FROM plink WHERE cid=?1 AND isprim AND ?2=0
                """);
            select.Bind(1, at).Bind(2, isForwardOnly ? 1 : 0);
            while (select.Step())
                if (before.TryAdd(select.Record(0), (at, select.Boolean(1)))) waiting.Enqueue(select.Record(0));
        }

        if (!before.ContainsKey(to)) return [];

        var steps = new List<(RecordId, bool)>();
        for (var at = to; at != from; at = before[at].Previous)
            steps.Add((before[at].IsForward ? at : before[at].Previous, before[at].IsForward));
        steps.Reverse();
        return steps;
    }

    // A file that is gone has no new name.
    private static List<(string? From, string? To)> RenamesIn(Repository repository, RecordId checkin)
    {
        var renames = new List<(string?, string?)>();
        using var select = repository.Database.Prepare(
            """
            SELECT coalesce(old.name,new.name), CASE WHEN pfnid>0 THEN new.name END
              FROM mlink JOIN filename AS new ON new.fnid=mlink.fnid LEFT JOIN filename AS old ON old.fnid=pfnid
             WHERE mid=?1 AND NOT isaux AND ((pfnid>0 AND mlink.fnid!=pfnid) OR fid=0)
             ORDER BY pfnid
            """);
        select.Bind(1, checkin);
        while (select.Step())
            renames.Add((PathText.Of(select.Bytes(0)), select.IsNull(1) ? null : PathText.Of(select.Bytes(1))));
        return renames;
    }
}
