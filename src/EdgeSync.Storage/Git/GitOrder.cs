using EdgeSync.Primitives;

namespace EdgeSync.Storage.Git;

/// <summary>
/// Check-ins by their time, but every parent before its children: clocks were wrong sometimes, and git wants the order
/// of descent. Spec: topological_sort_checkins in export.c.
/// </summary>
internal static class GitOrder
{
    public static IReadOnlyList<RecordId> ParentsFirst(Repository repository)
    {
        var times = new Dictionary<RecordId, long>();
        using (var select = repository.Database.Prepare(
            "SELECT objid, CAST(mtime*8640000 AS int) FROM event WHERE type='ci' ORDER BY objid"))
        {
            while (select.Step()) times[select.Record(0)] = select.Int64(1);
        }

        var children = new Dictionary<RecordId, List<RecordId>>();
        using (var select = repository.Database.Prepare("SELECT pid, cid FROM plink"))
        {
            while (select.Step())
            {
                if (!times.ContainsKey(select.Record(0)) || !times.ContainsKey(select.Record(1))) continue;
                if (!children.TryGetValue(select.Record(0), out var list)) children[select.Record(0)] = list = [];
                list.Add(select.Record(1));
            }
        }

        // A child that is not later than its parent moves behind it, and with it its own children.
        var pending = new Queue<RecordId>(times.Keys);
        while (pending.TryDequeue(out var parent))
        {
            if (!children.TryGetValue(parent, out var list)) continue;

            foreach (var child in list)
            {
                if (times[child] > times[parent]) continue;

                times[child] = times[parent] + 1;
                pending.Enqueue(child);
            }
        }

        return [.. times.OrderBy(t => t.Value).ThenBy(t => t.Key.Value).Select(t => t.Key)];
    }
}
