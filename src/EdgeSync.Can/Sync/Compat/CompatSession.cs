using EdgeSync.Can.Assets;
using EdgeSync.Can.Sync.Peers;
using EdgeSync.Can.Sync.Transfer;
using EdgeSync.Can.Wire;
using EdgeSync.Iroh.Endpoints;
using EdgeSync.Primitives;

namespace EdgeSync.Can.Sync.Compat;

/// <summary>One connection with a peer that speaks the original's protocol.</summary>
internal sealed class CompatSession(long id, EndpointId peer, bool isDialler, Instant now) : IDisposable
{
    /// <summary>What a peer may send of no use; each useful thing gives one back.</summary>
    private const long BudgetMax = 10_000;

    private int _lanes = isDialler ? -1 : 0;

    public long Id => id;

    public EndpointId Peer => peer;

    public bool IsDialler => isDialler;

    public bool IsClosing { get; set; }

    /// <summary>The last time that the peer has sent or taken something, or was not waited for.</summary>
    public Instant HeardAt { get; set; } = now;

    /// <summary>What this store has told of itself; null: nothing yet.</summary>
    public IReadOnlyList<CompatDigest>? Told { get; set; }

    /// <summary>The peer's hash set is whole.</summary>
    public bool HasHeard { get; set; }

    /// <summary>Assets in the peer's hash set so far.</summary>
    public int Heard { get; set; }

    /// <summary>Both hash sets are there.</summary>
    public bool IsLive { get; set; }

    public CompatExchange Exchange { get; } = new();

    /// <summary>Assets that have changed here since the peer was told of them.</summary>
    public HashSet<AssetHash> Changed { get; } = [];

    /// <summary>Streams on which the peer sends.</summary>
    public SortedDictionary<int, CompatIncoming> Incoming { get; } = new() { [0] = new CompatIncoming() };

    /// <summary>Streams on which this store sends.</summary>
    public SortedDictionary<int, CompatOutgoing> Outgoing { get; } = [];

    /// <summary>Assets that have come and are being made part of the store.</summary>
    public int Commits { get; set; }

    /// <summary>Contents that are missing here, and that the peer has: it sends them at the next connection.</summary>
    public HashSet<AssetHash> Lacking { get; } = [];

    /// <summary>The disk has refused an asset of it.</summary>
    public bool HasRefused { get; set; }

    /// <summary>When that connection is made, if some of them are missing still; null: nothing is.</summary>
    public Instant? AgainAt { get; set; }

    /// <summary>Contents that were not what the peer had said.</summary>
    public int Mismatches { get; set; }

    /// <summary>Negative: the peer is cut off.</summary>
    public long Budget { get; private set; } = BudgetMax;

    /// <summary>Whether the peer is waited for: the rest of a frame, or that it takes what is sent.</summary>
    public bool IsWaiting => !IsLive || Outgoing.Values.Any(o => o.Outstanding > 0)
        || Incoming.Any(i => i.Key == 0 || i.Value.Reader.IsInside);

    /// <summary>What is to be sent to it, and was not yet.</summary>
    public int Unsent => Exchange.Waiting + Outgoing.Values.Sum(o => o.Sends.Count + (o.Current is null ? 0 : 1));

    public bool IsInSync => IsSettled && Exchange.LeftOut == 0;

    /// <summary>Nothing is under way.</summary>
    public bool IsSettled => IsLive && Unsent == 0 && Commits == 0 && Outgoing.Count == 0 && Incoming.Count == 0;

    public void Charge(long cost) => Budget = Math.Min(Budget - cost, BudgetMax);

    /// <inheritdoc cref="PeerSession.NextLane"/>
    public int NextLane() => _lanes += 2;

    /// <inheritdoc cref="PeerSession.IsPeerLane"/>
    public bool IsPeerLane(int lane) => lane > 0 && (lane % 2 == 1) != isDialler;

    public void Dispose()
    {
        foreach (var incoming in Incoming.Values) incoming.Arrival?.Dispose();
    }
}

/// <summary>A stream on which a peer sends.</summary>
internal sealed class CompatIncoming
{
    public CompatReader Reader { get; } = new();

    /// <summary>The asset whose content is coming; null between two.</summary>
    public CompatArrival? Arrival { get; set; }
}

/// <summary>A stream on which this store sends.</summary>
internal sealed class CompatOutgoing
{
    /// <summary>Of the hash set.</summary>
    public Queue<ReadOnlyMemory<byte>> Pieces { get; } = new();

    public Queue<CompatSend> Sends { get; } = new();

    /// <summary>Nothing is added any more: what follows the rest is the end.</summary>
    public bool IsEnded { get; set; }

    /// <summary>Bytes that the connection has not taken.</summary>
    public int Outstanding { get; set; }

    /// <summary>The asset that is being sent; null between two.</summary>
    public CompatContent? Current { get; set; }
}

/// <summary>An asset that is being sent: its frame has begun.</summary>
internal sealed class CompatContent(AssetHash hash, long size, byte[] tail)
{
    public AssetHash Hash => hash;

    public long Size => size;

    /// <summary>What follows the content in the frame.</summary>
    public byte[] Tail => tail;

    public long Offset { get; set; }

    public bool IsReading { get; set; }
}

/// <summary>An asset that a peer sends: hashed as it comes, and written beside the assets until it is whole.</summary>
internal sealed class CompatArrival(long number, CompatSession session, long timestampMs) : IDisposable
{
    private readonly AssetHasher _hasher = new(timestampMs);
    private readonly ContentTreeBuilder _tree = new();
    private bool _isDisposed;

    public long Number => number;

    public CompatSession Session => session;

    /// <summary>Of its creation, as the identity is hashed with it.</summary>
    public long TimestampMs => timestampMs;

    /// <summary>Bytes that have come.</summary>
    public long Size { get; private set; }

    /// <summary>Pieces that wait to be written.</summary>
    public int Pending { get; set; }

    /// <summary>The disk has refused a piece: the rest is read and not kept.</summary>
    public bool IsRefused { get; set; }

    /// <summary>All of it has come, and it is what the peer says; null before.</summary>
    public AssetBundle? Bundle { get; set; }

    public ContentTree? Tree { get; private set; }

    public void Append(ReadOnlySpan<byte> piece)
    {
        _hasher.Append(piece);
        _tree.Append(piece);
        Size += piece.Length;
    }

    /// <summary>All has come: the identity of it.</summary>
    public AssetHash Finish()
    {
        Tree = _tree.Finish();
        return _hasher.Finish();
    }

    public void Dispose()
    {
        if (_isDisposed) return;

        _isDisposed = true;
        _hasher.Dispose();
        _tree.Dispose();
    }
}
