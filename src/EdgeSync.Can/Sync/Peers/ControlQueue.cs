using EdgeSync.Can.Assets;
using EdgeSync.Can.Sync.Records;
using EdgeSync.Can.Sync.Wire;
using EdgeSync.Primitives;

namespace EdgeSync.Can.Sync.Peers;

/// <summary>
/// What is to be said to a peer. Keys wait, not messages: a record is read when its turn comes, so one that changes
/// ten times while the connection is slow is sent once.
/// </summary>
internal sealed class ControlQueue(int bytesMax)
{
    private const int ClaimsMax = 65_536;
    private const int SoughtMax = 1_000_000;
    private const int ClaimsPerMessage = 256;
    private const int KeysPerMessage = 1024;
    private const int RecordBytesPerMessage = 64 * 1024;

    private readonly Queue<RangeClaim> _claims = new();
    private readonly KeyQueue _records = new();
    private readonly KeyQueue _gets = new();
    private readonly KeyQueue _haves = new();
    private readonly KeyQueue _seeks = new();
    private readonly HashSet<AssetHash> _sought = [];
    private readonly Queue<MirrorMessage> _urgent = new();
    private int _outstanding;

    /// <summary>Claims were dropped: the ranges are to be compared again.</summary>
    public bool HasOverflowed { get; private set; }

    public bool IsIdle => _claims.Count + _records.Count + _gets.Count + _urgent.Count == 0;

    /// <summary>Whether the peer takes what is said, so that more may be heard.</summary>
    public bool IsFlowing => _outstanding < 2 * bytesMax;

    public void Say(MirrorMessage message) => _urgent.Enqueue(message);

    public void Claim(RangeClaim claim)
    {
        if (_claims.Count < ClaimsMax) _claims.Enqueue(claim);
        else HasOverflowed = true;
    }

    public void ResetOverflow() => HasOverflowed = false;

    public void Record(AssetHash key) => _records.Add(key);

    public void Get(AssetHash key) => _gets.Add(key);

    /// <summary>The peer seeks the content of an asset.</summary>
    /// <param name="key">The asset.</param>
    /// <param name="isHere">If not, it will be said when it comes.</param>
    public void Sought(AssetHash key, bool isHere)
    {
        if (isHere) _haves.Add(key);
        else if (_sought.Count < SoughtMax) _sought.Add(key);
    }

    /// <summary>The content of an asset has come.</summary>
    public void Stored(AssetHash key)
    {
        if (_sought.Remove(key)) _haves.Add(key);
    }

    public void Seek(AssetHash key) => _seeks.Add(key);

    public void OnSent(int bytes) => _outstanding -= bytes;

    /// <summary>The next message as a frame, if the connection takes more.</summary>
    public bool TryTake(ISyncStore store, out byte[] frame)
    {
        frame = [];
        if (_outstanding >= bytesMax || Next(store) is not { } message) return false;

        frame = message.ToFrame();
        _outstanding += frame.Length;
        return true;
    }

    private MirrorMessage? Next(ISyncStore store)
    {
        if (_urgent.TryDequeue(out var urgent)) return urgent;
        if (_records.Count > 0 && Records(store) is { } records) return records;
        if (_haves.Count > 0) return new MirrorMessage.Keys(MirrorFrame.Have, _haves.Take(KeysPerMessage));
        if (_gets.Count > 0) return new MirrorMessage.Keys(MirrorFrame.Get, _gets.Take(KeysPerMessage));
        if (_claims.Count > 0) return Claims();
        return _seeks.Count > 0 ? new MirrorMessage.Keys(MirrorFrame.Seek, _seeks.Take(KeysPerMessage)) : null;
    }

    private MirrorMessage.Ranges Claims()
    {
        var claims = new List<RangeClaim>();
        while (claims.Count < ClaimsPerMessage && _claims.TryDequeue(out var claim)) claims.Add(claim);
        return new MirrorMessage.Ranges(claims);
    }

    private MirrorMessage.Records? Records(ISyncStore store)
    {
        var items = new List<(SyncRecord, bool)>();
        for (var bytes = 0; bytes < RecordBytesPerMessage && _records.TryTake(out var key);)
        {
            // Forgotten meanwhile.
            if (!store.TryGetRecord(key, out var record)) continue;

            var hasContent = record.Kind == RecordKind.Asset && store.HasContent(key);
            if (!hasContent && record is { Kind: RecordKind.Asset, IsPurged: false }) Sought(key, isHere: false);
            items.Add((record, hasContent));
            bytes += AssetHash.Size + SizeOf(record);
        }

        return items.Count == 0 ? null : new MirrorMessage.Records(items);
    }

    private static int SizeOf(SyncRecord record)
    {
        var bytes = 0;
        foreach (var field in record.Fields) bytes += 20 + (field.Value?.Length ?? 0);
        return bytes;
    }

    /// <summary>Keys in order, each once.</summary>
    private sealed class KeyQueue
    {
        private readonly Queue<AssetHash> _order = new();
        private readonly HashSet<AssetHash> _waiting = [];

        public int Count => _order.Count;

        public void Add(AssetHash key)
        {
            if (_waiting.Add(key)) _order.Enqueue(key);
        }

        public bool TryTake(out AssetHash key)
        {
            if (!_order.TryDequeue(out key)) return false;

            Invariant.Require(_waiting.Remove(key));
            return true;
        }

        public List<AssetHash> Take(int countMax)
        {
            var taken = new List<AssetHash>(Math.Min(countMax, Count));
            while (taken.Count < countMax && TryTake(out var key)) taken.Add(key);
            return taken;
        }
    }
}
