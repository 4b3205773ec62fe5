using EdgeSync.Fossil.Sync.Client;
using EdgeSync.Fossil.Xfer;
using EdgeSync.Primitives;

namespace EdgeSync.Fossil.Sync;

/// <summary>Why a session ended early; one kind per reaction.</summary>
public enum SyncFaultKind
{
    /// <summary>The server refuses: capabilities do not suffice.</summary>
    Denied,

    /// <summary>User or password is wrong.</summary>
    LoginFailed,

    /// <summary>The server has another project.</summary>
    WrongProject,

    /// <summary>The server answered with another error.</summary>
    ServerError,

    /// <summary>What answered is no server of ours (it sent HTML, or unknown words).</summary>
    NotAServer,

    /// <summary>The reply is cut or malformed.</summary>
    Protocol,

    /// <summary>An artifact's bytes are not what its name says.</summary>
    DamagedArtifact,

    /// <summary>Nothing moved for several rounds.</summary>
    Stalled,

    /// <summary>The local repository cannot be written.</summary>
    ReadOnly,
}

/// <summary>The fault and its sentence. <paramref name="Text"/> of the server's errors is the server's.</summary>
public sealed record SyncFault(SyncFaultKind Kind, string Text)
{
    /// <summary>What a server means by an <c>error</c> card.</summary>
    internal static SyncFaultKind KindOf(string serverText) => serverText switch
    {
        "login failed" => SyncFaultKind.LoginFailed,
        "wrong project" => SyncFaultKind.WrongProject,
        _ when serverText.StartsWith("not authorized", StringComparison.Ordinal) => SyncFaultKind.Denied,
        _ => SyncFaultKind.ServerError,
    };

    /// <summary>About a line that is no card that a client understands.</summary>
    internal static string TextOfUnknown(in XferCard card) => !card.Line.IsEmpty && card.Line[0] == (byte)'<'
        ? "the server answers with a web page instead of the sync protocol"
        : $"the server sent an unknown command: {XferText.Decode(card[0])}";
}

/// <summary>Where a session stands, for progress bars.</summary>
public readonly record struct SyncProgress(
    int Rounds, int ArtifactsSent, int ArtifactsReceived, long BytesSent, long BytesReceived, long CloneSeqno);

/// <summary>What a session did. Sizes are before compression.</summary>
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

    /// <summary>True if the server takes nothing from this user; the pull may have worked all the same.</summary>
    public bool PushRefused { get; init; }

    /// <summary>True if unversioned files could only be pulled though some were newer here.</summary>
    public bool UnversionedPushRefused { get; init; }

    /// <summary>Who holds the check-in that was to be locked; null if nobody else does.</summary>
    public string? LockHolder { get; init; }

    /// <summary>The server asks for full manifests in commits.</summary>
    public bool AvoidDeltaManifests { get; init; }

    /// <summary>Artifacts that were announced or referred to, asked for several times, and never came.</summary>
    public IReadOnlyList<ArtifactId> Missing { get; init; } = [];

    /// <summary>
    /// True if something is missing because another session is fetching it (<see cref="PullClaims"/>).
    /// </summary>
    public bool LeftToOthers { get; init; }

    /// <summary>Texts that the server wants to be shown.</summary>
    public IReadOnlyList<string> Messages { get; init; } = [];

    /// <summary>The program on the other side.</summary>
    public PeerVersion Server { get; init; }

    /// <summary>Null if the session came to its end.</summary>
    public SyncFault? Fault { get; init; }

    public bool IsOk => Fault is null;
}
