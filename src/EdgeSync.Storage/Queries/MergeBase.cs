using EdgeSync.Primitives;

namespace EdgeSync.Storage.Queries;

/// <summary>
/// The newest check-in that two lines of development have in common. Both sides are walked back from their newest
/// check-in on; the first one that has been reached from a child of the other side is it.
/// </summary>
// Spec: pivot_find in pivot.c.
public static class MergeBase
{
    private const int Primary = 1;
    private const int Secondary = 2;

    /// <param name="repository">Open.</param>
    /// <param name="primary">What is to be merged.</param>
    /// <param name="secondaries">What it is merged into, with what was merged there already.</param>
    /// <param name="ignoresMerges">Only primary parents are followed.</param>
    /// <returns>None when there is none.</returns>
    public static RecordId Find(
        Repository repository, RecordId primary, IEnumerable<RecordId> secondaries, bool ignoresMerges)
    {
        var walk = new Walk(repository, ignoresMerges);
        walk.Add(primary, Primary);
        foreach (var secondary in secondaries) walk.Add(secondary, Secondary);
        return walk.Find();
    }

    private sealed class Walk(Repository repository, bool ignoresMerges)
    {
        private readonly Dictionary<RecordId, int> _sides = [];
        private readonly PriorityQueue<RecordId, (double Time, long Rid)> _queue = new();
        private readonly HashSet<RecordId> _pending = [];

        public void Add(RecordId checkin, int side)
        {
            _sides[checkin] = _sides.GetValueOrDefault(checkin) | side;
            if (_pending.Add(checkin)) _queue.Enqueue(checkin, (-TimeOf(checkin), -checkin.Value));
        }

        public RecordId Find()
        {
            while (_queue.TryDequeue(out var at, out _))
            {
                _pending.Remove(at);
                var sides = _sides[at];
                if (Links(at, isUp: false).Any(child => ReachesOther(sides, _sides.GetValueOrDefault(child))))
                    return at;

                foreach (var parent in Links(at, isUp: true)) Add(parent, sides);
            }

            return RecordId.None;
        }

        private static bool ReachesOther(int sides, int childSides) =>
            ((sides & Primary) != 0 && (childSides & Secondary) != 0)
            || ((sides & Secondary) != 0 && (childSides & Primary) != 0);

        private List<RecordId> Links(RecordId checkin, bool isUp)
        {
            using var select = isUp
                ? repository.Database.Prepare("SELECT pid FROM plink WHERE cid=?1 AND (isprim OR ?2=0)")
                : repository.Database.Prepare("SELECT cid FROM plink WHERE pid=?1 AND (isprim OR ?2=0)");
            select.Bind(1, checkin).Bind(2, ignoresMerges ? 1 : 0);
            var links = new List<RecordId>();
            while (select.Step()) links.Add(select.Record(0));
            return links;
        }

        private double TimeOf(RecordId checkin)
        {
            using var select = repository.Database.Prepare("SELECT mtime FROM event WHERE objid=?1");
            return select.Bind(1, checkin).Step() ? select.Double(0) : 0;
        }
    }
}
