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
        if (from.IsNone || to.IsNone || from == to || !HasRenames(repository)) return names;

        var now = new Dictionary<string, string>(StringComparer.Ordinal);   // from new to old
        foreach (var (checkin, isForward) in Path(repository, from, to))
        {
            var changes = RenamesIn(repository, checkin).Select(r => isForward ? r : (From: r.To, To: r.From)).ToList();
            var olds = changes.ConvertAll(c => now.Remove(c.From, out var old) ? old : c.From);
            for (var i = 0; i < changes.Count; i++) now[changes[i].To] = olds[i];
        }

        foreach (var (newName, old) in now)
            if (newName != old) names[old] = newName;
        return names;
    }

    private static bool HasRenames(Repository repository) =>
        repository.Database.QueryInt64("SELECT EXISTS(SELECT 1 FROM mlink WHERE pfnid>0)") != 0;

    // The check-in of each step whose changes are gone through, forwards or back.
    private static List<(RecordId Checkin, bool IsForward)> Path(
        Repository repository, RecordId from, RecordId to)
    {
        var before = new Dictionary<RecordId, (RecordId Previous, bool IsForward)> { [from] = default };
        var waiting = new Queue<RecordId>([from]);
        while (waiting.TryDequeue(out var at) && at != to)
        {
            using var select = repository.Database.Prepare(
                """
                SELECT cid, 1 FROM plink WHERE pid=?1 AND isprim UNION ALL
                SELECT pid, 0 FROM plink WHERE cid=?1 AND isprim
                """);
            select.Bind(1, at);
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

    private static List<(string From, string To)> RenamesIn(Repository repository, RecordId checkin)
    {
        var renames = new List<(string, string)>();
        using var select = repository.Database.Prepare(
            """
            SELECT old.name, new.name FROM mlink JOIN filename AS old ON old.fnid=pfnid
              JOIN filename AS new ON new.fnid=mlink.fnid
             WHERE mid=?1 AND pfnid>0 AND NOT isaux AND mlink.fnid!=pfnid
            """);
        select.Bind(1, checkin);
        while (select.Step()) renames.Add((PathText.Of(select.Bytes(0)), PathText.Of(select.Bytes(1))));
        return renames;
    }
}
