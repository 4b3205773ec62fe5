using EdgeSync.Fossil.Sync.Client;
using EdgeSync.Fossil.Xfer;
using EdgeSync.Primitives;

namespace EdgeSync.Fossil.Sync;

/// <summary>Why a session ended early; one kind per reaction.</summary>
public enum SyncFaultKind
{
    /// <summary>The server rejects: capabilities do not suffice.</summary>
    Denied,

    /// <summary>User or password is wrong.</summary>
    LoginFailed,

    /// <summary>The server has another project.</summary>
    WrongProject,

    /// <summary>The server sent another error.</summary>
    ServerError,

    /// <summary>The reply is not from a sync server (HTML, or unknown words).</summary>
    NotAServer,

    /// <summary>The reply is cut or malformed.</summary>
    Protocol,

    /// <summary>An artifact's bytes do not match its name.</summary>
    DamagedArtifact,

    /// <summary>No progress for several rounds.</summary>
    Stalled,

    /// <summary>The local repository cannot be written.</summary>
    ReadOnly,
}

/// <summary>The fault and its sentence. For an error of the server, <paramref name="Text"/> is the server's
/// text.</summary>
public sealed record SyncFault(SyncFaultKind Kind, string Text)
{
    /// <summary>The kind of a server's <c>error</c> card.</summary>
    internal static SyncFaultKind KindOf(string serverText) => serverText switch
    {
        "login failed" => SyncFaultKind.LoginFailed,
        "wrong project" => SyncFaultKind.WrongProject,
        _ when serverText.StartsWith("not authorized", StringComparison.Ordinal) => SyncFaultKind.Denied,
        _ => SyncFaultKind.ServerError,
    };

    /// <summary>The text for a line that is not a card of a client.</summary>
    internal static string TextOfUnknown(in XferCard card) => !card.Line.IsEmpty && card.Line[0] == (byte)'<'
        ? "the server answers with a web page instead of the sync protocol"
        : $"the server sent an unknown command: {XferText.Decode(card[0])}";
}

/// <summary>Why a session reports its progress.</summary>
public enum SyncStep
{
    /// <summary>A part of a reply has arrived.</summary>
    Arrival,

    /// <summary>A request was built.</summary>
    Request,

    /// <summary>A reply is complete.</summary>
    Reply,
}

/// <summary>The position of a session, for progress bars.</summary>
public readonly record struct SyncProgress(
    int Rounds, int ArtifactsSent, int ArtifactsReceived, long BytesSent, long BytesReceived, long CloneSeqno)
{
    /// <summary>What has just happened.</summary>
    public SyncStep Step { get; init; }

    /// <summary>Unversioned files, those of the present request too.</summary>
    public int UnversionedSent { get; init; }

    /// <summary>Unversioned files.</summary>
    public int UnversionedReceived { get; init; }
}

/// <summary>The result of a session. Sizes are before compression.</summary>
public sealed record SyncReport
{
    public int Rounds { get; init; }

    public int ArtifactsSent { get; init; }

    public int DeltasSent { get; init; }

    public int ArtifactsReceived { get; init; }

    public int DeltasReceived { get; init; }

    public int UnversionedSent { get; init; }

    public int UnversionedReceived { get; init; }

    public int ConfigReceived { get; init; }

    public int RowsReceived { get; init; }

    public long BytesSent { get; init; }

    public long BytesReceived { get; init; }

    /// <summary>Server's time minus ours, if beyond ten seconds; otherwise null.</summary>
    public TimeSpan? ClockSkew { get; init; }

    /// <summary>True if the server accepts nothing from this user; the pull may have succeeded all the same.</summary>
    public bool PushRefused { get; init; }

    /// <summary>True if unversioned files could only be pulled though some were newer here.</summary>
    public bool UnversionedPushRefused { get; init; }

    /// <summary>The user that holds the lock on the check-in; null if it is free or ours.</summary>
    public string? LockHolder { get; init; }

    /// <summary>The server requires full manifests in commits.</summary>
    public bool AvoidDeltaManifests { get; init; }

    /// <summary>Artifacts that were announced or referred to, requested several times, and never arrived.</summary>
    public IReadOnlyList<ArtifactId> Missing { get; init; } = [];

    /// <summary>
    /// True if something is missing because another session is fetching it (<see cref="PullClaims"/>).
    /// </summary>
    public bool LeftToOthers { get; init; }

    /// <summary>Texts from the server to be shown to the user.</summary>
    public IReadOnlyList<string> Messages { get; init; } = [];

    /// <summary>The program on the other side.</summary>
    public PeerVersion Server { get; init; }

    /// <summary>Null if the session completed.</summary>
    public SyncFault? Fault { get; init; }

    public bool IsOk => Fault is null;
}
