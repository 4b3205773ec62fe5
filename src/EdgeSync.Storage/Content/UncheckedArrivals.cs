using EdgeSync.Primitives;

namespace EdgeSync.Storage.Content;

/// <summary>Artifacts of the current transaction that are not hashed yet.</summary>
internal sealed class UncheckedArrivals
{
    private readonly List<RecordId> _filled = [];

    public HashSet<RecordId> Rids { get; } = [];

    /// <param name="rid">The new artifact.</param>
    /// <param name="wasKnown">The record existed, so deltas may have waited for it.</param>
    public void Add(RecordId rid, bool wasKnown)
    {
        Rids.Add(rid);
        if (wasKnown) _filled.Add(rid);
    }

    /// <summary>Deltas of earlier rounds, stored without their sources, that can be read now.</summary>
    public HashSet<RecordId> ListWaiting(ContentStore content)
    {
        var waiting = new HashSet<RecordId>();
        var dependants = new List<RecordId>();
        var open = new Stack<RecordId>(_filled);
        while (open.TryPop(out var source))
        {
            dependants.Clear();
            content.ListDependants(source, dependants);
            foreach (var rid in dependants)
                if (!Rids.Contains(rid) && waiting.Add(rid)) open.Push(rid);
        }

        return waiting;
    }

    public void Clear()
    {
        Rids.Clear();
        _filled.Clear();
    }
}
