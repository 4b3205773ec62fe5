using EdgeSync.Can.Assets;

namespace EdgeSync.Can.Sync.Records;

/// <summary>What a range of records comes to; equal sums are equal records.</summary>
/// <param name="Sum">Of their digests, modulo 2^128.</param>
/// <param name="Count">How many.</param>
public readonly record struct Fingerprint(UInt128 Sum, int Count);

/// <summary>
/// Keys and digests of all records, as a tree by the hex digits of keys. Keys are hashes, so it is level, and the
/// fingerprint of a range costs as many steps as it has digits.
/// </summary>
public sealed class RecordIndex
{
    /// <summary>Entries of a leaf before it becomes a node.</summary>
    private const int LeafMax = 16;

    private readonly Node _root = new();

    public int Count => _root.Print.Count;

    /// <summary>Adds the record, or replaces what was known of it.</summary>
    public void Set(AssetHash key, UInt128 digest)
    {
        var change = TryGet(key, out var before)
            ? new Fingerprint(unchecked(digest - before), 0) : new Fingerprint(digest, 1);
        var node = _root;
        for (var depth = 0; ; depth++)
        {
            node.Add(change);
            if (node.Children is null)
            {
                node.Entries[key] = digest;
                if (node.Entries.Count > LeafMax && depth < KeyPrefix.DigitsMax) node.Split(depth);
                return;
            }

            node = node.Children[KeyPrefix.DigitOf(key, depth)] ??= new Node();
        }
    }

    public bool Remove(AssetHash key)
    {
        if (!TryGet(key, out var digest)) return false;

        var node = _root;
        for (var depth = 0; ; depth++)
        {
            node.Add(new Fingerprint(unchecked(UInt128.Zero - digest), -1));
            if (node.Children is null)
            {
                node.Entries.Remove(key);
                return true;
            }

            node = node.Children[KeyPrefix.DigitOf(key, depth)]!;
        }
    }

    public bool TryGet(AssetHash key, out UInt128 digest)
    {
        digest = default;
        var node = _root;
        for (var depth = 0; node?.Children is not null; depth++) node = node.Children[KeyPrefix.DigitOf(key, depth)];
        return node is not null && node.Entries.TryGetValue(key, out digest);
    }

    public Fingerprint FingerprintOf(KeyPrefix prefix)
    {
        var node = Find(prefix, out var isExact);
        if (node is null) return default;
        if (isExact) return node.Print;

        var print = default(Fingerprint);
        foreach (var (key, digest) in node.Entries)
        {
            if (prefix.Contains(key)) print = new Fingerprint(unchecked(print.Sum + digest), print.Count + 1);
        }

        return print;
    }

    /// <summary>The records of a range, without an order.</summary>
    public IEnumerable<(AssetHash Key, UInt128 Digest)> EntriesOf(KeyPrefix prefix)
    {
        var start = Find(prefix, out var isExact);
        if (start is null) yield break;

        var pending = new Stack<Node>([start]);
        while (pending.TryPop(out var node))
        {
            foreach (var (key, digest) in node.Entries)
            {
                if (isExact || prefix.Contains(key)) yield return (key, digest);
            }

            foreach (var child in node.Children ?? [])
            {
                if (child is not null) pending.Push(child);
            }
        }
    }

    // The node of the prefix, or the leaf that has the range as a part.
    private Node? Find(KeyPrefix prefix, out bool isExact)
    {
        var node = _root;
        isExact = false;
        for (var depth = 0; depth < prefix.Digits; depth++)
        {
            if (node.Children is null) return node;
            if (node.Children[KeyPrefix.DigitOf(prefix.Key, depth)] is not { } child) return null;

            node = child;
        }

        isExact = true;
        return node;
    }

    private sealed class Node
    {
        public Fingerprint Print { get; private set; }

        public Node?[]? Children { get; private set; }

        public Dictionary<AssetHash, UInt128> Entries { get; private set; } = [];

        public void Add(Fingerprint change) =>
            Print = new Fingerprint(unchecked(Print.Sum + change.Sum), Print.Count + change.Count);

        public void Split(int depth)
        {
            Children = new Node?[16];
            foreach (var (key, digest) in Entries)
            {
                var child = Children[KeyPrefix.DigitOf(key, depth)] ??= new Node();
                child.Entries[key] = digest;
                child.Add(new Fingerprint(digest, 1));
            }

            Entries = [];
        }
    }
}
