using EdgeSync.Primitives;

namespace EdgeSync.Fossil.Sync;

/// <summary>
/// The order in which many artifacts travel as the repository holds them: whole delta trees, one behind the other. Each tree
/// has one root, sent as a full text; all others are deltas of members of their tree.
/// </summary>
internal sealed class BulkPlan
{
    private readonly List<Step> _steps = [];

    private BulkPlan(bool rootLast) => IsRootLast = rootLast;

    /// <param name="Rid">What to send.</param>
    /// <param name="IsRoot">As a full text; otherwise as the stored delta.</param>
    /// <param name="EndsTree">The last step of its tree.</param>
    public readonly record struct Step(RecordId Rid, bool IsRoot, bool EndsTree);

    public IReadOnlyList<Step> Steps => _steps;

    /// <summary>Deltas before their sources; no tree may be torn.</summary>
    public bool IsRootLast { get; }

    /// <summary>
    /// Plans <paramref name="wanted"/>. With <paramref name="rootLast"/> every delta goes before its source and a tree must
    /// not be torn over two messages: a stock receiver keeps a delta whose source it lacks as it is, and links all when the
    /// root arrives, instead of expanding and compressing every text. Otherwise every source goes first.
    /// </summary>
    public static BulkPlan Make(IArtifactStore store, IReadOnlyCollection<RecordId> wanted, bool rootLast)
    {
        var plan = new BulkPlan(rootLast);
        var members = new HashSet<RecordId>(wanted);
        var children = new Dictionary<RecordId, List<RecordId>>();
        var roots = new List<RecordId>();
        foreach (var rid in wanted.Order())
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
            plan.AddTree(tree);
        }

        return plan;
    }

    private void AddTree(List<RecordId> tree)
    {
        var root = tree[0];
        if (IsRootLast) tree.Reverse();
        for (var i = 0; i < tree.Count; i++) _steps.Add(new Step(tree[i], tree[i] == root, i == tree.Count - 1));
    }
}
