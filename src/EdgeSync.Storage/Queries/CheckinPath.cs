using EdgeSync.Primitives;

namespace EdgeSync.Storage.Queries;

/// <summary>
/// The shortest way between two check-ins over the links of parents and children, in either direction. Of several it
/// is the one that stock takes, so that both programs bisect alike. Spec: path.c.
/// </summary>
public sealed class CheckinPath
{
    private readonly IReadOnlySet<RecordId> _skipped;

    private CheckinPath(IReadOnlyList<RecordId> nodes, IReadOnlySet<RecordId> skipped, int steps) =>
        (Nodes, _skipped, Steps) = (nodes, skipped, steps);

    /// <summary>Both ends and what lies between, from the start.</summary>
    public IReadOnlyList<RecordId> Nodes { get; }

    /// <summary>Links between the ends.</summary>
    public int Steps { get; }

    /// <summary>Links that lead to check-ins which are not skipped.</summary>
    public int Span => Nodes.Skip(1).Count(n => !_skipped.Contains(n));

    /// <summary>How many more check-ins have to be tried, about.</summary>
    public int StepsRemaining
    {
        get
        {
            var (count, span) = (0, Span);
            for (var reach = 1; reach < span; reach += reach) count++;
            return count;
        }
    }

    /// <summary>The check-in halfway, skipped ones left out; none when the ends are neighbours.</summary>
    public RecordId Midpoint
    {
        get
        {
            var span = Span;
            if (span < 2) return RecordId.None;

            var seen = 0;
            for (var i = Nodes.Count - 1; i >= 0; i--)
            {
                var isSkipped = _skipped.Contains(Nodes[i]);
                if (!isSkipped && seen >= span / 2) return Nodes[i];
                if (!isSkipped) seen++;
            }

            return RecordId.None;
        }
    }

    /// <summary>The one behind the start; none when there is none.</summary>
    public RecordId Next => Nodes.Count > 1 ? Nodes[1] : RecordId.None;

    /// <summary>Null when nothing joins them.</summary>
    /// <param name="repository">To read.</param>
    /// <param name="from">The start.</param>
    /// <param name="to">The end.</param>
    /// <param name="isDirect">Over primary parents alone, not over merges.</param>
    /// <param name="skipped">Check-ins that count for nothing.</param>
    public static CheckinPath? Shortest(
        Repository repository, RecordId from, RecordId to, bool isDirect, IReadOnlySet<RecordId> skipped)
    {
        if (from == to) return new CheckinPath([from], skipped, 0);

        var only = isDirect ? "AND isprim" : "";
        using var neighbours = repository.Database.Prepare(
            $"SELECT cid FROM plink WHERE pid=?1 {only} UNION ALL SELECT pid FROM plink WHERE cid=?1 {only}");
        var origins = new Dictionary<RecordId, RecordId> { [from] = RecordId.None };

        // Level by level; within one, what was found last is looked at first.
        var level = new List<RecordId> { from };
        for (var steps = 1; level.Count > 0; steps++)
        {
            var next = new List<RecordId>();
            for (var i = level.Count - 1; i >= 0; i--)
            {
                neighbours.Reset().Bind(1, level[i]);
                while (neighbours.Step())
                {
                    var found = neighbours.Record(0);
                    if (!origins.TryAdd(found, level[i])) continue;
                    if (found == to) return new CheckinPath(Back(origins, to), skipped, steps);

                    next.Add(found);
                }
            }

            level = next;
        }

        return null;
    }

    private static List<RecordId> Back(Dictionary<RecordId, RecordId> origins, RecordId end)
    {
        var nodes = new List<RecordId>();
        for (var at = end; !at.IsNone; at = origins[at]) nodes.Add(at);
        nodes.Reverse();
        return nodes;
    }
}
