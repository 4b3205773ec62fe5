using System.Buffers.Binary;
using System.Text;
using EdgeSync.Can.Assets;
using EdgeSync.Can.Sync.Passphrase;
using EdgeSync.Primitives;

namespace EdgeSync.Can.Sync.Compat;

/// <summary>What a hash set tells of one asset of this store.</summary>
/// <param name="Hash">The asset.</param>
/// <param name="TimestampMs">Of its creation.</param>
/// <param name="Size">Of its content, in bytes.</param>
/// <param name="MetaUpdatedAtMs">Of the last change of its details, the trash or its deletion.</param>
/// <param name="IsTrashed">In the trash, or deleted.</param>
/// <param name="IsDeleted">
/// Deleted for good: the peer is told that it is here and in the trash, so that it does not send it again.
/// </param>
/// <param name="Details">Of <see cref="DetailsOf"/>.</param>
internal readonly record struct CompatDigest(
    AssetHash Hash, long TimestampMs, long Size, long MetaUpdatedAtMs, bool IsTrashed = false, bool IsDeleted = false,
    ulong Details = 0)
{
    /// <summary>Equal for equal details, of those that the protocol has.</summary>
    public static ulong DetailsOf(string? description, IReadOnlyList<string> tags, bool isTrashed) =>
        BinaryPrimitives.ReadUInt64BigEndian(SyncHash.Compute(Encoding.UTF8.GetBytes(
            $"{(isTrashed ? 1 : 0)}{(description is null ? '-' : '+')}{description}\0{TagList.Join(tags)}")));
}

/// <summary>What is sent on a stream, in order.</summary>
internal abstract record CompatSend(AssetHash Hash)
{
    /// <summary>The asset with its content.</summary>
    public sealed record Bundle(AssetHash Hash) : CompatSend(Hash);

    /// <summary>Its details alone.</summary>
    /// <param name="Hash">The asset.</param>
    /// <param name="AtMs">The least time of the change to tell, so that the peer takes it.</param>
    public sealed record Meta(AssetHash Hash, long AtMs) : CompatSend(Hash);
}

/// <summary>
/// What is sent to a peer that speaks the original's protocol: first what it lacks, then what is new, a stream for
/// each batch. What the peer has sent itself is not sent back. Spec: can.md §8.3 to §8.5.
/// </summary>
internal sealed class CompatExchange
{
    /// <summary>Assets in a batch.</summary>
    public const int BatchMax = 64;

    /// <summary>Bytes of the largest content that a frame holds beside the details.</summary>
    public const int ContentBytesMax = CompatFrames.PayloadBytesMax - DetailsBytesMax;

    /// <summary>Bytes of a frame that are not the content's, at most.</summary>
    private const int DetailsBytesMax = 1 << 20;

    private static readonly TimeSpan BatchTime = TimeSpan.FromMilliseconds(50);

    private readonly Dictionary<AssetHash, Known> _known = [];

    private readonly Queue<CompatSend> _fresh = new();
    private Instant _freshAt;

    /// <summary>When a batch is due; null while nothing waits.</summary>
    public Instant? Deadline => _fresh.Count == 0 ? null : _fresh.Count >= BatchMax ? _freshAt : _freshAt + BatchTime;

    /// <summary>Sends that wait for their batch.</summary>
    public int Waiting => _fresh.Count;

    /// <summary>Assets that do not fit a frame, and that the peer does not get.</summary>
    public int LeftOut { get; private set; }

    /// <summary>
    /// The peer's hash set is whole: what is sent on the first stream, before its end (<see cref="CompatFrame.Done"/>).
    /// The oldest first; then details of assets that both have where this store's are newer.
    /// </summary>
    public IReadOnlyList<CompatSend> Begin(IReadOnlyList<CompatDigest> own)
    {
        ArgumentNullException.ThrowIfNull(own);
        var (sends, metas) = (new List<CompatSend>(), new List<CompatSend>());
        foreach (var digest in own.OrderBy(d => d.TimestampMs))
        {
            var send = SendOf(digest);
            if (send is CompatSend.Bundle) sends.Add(send);
            else if (send is not null) metas.Add(send);
            Know(digest, send);
        }

        sends.AddRange(metas);
        return sends;
    }

