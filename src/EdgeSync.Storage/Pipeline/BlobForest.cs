using System.Runtime.InteropServices;
using EdgeSync.Primitives;
using EdgeSync.Storage.Sqlite;

namespace EdgeSync.Storage.Pipeline;

/// <summary>
/// Which blob is a delta of which, as trees: roots are full texts, children the deltas made from them. Some forty bytes
/// a blob, so that a repository with a million of them still fits a small machine; names and contents stay in the file.
/// </summary>
/// <remarks>
/// Children are in the order of their trees' sizes, the largest last, and a walker releases a text when its last child
/// is made: then at any time at most log2(n) texts are kept, whatever the shape of the trees.
/// </remarks>
internal sealed class BlobForest
{
    /// <summary>In place of a source: the row is a full text.</summary>
    public const int NoSource = -1;

    /// <summary>In place of a source: the delta table names a missing record.</summary>
    public const int LostSource = -2;

    /// <summary>In place of a source: the chain comes back to this node. The cycle is cut here.</summary>
    public const int LoopSource = -3;

    private readonly long[] _rids;
    private readonly long[] _sizes;
    private readonly int[] _sources;
    private readonly Dictionary<int, long> _oddSources;
    private readonly int[] _childStarts;
    private readonly int[] _children;

    private BlobForest(
        long[] rids, long[] sizes, int[] sources, Dictionary<int, long> oddSources, IReadOnlySet<RecordId>? only)
    {
        (_rids, _sizes, _sources, _oddSources) = (rids, sizes, sources, oddSources);
        CutLoops();
        var wanted = only is null ? null : MarkWithSources(only);
        (_childStarts, _children) = ListChildren(sources, wanted);
        (Roots, TreeBytes) = MeasureTrees(wanted);
        PhantomCount = sizes.AsSpan().Count(-1L);
    }

    public int Count => _rids.Length;

    public int PhantomCount { get; }

    /// <summary>
    /// Where walks begin, heaviest tree first, so that the longest work is not begun last. Among them are the deltas
    /// without a usable source, whose trees consist of faults, and one node of every loop.
    /// </summary>
    public int[] Roots { get; }

    /// <summary>Expanded bytes of each root's tree, by the size column.</summary>
    public long[] TreeBytes { get; }

    /// <summary>All blobs; or, as trees, <paramref name="only"/> these and what they are made from.</summary>
    public static BlobForest Load(Database database, IReadOnlySet<RecordId>? only = null)
    {
        var rids = new List<long>();
        var sizes = new List<long>();
        var sources = new List<long>();
        using (var select = database.Prepare(
            "SELECT b.rid, b.size, d.srcid FROM blob b LEFT JOIN delta d ON d.rid=b.rid ORDER BY b.rid"))
        {
            while (select.Step())
            {
                rids.Add(select.Int64(0));
                sizes.Add(select.Int64(1));
                sources.Add(select.IsNull(2) ? NoSource : select.Int64(2));
            }
        }

        return FromRows(
            CollectionsMarshal.AsSpan(rids), CollectionsMarshal.AsSpan(sizes), CollectionsMarshal.AsSpan(sources),
            only);
    }

    /// <summary>From columns in the order of record ids; a source of -1 is none, a size below 0 a phantom.</summary>
    internal static BlobForest FromRows(
        ReadOnlySpan<long> rids, ReadOnlySpan<long> sizes, ReadOnlySpan<long> sourceRids,
        IReadOnlySet<RecordId>? only = null)
    {
        var sources = new int[rids.Length];
        var oddSources = new Dictionary<int, long>();
        var ownSizes = sizes.ToArray();
        for (var i = 0; i < sources.Length; i++)
        {
            ownSizes[i] = Math.Max(ownSizes[i], -1);
            sources[i] = NoSource;
            if (sourceRids[i] == NoSource) continue;

            sources[i] = rids.BinarySearch(sourceRids[i]);
            if (sources[i] >= 0) continue;
            sources[i] = LostSource;
            oddSources.Add(i, sourceRids[i]);
        }

        return new BlobForest(rids.ToArray(), ownSizes, sources, oddSources, only);
    }

    public RecordId Rid(int node) => new(_rids[node]);

