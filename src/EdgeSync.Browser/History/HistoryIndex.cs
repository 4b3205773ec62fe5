using EdgeSync.Fossil.Artifacts;
using EdgeSync.Primitives;

namespace EdgeSync.Browser.History;

/// <summary>
/// The check-ins with their branches, tags and edited comments, computed when they are asked for: a store holds what
/// manifests and control artifacts say, in the order of their arrival.
/// </summary>
/// <remarks>
/// Of tags, only those are followed that a page shows: <c>branch</c> with its propagation, <c>sym-…</c>,
/// <c>closed</c>, <c>comment</c> and <c>user</c>. Symbolic names that propagate
/// (<c>sym-trunk</c>) are those of branches.
/// </remarks>
public sealed class HistoryIndex
{
    private const string DefaultBranch = "trunk";
    private const string Symbol = "sym-";

    private readonly Dictionary<ArtifactId, CheckIn> _checkins = [];
    private readonly Dictionary<ArtifactId, List<ArtifactId>> _children = [];   // by primary parent
    private readonly HashSet<ArtifactId> _continued = [];   // by any child, also by a merge
    private readonly Dictionary<ArtifactId, List<TagChange>> _tags = [];
    private readonly List<(RecordId Rid, bool IsCheckIn)> _shown = [];
    private readonly Dictionary<ArtifactId, string> _branches = [];   // computed

    public int Count => _checkins.Count;

    /// <summary>The newest check-in; null in an empty repository.</summary>
    public CheckIn? Newest { get; private set; }

    public CheckIn? Find(ArtifactId id) => _checkins.GetValueOrDefault(id);

    /// <summary>True if a check-in has no child on its own branch.</summary>
    public bool IsLeaf(ArtifactId id)
    {
        if (!_checkins.ContainsKey(id)) return false;

        var branch = BranchOf(id);
        return !_children.TryGetValue(id, out var children) || !children.Exists(c => BranchOf(c) == branch);
    }

    /// <summary>True if a check-in is a parent of another one, on whatever branch, or merged by it.</summary>
    public bool IsContinued(ArtifactId id) => _continued.Contains(id);

    /// <summary>The branch: of the nearest primary ancestor that names one.</summary>
    public string BranchOf(ArtifactId id)
    {
        var path = new List<ArtifactId>();
        string? branch;
        var at = id;
        while (!_branches.TryGetValue(at, out branch))
        {
            path.Add(at);
            branch = Latest(at, "branch", TagAction.Propagating)?.Value;
            if (branch is not null) break;

            if (!_checkins.TryGetValue(at, out var checkin) || checkin.Parents.Count == 0)
            {
                branch = DefaultBranch;
                break;
            }

            at = checkin.Parents[0];
        }

        foreach (var passed in path) _branches[passed] = branch;
        return branch;
    }

    /// <summary>Symbolic names on the check-in itself, without its branch.</summary>
    public IReadOnlyList<string> TagsOf(ArtifactId id)
    {
        if (!_tags.TryGetValue(id, out var changes)) return [];

        return
        [
            .. changes.Where(c => c.Name.StartsWith(Symbol, StringComparison.Ordinal)).Select(c => c.Name).Distinct()
                .Where(name => Latest(id, name, null) is { Action: TagAction.Single }).Select(n => n[Symbol.Length..])
                .Order(StringComparer.Ordinal),
        ];
    }

    /// <summary>A leaf that is not to be continued.</summary>
    public bool IsClosed(ArtifactId id) => Latest(id, "closed", null) is { Action: not TagAction.Cancel };

    /// <summary>The comment, as edited last.</summary>
    public string CommentOf(CheckIn checkin) =>
        Latest(checkin.Id, "comment", null) is { Action: not TagAction.Cancel, Value: { } text }
            ? text
            : checkin.Comment;

    /// <summary>The user, as edited last.</summary>
    public string UserOf(CheckIn checkin) =>
        Latest(checkin.Id, "user", null) is { Action: not TagAction.Cancel, Value: { } text } ? text : checkin.User;

    /// <summary>The newest check-ins, newest first.</summary>
    /// <param name="branch">Only of this branch; null: of all.</param>
    /// <param name="before">Only older ones; null: from the newest on.</param>
    public IReadOnlyList<CheckIn> Timeline(int limit, string? branch = null, Instant? before = null) =>
        [.. _checkins.Values.Where(c => before is null || c.Date < before)
            .Where(c => branch is null || BranchOf(c.Id) == branch)
            .OrderByDescending(c => c.Date).ThenByDescending(c => c.Rid).Take(limit)];

    /// <summary>The newest check-in of a branch, an open leaf if there is one; null: no such branch.</summary>
    public CheckIn? TipOf(string branch) => _checkins.Values.Where(c => BranchOf(c.Id) == branch)
        .OrderByDescending(c => IsLeaf(c.Id) && !IsClosed(c.Id)).ThenByDescending(c => c.Date)
        .ThenByDescending(c => c.Rid).FirstOrDefault();

    /// <summary>The newest check-in with a symbolic name of its own; null: none.</summary>
    public CheckIn? Tagged(string tag) =>
        _tags.Where(t => t.Value.Exists(c => c.Name == Symbol + tag) && _checkins.ContainsKey(t.Key)
                && Latest(t.Key, Symbol + tag, null) is { Action: TagAction.Single })
            .Select(t => _checkins[t.Key]).OrderByDescending(c => c.Date).FirstOrDefault();

    /// <summary>Artifacts with a row in a timeline, in the order in which their texts came.</summary>
    internal IReadOnlyList<(RecordId Rid, bool IsCheckIn)> Shown => _shown;

    /// <summary>Artifacts with a row in a timeline, whose rid is greater, ascending.</summary>
    internal IEnumerable<(RecordId Rid, bool IsCheckIn)> ShownAfter(RecordId after) =>
        _shown.Where(s => s.Rid > after).OrderBy(s => s.Rid);

    internal void Add(CheckIn checkin)
    {
        if (!_checkins.TryAdd(checkin.Id, checkin)) return;

        _shown.Add((checkin.Rid, true));
        _branches.Clear();
        if (Newest is null || checkin.Date >= Newest.Date) Newest = checkin;
        _continued.UnionWith(checkin.Parents);
        if (checkin.Parents.Count == 0) return;

        if (!_children.TryGetValue(checkin.Parents[0], out var children))
            _children[checkin.Parents[0]] = children = [];
        children.Add(checkin.Id);
    }

    internal void Add(TagChange change)
    {
        if (!_tags.TryGetValue(change.Target, out var changes)) _tags[change.Target] = changes = [];
        changes.Add(change);
        _branches.Clear();
    }

    internal void AddOther(RecordId rid) => _shown.Add((rid, false));

    private TagChange? Latest(ArtifactId id, string name, TagAction? action)
    {
        if (!_tags.TryGetValue(id, out var changes)) return null;

        TagChange? latest = null;
        foreach (var change in changes)
            if (change.Name == name && (action is null || change.Action == action)
                && (latest is null || change.Date >= latest.Date))
                latest = change;
        return latest;
    }
}
