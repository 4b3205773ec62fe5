using EdgeSync.Can.Assets;
using EdgeSync.Can.Sync.Passphrase;
using EdgeSync.Can.Sync.Records;
using EdgeSync.Can.Sync.Transfer;
using EdgeSync.Can.Sync.Wire;
using EdgeSync.Iroh.Endpoints;
using EdgeSync.Primitives;

namespace EdgeSync.Can.Sync.Peers;

/// <summary>One connection to another store, from the proof of the passphrase on.</summary>
internal sealed class PeerSession(
    long id, long serial, EndpointId peer, bool isDialler, IConnectionProof proof, SyncOptions options, Instant now)
{
    private int _lanes = isDialler ? -1 : 0;

    public long Id => id;

    /// <summary>Grows from one session of this process to the next.</summary>
    public long Serial => serial;

    public EndpointId Peer => peer;

    public bool IsDialler => isDialler;

    public IConnectionProof Proof => proof;

    public bool HasAnswered { get; set; }

    /// <summary>Whom a failed proof counts for.</summary>
    public string Source { get; init; } = "";

    /// <summary>Null until the peer has said which store it is.</summary>
    public StoreId? Store { get; set; }

    public bool IsLive => Store is not null;

    public bool IsClosing { get; set; }

    public FrameBuffer Control { get; } = new(MirrorMessage.ControlBytesMax);

    public ControlQueue Queue { get; } = new(options.ControlBytesMax);

    public Instant StartedAt { get; } = now;

    public Instant HeardAt
    {
        get;
        set
        {
            field = value;
            // Any byte shows that the peer lives.
            ProbedAt = null;
        }
    } = now;

    /// <summary>Since when the peer must show that it lives; null: it need not.</summary>
    public Instant? ProbedAt { get; set; }

    public Instant PingAt { get; set; } = now + options.PingInterval;

    /// <summary>When the next ping is due because something changed here; null: nothing did.</summary>
    public Instant? TellAt { get; set; }

    public Instant ComparedAt { get; set; } = now;

    public ulong PingToken { get; set; }

    public ulong PongToken { get; set; }

    /// <summary>What the peer may still send of no use; negative: it is cut off.</summary>
    public long Budget { get; private set; } = 8L * options.Budget;

    /// <summary>Contents that were not what the peer had said.</summary>
    public int Mismatches { get; set; }

    /// <summary>What the peer's records came to, as it last said; null before.</summary>
    public UInt128? PeerSum { get; set; }

    public long PeerMissing { get; set; }

    /// <summary>Content that the peer has and this store wants, small and new first.</summary>
    public SortedSet<Want> Offers { get; } = [];

    /// <summary>Content of the peer that was wrong.</summary>
    public HashSet<AssetHash> Distrusted { get; } = [];

    public Dictionary<int, Download> Downloads { get; } = [];

    public Dictionary<int, Upload> Uploads { get; } = [];

    /// <summary>Streams of the peer whose first message has not come whole.</summary>
    public Dictionary<int, FrameBuffer> Fetches { get; } = [];

    public void Charge(int cost) => Budget = Math.Min(Budget - cost, 8L * options.Budget);

    /// <summary>When the peer is gone, unless something comes.</summary>
    public Instant SilentAt(SyncOptions limits) => Instant.Earlier(
        HeardAt + limits.SilenceMax, ProbedAt is { } probed ? probed + limits.ProbeTime : null)!.Value;

    /// <summary>The connection is to be closed; nothing more is sent or read.</summary>
    public void Close(Queue<SyncEffect> effects, SyncClose code, string reason)
    {
        if (IsClosing) return;

        IsClosing = true;
        effects.Enqueue(new SyncEffect.Close(Id, code, reason));
        if (code is not (SyncClose.Done or SyncClose.Double))
            effects.Enqueue(new SyncEffect.Report("can.peer_closed", $"{Peer.ToShortString()}: {reason}"));
    }

    /// <summary>A number for a new stream; the two sides have odd and even ones.</summary>
    public int NextLane() => _lanes += 2;

    /// <summary>Whether a stream of that number may be opened by the peer.</summary>
    public bool IsPeerLane(int lane) => lane > 0 && (lane % 2 == 1) != isDialler;
}

/// <summary>
/// Content that is wanted here. Ordered by how soon it is fetched: small before large, new before old.
/// </summary>
internal sealed record Want(AssetHash Hash, long Size, long TimestampMs) : IComparable<Want>
{
    /// <summary>Whether it is being fetched from some peer.</summary>
    public bool IsActive { get; set; }

    public bool IsLarge => Size > ContentTree.GroupBytes;

    // By magnitude, so that a bit more or less does not count more than age.
    private int Magnitude => 64 - (int)ulong.LeadingZeroCount((ulong)Size);

    public int CompareTo(Want? other)
    {
        if (other is null) return 1;

        var order = Magnitude.CompareTo(other.Magnitude);
        if (order == 0) order = other.TimestampMs.CompareTo(TimestampMs);
        return order == 0 ? Hash.CompareTo(other.Hash) : order;
    }
}