    public long Size(int node) => _sizes[node];

    public bool IsPhantom(int node) => _sizes[node] < 0;

    /// <summary>The source's node, or one of the negative values above.</summary>
    public int Source(int node) => _sources[node];

    /// <summary>The source in the delta table, usable or not.</summary>
    public RecordId SourceRid(int node) =>
        _sources[node] >= 0 ? Rid(_sources[node])
        : _oddSources.TryGetValue(node, out var rid) ? new RecordId(rid) : RecordId.None;

    /// <summary>Positions for <see cref="Child"/>; smallest tree first.</summary>
    public (int Start, int End) Children(int node) => (_childStarts[node], _childStarts[node + 1]);

    public int Child(int position) => _children[position];

    // Every node has one source at most, so following sources ends at a root, at a node visited on another path, or at
    // one visited on this path: then that is a cycle.
    private void CutLoops()
    {
        var seenOnWay = new int[_sources.Length];
        for (var start = 0; start < _sources.Length; start++)
        {
            var node = start;
            while (node >= 0 && seenOnWay[node] == 0)
            {
                seenOnWay[node] = start + 1;
                node = _sources[node];
            }

            if (node < 0 || seenOnWay[node] != start + 1) continue;

            var first = node;
            for (var other = _sources[node]; other != node; other = _sources[other]) first = Math.Min(first, other);
            _oddSources.Add(first, _rids[_sources[first]]);
            _sources[first] = LoopSource;
        }
    }

    private bool[] MarkWithSources(IReadOnlySet<RecordId> only)
    {
        var wanted = new bool[_rids.Length];
        foreach (var rid in only)
        {
            var node = Array.BinarySearch(_rids, rid.Value);
            for (; node >= 0 && !wanted[node]; node = _sources[node]) wanted[node] = true;
        }

        return wanted;
    }

    private static (int[] Starts, int[] Children) ListChildren(int[] sources, bool[]? wanted)
    {
        var starts = new int[sources.Length + 1];
        for (var i = 0; i < sources.Length; i++)
        {
            if (sources[i] >= 0 && wanted?[i] != false) starts[sources[i] + 1]++;
        }

        for (var i = 0; i < sources.Length; i++) starts[i + 1] += starts[i];

        var children = new int[starts[^1]];
        var filled = starts.AsSpan(0, sources.Length).ToArray();
        for (var i = 0; i < sources.Length; i++)
        {
            if (sources[i] >= 0 && wanted?[i] != false) children[filled[sources[i]]++] = i;
        }

        return (starts, children);
    }

    private (int[] Roots, long[] Bytes) MeasureTrees(bool[]? wanted)
    {
        // Sources before their children, so that backwards every child precedes its source.
        var order = new int[Count];
        var filled = 0;
        for (var i = 0; i < Count; i++)
        {
            if (_sources[i] < 0 && wanted?[i] != false) order[filled++] = i;
        }

        var roots = order.AsSpan(0, filled).ToArray();
        for (var next = 0; next < filled; next++)
        {
            var children = _children.AsSpan(_childStarts[order[next]].._childStarts[order[next] + 1]);
            children.CopyTo(order.AsSpan(filled));
            filled += children.Length;
        }

        var weights = new int[Count];
        var bytes = new long[Count];
        for (var i = filled - 1; i >= 0; i--)
        {
            var node = order[i];
            weights[node]++;
            bytes[node] += Math.Max(_sizes[node], 0);
            if (_sources[node] < 0) continue;
            weights[_sources[node]] += weights[node];
            bytes[_sources[node]] += bytes[node];
        }

        for (var node = 0; node < Count; node++)
        {
            var siblings = _children.AsSpan(_childStarts[node].._childStarts[node + 1]);
            if (siblings.Length > 1)
            {
                siblings.Sort((a, b) => weights[a] != weights[b] ? weights[a].CompareTo(weights[b]) : a.CompareTo(b));
            }
        }

        roots.AsSpan().Sort((a, b) => bytes[a] != bytes[b] ? bytes[b].CompareTo(bytes[a]) : a.CompareTo(b));
        return (roots, Array.ConvertAll(roots, root => bytes[root]));
    }
}
