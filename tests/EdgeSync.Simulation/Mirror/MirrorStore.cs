using System.Diagnostics.CodeAnalysis;
using EdgeSync.Can.Assets;
using EdgeSync.Can.Sync.Peers;
using EdgeSync.Can.Sync.Records;
using EdgeSync.Can.Sync.Transfer;

namespace EdgeSync.Simulation.Mirror;

/// <summary>
/// A store in memory. What is saved survives a crash of its node; what the node was about to do does not.
/// </summary>
internal sealed class MirrorStore(StoreId id) : ISyncStore
{
    private readonly Dictionary<AssetHash, SyncRecord> _records = [];
    private readonly Dictionary<AssetHash, (byte[] Bytes, ContentTree Tree)> _contents = [];
    private readonly Dictionary<AssetHash, (ContentTree Tree, List<byte[]> Groups)> _partials = [];

    private readonly Dictionary<long, SortedDictionary<long, byte[]>> _arrivals = [];
    private readonly Dictionary<AssetHash, ForgottenDeletion> _forgotten = [];
    private readonly DeletionCount[] _deletions = new DeletionCount[2];

    public StoreId Id => id;

    public ulong ForgottenTime { get; private set; }

    /// <summary>Groups that were written, also again.</summary>
    public int GroupsWritten { get; private set; }

    public IEnumerable<SyncRecord> Records() => _records.Values.ToList();

    public IEnumerable<AssetHash> Contents() => _contents.Keys;

    public byte[] ContentOf(AssetHash hash) => _contents[hash].Bytes;

    public bool TryGetRecord(AssetHash key, [NotNullWhen(true)] out SyncRecord? record) =>
        _records.TryGetValue(key, out record);

    public void SaveRecord(SyncRecord record)
    {
        // As a database has it.
        Assert.True(SyncRecord.TryRead(record.ToArray(), out var read), "a record that cannot be read was saved");
        Assert.True(record.Digest == read!.Digest, "a record changed when it was saved");
        _records[record.Key] = read;
        _forgotten.Remove(record.Key);
        if (!record.IsPurged) return;

        _contents.Remove(record.Key);
        _partials.Remove(record.Key);
    }

    public void ForgetRecord(AssetHash key, ulong deletionTime)
    {
        _records.Remove(key, out var record);
        _forgotten[key] = new ForgottenDeletion(key, record!.TimestampMs, (long)(deletionTime >> 16));
        ForgottenTime = Math.Max(ForgottenTime, deletionTime);
    }

    public IEnumerable<ForgottenDeletion> ForgottenDeletions() => _forgotten.Values;

    public bool TryGetForgotten(AssetHash hash, out ForgottenDeletion deletion) =>
        _forgotten.TryGetValue(hash, out deletion);

    public void SaveDeletionCount(bool ofPeers, DeletionCount count) => _deletions[ofPeers ? 1 : 0] = count;

    public DeletionCount DeletionCountOf(bool ofPeers) => _deletions[ofPeers ? 1 : 0];

    public bool HasContent(AssetHash hash) => _contents.ContainsKey(hash);

    public bool IsLost(AssetHash hash) => false;

    public bool TryGetTree(AssetHash hash, [NotNullWhen(true)] out ContentTree? tree)
    {
        tree = _contents.TryGetValue(hash, out var content) ? content.Tree : null;
        return tree is not null;
    }

    public bool TryGetPartial(AssetHash hash, [NotNullWhen(true)] out PartialContent? partial)
    {
        partial = _partials.TryGetValue(hash, out var part) ? new PartialContent(part.Tree, part.Groups.Count) : null;
        return partial is not null;
    }

    public void DropPartial(AssetHash hash) => _partials.Remove(hash);

    /// <summary>Content that a user brings.</summary>
    public void Put(AssetHash hash, byte[] bytes) => _contents[hash] = ((byte[])bytes.Clone(), ContentTree.Of(bytes));

    /// <summary>Content goes, as from a disk.</summary>
    public void Lose(AssetHash hash) => _contents.Remove(hash);

    /// <summary>A bit goes over, and nothing notices.</summary>
    public void Spoil(AssetHash hash, int at) => _contents[hash].Bytes[at] ^= 1;

    public ReadOnlyMemory<byte>? Read(AssetHash hash, long offset, int count) =>
        _contents.TryGetValue(hash, out var content) && offset + count <= content.Bytes.Length
            ? content.Bytes.AsMemory((int)offset, count) : null;

    /// <summary>Whether the content is what its hash says; one that is not is gone.</summary>
    public bool Verify(AssetHash hash)
    {
        if (!_contents.TryGetValue(hash, out var content)) return false;
        if (AssetHash.Of(_records[hash].TimestampMs, content.Bytes) == hash) return true;

        _contents.Remove(hash);
        return false;
    }

    public bool Write(SyncEffect.WriteGroup write)
    {
        var isSame = _partials.TryGetValue(write.Hash, out var part)
            && part.Tree.Root.Span.SequenceEqual(write.Tree.Root.Span);
        if (!isSame && write.Group > 0) return false;
        if (!isSame) _partials[write.Hash] = part = (write.Tree, []);
        if (write.Group < part.Groups.Count) return true;
        if (write.Group > part.Groups.Count) return false;

        GroupsWritten++;
        part.Groups.Add(write.Bytes.ToArray());
        return true;
    }

    public bool WriteArrival(SyncEffect.WriteArrival write)
    {
        if (!_arrivals.TryGetValue(write.Arrival, out var pieces)) _arrivals[write.Arrival] = pieces = [];
        pieces[write.Offset] = write.Bytes.ToArray();
        return true;
    }

    public CommitOutcome CommitArrival(SyncEffect.CommitArrival commit)
    {
        var bytes = _arrivals.Remove(commit.Arrival, out var pieces)
            ? pieces.Values.SelectMany(p => p).ToArray() : [];
        if (_records[commit.Hash].IsPurged) return CommitOutcome.Failed;
        if (AssetHash.Of(commit.TimestampMs, bytes) != commit.Hash) return CommitOutcome.Mismatch;

        Assert.True(ContentTree.Of(bytes).Root.Span.SequenceEqual(commit.Tree.Root.Span));
        _contents[commit.Hash] = (bytes, commit.Tree);
        return CommitOutcome.Stored;
    }

    public void DropArrival(long arrival) => _arrivals.Remove(arrival);

    /// <summary>As a start does.</summary>
    public void DropArrivals() => _arrivals.Clear();

    public CommitOutcome Commit(SyncEffect.Commit commit)
    {
        if (_records[commit.Hash].IsPurged) return CommitOutcome.Failed;

        var bytes = _partials.Remove(commit.Hash, out var part) ? part.Groups.SelectMany(g => g).ToArray() : [];
        if (AssetHash.Of(commit.TimestampMs, bytes) != commit.Hash) return CommitOutcome.Mismatch;

        _contents[commit.Hash] = (bytes, commit.Tree);
        return CommitOutcome.Stored;
    }
}
