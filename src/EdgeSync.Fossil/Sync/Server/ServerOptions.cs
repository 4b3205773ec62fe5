using EdgeSync.Fossil.Sync.Client;
using EdgeSync.Fossil.Xfer;

namespace EdgeSync.Fossil.Sync.Server;

/// <summary>What one request may cost. A repository's own settings (<c>max-download</c>) may lower a limit.</summary>
public sealed record ServerOptions
{
    /// <summary>No further artifact starts behind this size of a reply.</summary>
    public long ReplyBytesMax { get; init; } = 5_000_000;

    /// <summary>
    /// Bytes of text read, compared and compressed for one reply. Differs from Fossil, which stops after 30 seconds; a
    /// count of bytes gives the same reply on every machine.
    /// </summary>
    public long WorkBytesMax { get; init; } = 512L << 20;

    /// <summary>Gimme cards in one reply.</summary>
    public int GimmesMax { get; init; } = 500;

    /// <summary>
    /// Phantoms that one request may create. A client announces what is in no cluster yet, some thousands at most, and
    /// one reply requests 500; the rest of a longer list waits for the next exchange, since a round blocks all other
    /// writers.
    /// </summary>
    public int PhantomsMax { get; init; } = 10_000;

    /// <summary>
    /// Announcements of one request that are looked up, for the same reason: a lookup of each of the four million that
    /// fit in a message takes the writer for many seconds. Clients that send a whole catalogue (<c>--verily</c>)
    /// announce as many as their repository has.
    /// </summary>
    public int AnnouncementsMax { get; init; } = 400_000;

    /// <summary>Sizes of lines and payloads.</summary>
    public XferLimits Limits { get; init; } = XferLimits.Default;

    /// <summary>The version that this server sends.</summary>
    public PeerVersion Version { get; init; } = PeerVersion.Ours;

    /// <summary>Faults for the simulator.</summary>
    public FaultInjector? Faults { get; init; }

    /// <summary>
    /// The requester has the repository file itself: every request has the rights of a setup user without a login card,
    /// and its artifacts are recorded under this login. Null (the usual case): rights come from login cards.
    /// </summary>
    public string? OwnerLogin { get; init; }

    /// <summary>
    /// The requester proved its identity below the messages and has these capabilities, in place of those of
    /// <c>nobody</c>; a login adds its own. Null (the usual case): it is unknown.
    /// </summary>
    public string? PeerCapabilities { get; init; }

    /// <summary>Limits guessing of passwords; null: no limit.</summary>
    public ILoginGate? Logins { get; init; }

    /// <summary>Kept over the requests of all clients.</summary>
    internal DeltaCycleArrivals DeltaCycleArrivals { get; } = new();
}

/// <summary>The result of one request: for logs, counters and announcements.</summary>
public sealed record ServerOutcome
{
    /// <summary>
    /// The encoding of the reply when the request does not decide: replies to clone 3 are always plain.
    /// </summary>
    public bool MustBePlain { get; init; }

    /// <summary>The accepted login; null for user <c>nobody</c>.</summary>
    public string? Login { get; init; }

    /// <summary>True if credentials were given and rejected: count it against the address.</summary>
    public bool LoginFailed { get; init; }

    /// <summary>True if too many such logins failed before: the client is to wait.</summary>
    public bool LoginMustWait { get; init; }

    /// <summary>True if the round was committed with changes.</summary>
    public bool Changed { get; init; }

    public int ArtifactsReceived { get; init; }

    public int ArtifactsSent { get; init; }

    public int UnversionedReceived { get; init; }

    /// <summary>Text of the last error card; null without an error.</summary>
    public string? Error { get; init; }

    /// <summary>The client's operation, for the log: pull, push, sync, clone, uv, config or ping.</summary>
    public string Operation { get; init; } = "ping";
}
