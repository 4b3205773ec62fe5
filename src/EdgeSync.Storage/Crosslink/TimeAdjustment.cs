using EdgeSync.Primitives;

namespace EdgeSync.Storage.Crosslink;

/// <summary>
/// Separates check-ins made almost at the same time, so that a timeline shows parents before children: a parent less
/// than two seconds older than its child is moved to 25 ms before it, in event.mtime only.
/// </summary>
/// <remarks>
/// Spec: manifest.c, manifest_crosslink_end; specs §5, last point. One child a parent counts: the last compared.
/// </remarks>
internal sealed class TimeAdjustment(LinkContext context)
{
    private const double WindowDays = 2.0 / 86400.0;

    private const double StepDays = 25.0 / 86400000.0;

    private const int RoundsMax = 30;

    private readonly SortedDictionary<long, Pair> _pairs = [];

    private sealed class Pair
    {
        public double Parent;
        public long Child;
        public double? ChildTime;
    }

    public static bool IsClose(double parentTime, double childTime) => childTime < parentTime + WindowDays;

    public void Offer(RecordId parent, double parentTime, RecordId child, double childTime)
    {
        if (!IsClose(parentTime, childTime)) return;
        _pairs[parent.Value] = new Pair
        {
            Parent = StockNumber.AsStored(parentTime),
            Child = child.Value,
            ChildTime = StockNumber.AsStored(childTime),
        };
    }

    public void Apply()
    {
        if (_pairs.Count == 0) return;
        for (var round = 0; round < RoundsMax && MoveParents(); round++)
        {
            var times = _pairs.ToDictionary(pair => pair.Key, pair => pair.Value.Parent);
            foreach (var pair in _pairs.Values)
                pair.ChildTime = times.TryGetValue(pair.Child, out var time) ? time : null;
        }

        using var update = context.Database.Prepare(
            "UPDATE event SET mtime=?1 WHERE objid=?2 AND (mtime=omtime OR omtime IS NULL)");
        foreach (var (record, pair) in _pairs) update.Reset().Bind(1, pair.Parent).Bind(2, record).Run();
        _pairs.Clear();
    }

    private bool MoveParents()
    {
        var moved = false;
        foreach (var pair in _pairs.Values)
        {
            if (pair.ChildTime is not { } child || pair.Parent < child || pair.Parent >= child + WindowDays) continue;
            pair.Parent = child - StepDays;
            moved = true;
        }

        return moved;
    }
}
