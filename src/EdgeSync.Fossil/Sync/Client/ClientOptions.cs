using EdgeSync.Fossil.Xfer;
using EdgeSync.Primitives;

namespace EdgeSync.Fossil.Sync.Client;

/// <summary>A lock to take on the check-in that a commit will follow.</summary>
public sealed record CheckinLockRequest(ArtifactId Checkin);

/// <summary>Options and limits of one session.</summary>
public sealed record ClientOptions
{
    /// <summary>From this number on, artifacts are sent as the repository stores them; no new deltas are
    /// computed.</summary>
    internal const int ManyArtifacts = 300;

    public required SyncActions Actions { get; init; }

    public SyncLogin? Login { get; init; }

    /// <summary>
    /// A stable name for the server (its address, or the name of its node): the push mark is stored under it. Null: no
    /// mark.
    /// </summary>
    public string? PeerKey { get; init; }

    /// <summary>The server's project code if it is not the store's own (pull from a parent project).</summary>
    public string? OtherProjectCode { get; init; }

    /// <summary>Configuration to receive. A clone requests all unless set here.</summary>
    public ConfigAreas? ConfigPull { get; init; }

    /// <summary>Configuration to send; the server requires an administrator.</summary>
    public ConfigAreas ConfigPush { get; init; }

    /// <summary>Received configuration replaces what is here instead of being merged by time.</summary>
    public bool ConfigOverwrite { get; init; }

    /// <summary>
    /// Artifacts that the server has: the first round requests those that are missing here, so that they need not be
    /// announced first.
    /// </summary>
    public IReadOnlyList<ArtifactId> Wanted { get; init; } = [];

    /// <summary>
    /// Keeps sessions of the same repository from fetching the same artifacts; null: there is one session only.
    /// </summary>
    public PullClaim? Claim { get; init; }

    /// <summary>A lock to request in the first round.</summary>
    public CheckinLockRequest? Lock { get; init; }

    /// <summary>
    /// 40 hex digits that name this checkout for locks; without <see cref="Lock"/> its locks are released.
    /// </summary>
    public string? ClientId { get; init; }

    /// <summary>3 unless an old server is to be imitated.</summary>
    public int CloneVersion { get; init; } = 3;

    /// <summary>First request's size at which no further artifact starts; grows while rounds succeed.</summary>
    public int RequestBytesFirst { get; init; } = 1 << 20;

    /// <summary>Largest such size.</summary>
    public int RequestBytesMax { get; init; } = 16 << 20;

    /// <summary>Rounds without any progress after which a session gives up.</summary>
    public int IdleRoundsMax { get; init; } = 3;

    /// <summary>Sizes of lines and payloads.</summary>
    public XferLimits Limits { get; init; } = XferLimits.Default;

    /// <summary>The version that this client sends.</summary>
    public PeerVersion Version { get; init; } = PeerVersion.Ours;

    /// <summary>Faults for the simulator.</summary>
    public FaultInjector? Faults { get; init; }
}