    /// <summary>The peer has an asset: it says so, or has sent it. To be told before it is stored here.</summary>
    /// <param name="hash">The asset.</param>
    /// <param name="metaUpdatedAtMs">When its details were changed there.</param>
    /// <param name="isTrashed">In the trash there.</param>
    /// <param name="details">What it says of them, as <see cref="CompatDigest.DetailsOf"/>; null: nothing.</param>
    public void OnReceived(AssetHash hash, long metaUpdatedAtMs, bool isTrashed = false, ulong? details = null)
    {
        if (!_known.TryGetValue(hash, out var before) || before.AtMs <= metaUpdatedAtMs)
            _known[hash] = new Known(metaUpdatedAtMs, isTrashed, details);
    }

    /// <summary>Whether the peer has an asset, as far as it has told or was told.</summary>
    public bool IsKnown(AssetHash hash) => _known.TryGetValue(hash, out var known) && known.AtMs < long.MaxValue;

    /// <summary>An asset is new here, or was changed.</summary>
    public void OnLocal(Instant now, CompatDigest digest)
    {
        var send = SendOf(digest);
        if (send is not null)
        {
            if (_fresh.Count == 0) _freshAt = now;
            _fresh.Enqueue(send);
        }

        Know(digest, send);
    }

    /// <summary>An asset could not be sent: its content is gone, and may come again.</summary>
    public void OnNotSent(AssetHash hash) => _known.Remove(hash);

    /// <summary>The batch that is due, for a stream of its own; empty when none is.</summary>
    public IReadOnlyList<CompatSend> TakeBatch(Instant now)
    {
        if (Deadline is not { } due || now < due) return [];

        var batch = new List<CompatSend>();
        while (batch.Count < BatchMax && _fresh.TryDequeue(out var send)) batch.Add(send);
        _freshAt = now;
        return batch;
    }

    // Null: the peer has it as it is here, or never gets it.
    private CompatSend? SendOf(CompatDigest digest)
    {
        if (!_known.TryGetValue(digest.Hash, out var known))
            return digest.IsDeleted || digest.Size > ContentBytesMax ? null : new CompatSend.Bundle(digest.Hash);

        if (digest.MetaUpdatedAtMs > known.AtMs) return new CompatSend.Meta(digest.Hash, digest.MetaUpdatedAtMs);

        // An edit of another store that is older than what the peer was told last changes no time of the record.
        var differs = known.Details is { } details
            ? details != digest.Details
            : known.AtMs == digest.MetaUpdatedAtMs && known.IsTrashed != digest.IsTrashed;
        return differs && !digest.IsDeleted && known.AtMs < long.MaxValue
            ? new CompatSend.Meta(digest.Hash, known.AtMs + 1) : null;
    }

    private void Know(CompatDigest digest, CompatSend? send)
    {
        var isKnown = _known.TryGetValue(digest.Hash, out var known);
        // The peer never had it, and need not know that it was deleted here.
        if (digest.IsDeleted && !isKnown) return;
        if (!isKnown && digest.Size > ContentBytesMax)
        {
            LeftOut++;
            // No details of what the peer does not have.
            _known[digest.Hash] = new Known(long.MaxValue, false, null);
            return;
        }

        if (send is null) return;

        var atMs = send is CompatSend.Meta meta ? meta.AtMs : digest.MetaUpdatedAtMs;
        _known[digest.Hash] = new Known(Math.Max(atMs, known.AtMs), digest.IsTrashed, digest.Details);
    }

    /// <summary>What the peer has of an asset.</summary>
    /// <param name="AtMs">When its details were changed; the greatest time: it never gets the asset.</param>
    /// <param name="IsTrashed">In the trash.</param>
    /// <param name="Details">What they come to; null: it has not said, or was not told.</param>
    private readonly record struct Known(long AtMs, bool IsTrashed, ulong? Details);
}
