using EdgeSync.Fossil.Sync.Store;
using EdgeSync.Primitives;

namespace EdgeSync.Fossil.Sync.Client;

/// <summary>
/// The order in which many artifacts are sent as the repository stores them: whole delta trees, one after the other.
/// Each tree has one root, sent as a full text; all others are deltas of members of their tree.
/// </summary>
internal sealed class BulkPlan
{
    // Before it commits, stock reads all arrivals, in no useful order; so chains to a full text must be short. Measured
    // on a history of 12,272 check-ins: with one chain of all manifests a stock server did not finish within minutes.
    private const int GroupDepthMax = 16;

    private readonly List<Step> _steps = [];

    private BulkPlan(bool rootLast) => IsRootLast = rootLast;

    /// <param name="Rid">What to send.</param>
    /// <param name="IsRoot">As a full text; otherwise as the stored delta.</param>
    /// <param name="EndsGroup">A message may end after this step.</param>
    public readonly record struct Step(RecordId Rid, bool IsRoot, bool EndsGroup);

    public IReadOnlyList<Step> Steps => _steps;

    /// <summary>Deltas before their sources; a group must not be split.</summary>
    public bool IsRootLast { get; }

    /// <summary>
    /// Plans <paramref name="wanted"/>. With <paramref name="rootLast"/> deltas go before their source in small groups,
    /// which must not be split over two messages: a stock receiver keeps a delta whose source it lacks as it is, and
    /// links it when the source arrives, instead of expanding and compressing every text. Otherwise every source goes
    /// first.
    /// </summary>
    public static BulkPlan Make(IArtifactStore store, IReadOnlyCollection<RecordId> wanted, bool rootLast)
    {
        var plan = new BulkPlan(rootLast);
        var members = new HashSet<RecordId>(wanted);
        var children = new Dictionary<RecordId, List<RecordId>>();
        var roots = new List<RecordId>();
        var ascending = new List<RecordId>(members);
        ascending.Sort();
        foreach (var rid in ascending)
        {
            var source = store.SourceOf(rid);
            if (source.IsNone || !members.Contains(source)) roots.Add(rid);
            else if (children.TryGetValue(source, out var list)) list.Add(rid);
            else children[source] = [rid];
        }

        var tree = new List<RecordId>();
        foreach (var root in roots)
        {
            tree.Clear();
            tree.Add(root);
            for (var i = 0; i < tree.Count; i++)
                if (children.TryGetValue(tree[i], out var list))
                    tree.AddRange(list);
            if (rootLast) plan.AddTreeInGroups(tree, children);
            else plan.AddTree(tree);
        }

        return plan;
    }

    // Sources first, each tree as a whole.
    private void AddTree(List<RecordId> tree)
    {
        for (var i = 0; i < tree.Count; i++) _steps.Add(new Step(tree[i], i == 0, EndsGroup: true));
    }

    // Groups of bounded depth. In each the deltas go first, the deepest in front, and its top goes last; the source of
    // the top is in a group sent before (the tree's root has none).
    private void AddTreeInGroups(List<RecordId> tree, Dictionary<RecordId, List<RecordId>> children)
    {
        var depths = new Dictionary<RecordId, int> { [tree[0]] = 0 };
        var groups = new List<List<RecordId>> { new() { tree[0] } };
        var groupOf = new Dictionary<RecordId, List<RecordId>> { [tree[0]] = groups[0] };
        foreach (var source in tree)
        {
            if (!children.TryGetValue(source, out var list)) continue;

            foreach (var rid in list)
            {
                var depth = (depths[source] + 1) % GroupDepthMax;
                depths[rid] = depth;
                if (depth == 0) groups.Add(groupOf[rid] = []);
                else groupOf[rid] = groupOf[source];
                groupOf[rid].Add(rid);
            }
        }

        foreach (var group in groups)
            for (var i = group.Count - 1; i >= 0; i--)
                _steps.Add(new Step(group[i], group[i] == tree[0], EndsGroup: i == 0));
    }
}
