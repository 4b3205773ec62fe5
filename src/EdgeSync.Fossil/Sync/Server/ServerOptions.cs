using EdgeSync.Fossil.Sync.Client;
using EdgeSync.Fossil.Xfer;

namespace EdgeSync.Fossil.Sync.Server;

/// <summary>What one request may cost. A repository's own settings (<c>max-download</c>) may lower a limit.</summary>
public sealed record ServerOptions
{
    /// <summary>No further artifact starts behind this size of a reply.</summary>
    public long ReplyBytesMax { get; init; } = 5_000_000;

    /// <summary>
    /// Bytes of text read, compared and compressed for one reply. Differs from Fossil: which stops after 30 seconds; a
    /// count of bytes gives the same reply on every machine.
    /// </summary>
    public long WorkBytesMax { get; init; } = 512L << 20;

    /// <summary>Artifacts asked for in one reply.</summary>
    public int GimmesMax { get; init; } = 500;

    /// <summary>
    /// Names that one request may make known to us. A client announces what no cluster names yet, some thousands at
    /// most, and one reply asks for 500; the rest of a longer list is left to its next exchange, since it keeps all
    /// others from writing.
    /// </summary>
    public int PhantomsMax { get; init; } = 10_000;

    /// <summary>Sizes of lines and payloads.</summary>
    public XferLimits Limits { get; init; } = XferLimits.Default;

    /// <summary>The version that this server tells.</summary>
    public PeerVersion Version { get; init; } = PeerVersion.Ours;

    /// <summary>Faults for the simulator.</summary>
    public FaultInjector? Faults { get; init; }

    /// <summary>
    /// The requester holds the repository file itself: every request has the rights of a setup user without a login
    /// card, and what it brings is recorded under this login. Null (the usual case): rights come from login cards.
    /// </summary>
    public string? OwnerLogin { get; init; }

    /// <summary>Limits the guessing of passwords; null limits nothing.</summary>
    public ILoginGate? Logins { get; init; }

    /// <summary>Kept over the requests of all clients.</summary>
    internal DeltaCycleArrivals DeltaCycleArrivals { get; } = new();
}

/// <summary>What handling one request led to: for logs, counters, and for telling others.</summary>
public sealed record ServerOutcome
{
    /// <summary>
    /// How the reply must travel when the request does not decide: replies to clone 3 are always plain.
    /// </summary>
    public bool MustBePlain { get; init; }

    /// <summary>The login that was accepted; null for nobody.</summary>
    public string? Login { get; init; }

    /// <summary>True if credentials were given and refused: count it against the address.</summary>
    public bool LoginFailed { get; init; }

    /// <summary>True if too many such logins failed before: the client is to wait.</summary>
    public bool LoginMustWait { get; init; }

    /// <summary>True if the round was committed with something in it.</summary>
    public bool Changed { get; init; }

    public int ArtifactsReceived { get; init; }

    public int ArtifactsSent { get; init; }

    public int UnversionedReceived { get; init; }

    /// <summary>Text of the last error card; null if all went well.</summary>
    public string? Error { get; init; }

    /// <summary>What the client asked for, for the log: pull, push, sync, clone, uv, config or ping.</summary>
    public string Operation { get; init; } = "ping";
}
