using EdgeSync.Can.Assets;
using EdgeSync.Primitives;

namespace EdgeSync.Can.Sync.Compat;

/// <summary>What a hash set tells of one asset.</summary>
/// <param name="Hash">The asset.</param>
/// <param name="TimestampMs">Of its creation.</param>
/// <param name="Size">Of its content, in bytes.</param>
/// <param name="MetaUpdatedAtMs">Of the last change of its details.</param>
public readonly record struct CompatDigest(AssetHash Hash, long TimestampMs, long Size, long MetaUpdatedAtMs);

/// <summary>What the shell sends on a stream, in order.</summary>
public abstract record CompatSend
{
    /// <summary>The asset with its content.</summary>
    public sealed record Bundle(AssetHash Hash) : CompatSend;

    /// <summary>Its details alone.</summary>
    public sealed record Meta(AssetHash Hash) : CompatSend;

    /// <summary>An asset that does not fit a frame, and is left out.</summary>
    public sealed record TooLarge(AssetHash Hash, long Size) : CompatSend;
}

/// <summary>
/// What is sent to a peer that speaks the original's protocol: first what it lacks, then what is new, a stream for
/// each batch. What the peer has sent itself is not sent back. Spec: can.md §8.3 to §8.6.
/// </summary>
public sealed class CompatExchange
{
    /// <summary>Assets in a batch.</summary>
    public const int BatchMax = 64;

    /// <summary>Bytes of a frame that are not the content's, at most.</summary>
    private const int DetailsBytesMax = 1 << 20;

    private static readonly TimeSpan BatchTime = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan PollInterval = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan PollOverlap = TimeSpan.FromSeconds(5);

    private readonly HashSet<AssetHash> _known = [];
    private readonly Queue<CompatDigest> _fresh = new();
    private Instant _freshAt;
    private Instant _heardAt;
    private long _highestMs;

    /// <summary>When a batch or a poll is due; null before the hash sets were exchanged.</summary>
    public Instant? Deadline { get; private set; }

    /// <summary>
    /// Both hash sets are there: what is sent on the first stream, before its end (<see cref="CompatFrame.Done"/>). The
    /// oldest first; details of assets that both have where this store's are newer.
    /// </summary>
    public IReadOnlyList<CompatSend> Begin(
        Instant now, IReadOnlyList<CompatDigest> own, IReadOnlyList<CompatDigest> theirs)
    {
        ArgumentNullException.ThrowIfNull(own);
        ArgumentNullException.ThrowIfNull(theirs);
        var peer = new Dictionary<AssetHash, long>();
        foreach (var digest in theirs) peer[digest.Hash] = digest.MetaUpdatedAtMs;

        var sends = new List<CompatSend>();
        foreach (var digest in own.Where(d => !peer.ContainsKey(d.Hash)).OrderBy(d => d.TimestampMs))
            sends.Add(BundleOf(digest));
        foreach (var digest in own)
        {
            if (peer.TryGetValue(digest.Hash, out var updatedAt) && digest.MetaUpdatedAtMs > updatedAt)
                sends.Add(new CompatSend.Meta(digest.Hash));
        }

        foreach (var digest in own.Concat(theirs)) Know(digest);
        _heardAt = now;
        Arm();
        return sends;
    }

    /// <summary>An asset came from the peer. To be told before it is stored, which raises an event.</summary>
    public void OnReceived(AssetHash hash) => _known.Add(hash);

    /// <summary>The own service has a new asset.</summary>
    public void OnLocal(Instant now, CompatDigest digest)
    {
        _heardAt = now;
        if (_known.Contains(digest.Hash))
        {
            Know(digest);
            Arm();
            return;
        }

        if (_fresh.Count == 0) _freshAt = now;
        _fresh.Enqueue(digest);
        Know(digest);
        Arm();
    }

    /// <summary>The batch that is due, for a stream of its own; empty when none is.</summary>
    public IReadOnlyList<CompatSend> TakeBatch(Instant now)
    {
        var batch = new List<CompatSend>();
        if (_fresh.Count >= BatchMax || (_fresh.Count > 0 && now >= _freshAt + BatchTime))
        {
            while (batch.Count < BatchMax && _fresh.TryDequeue(out var digest)) batch.Add(BundleOf(digest));
            _freshAt = now;
        }

        Arm();
        return batch;
    }

    /// <summary>
    /// Since when the own service is asked for new assets, if nothing was heard of it for half a minute; Unix
    /// milliseconds.
    /// </summary>
    public bool TryTakePoll(Instant now, out long sinceMs)
    {
        sinceMs = Math.Max(0, _highestMs - (long)PollOverlap.TotalMilliseconds);
        if (Deadline is null || now < _heardAt + PollInterval) return false;

        _heardAt = now;
        Arm();
        return true;
    }

    private static CompatSend BundleOf(CompatDigest digest) =>
        digest.Size > CompatFrames.PayloadBytesMax - DetailsBytesMax
            ? new CompatSend.TooLarge(digest.Hash, digest.Size) : new CompatSend.Bundle(digest.Hash);

    private void Know(CompatDigest digest)
    {
        _known.Add(digest.Hash);
        _highestMs = Math.Max(_highestMs, digest.TimestampMs);
    }

    private void Arm()
    {
        Deadline = _heardAt + PollInterval;
        if (_fresh.Count > 0)
            Deadline = Instant.Earlier(Deadline, _fresh.Count >= BatchMax ? _freshAt : _freshAt + BatchTime);
    }
}
