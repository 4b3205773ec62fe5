using EdgeSync.Agent.Messages;

namespace EdgeSync.Agent.Schedule;

/// <summary>The route to a target.</summary>
public enum TargetKind
{
    /// <summary>One peer over NATS: <see cref="SyncTarget.Address"/> is its addressed subject.</summary>
    NatsPeer,

    /// <summary>Any responder on the project's subject over NATS.</summary>
    NatsAny,

    /// <summary>A Fossil server: the address is its URL.</summary>
    Http,
}

/// <summary>A target of sessions.</summary>
/// <param name="Id">Names it in states and logs: <c>nats</c>, <c>nats:PEER</c>, <c>http:URL</c>.</param>
/// <param name="Address">A subject or a URL.</param>
/// <param name="PeerId">The peer behind it, if known.</param>
public sealed record SyncTarget(string Id, TargetKind Kind, string Address, string? PeerId = null)
{
    /// <summary>
    /// The key of the push mark: the node, or the server's address without a user, as in <c>edgesync push</c>. Null
    /// where another node may reply next time.
    /// </summary>
    public string? MemoryKey => Kind switch
    {
        TargetKind.NatsPeer => $"nats:{PeerId}",
        TargetKind.Http => WithoutUser(Address),
        _ => null,
    };

    public static SyncTarget Http(string url) => new($"http:{url}", TargetKind.Http, url);

    public static SyncTarget NatsAny(ProjectSubjects subjects) => new("nats", TargetKind.NatsAny, subjects.Sync);

    public static SyncTarget NatsPeer(ProjectSubjects subjects, string peer) =>
        new($"nats:{peer}", TargetKind.NatsPeer, subjects.SyncOf(peer), peer);

    // With and without the last slash it is one server.
    private static string WithoutUser(string url)
    {
        if (!Uri.TryCreate(url, UriKind.Absolute, out var address)) return url;

        return new UriBuilder(address) { UserName = "", Password = "", Fragment = "" }.Uri.ToString();
    }
}

/// <summary>The result of a session; one kind per reaction.</summary>
public enum SyncOutcomeKind
{
    Ok,

    /// <summary>The subject has no subscriber.</summary>
    NoResponders,

    /// <summary>It was cancelled: stop, reload, a removed target.</summary>
    Cancelled,

    /// <summary>The peer cannot be reached, or the link broke on the way.</summary>
    Unreachable,

    /// <summary>No reply in time.</summary>
    TimedOut,

    /// <summary>Login or capabilities: the operator has to act.</summary>
    Denied,

    /// <summary>Another project: the operator has to act.</summary>
    WrongProject,

    /// <summary>The peer replied with an error, or against the protocol.</summary>
    PeerFailed,

    /// <summary>This side failed: disk full, repository locked or damaged.</summary>
    LocalFailed,
}

/// <summary>The end of a session.</summary>
/// <param name="Reason">The reason as a sentence, null on success.</param>
/// <param name="Responder">The responder, if it sent its node id.</param>
/// <param name="Received">Artifacts, unversioned files and rows received.</param>
/// <param name="Sent">Artifacts, unversioned files and rows sent.</param>
public sealed record SyncOutcome(
    SyncOutcomeKind Kind, string? Reason = null, string? Responder = null, int Received = 0, int Sent = 0)
{
    public static SyncOutcome Ok(int received = 0, int sent = 0, string? responder = null) =>
        new(SyncOutcomeKind.Ok, null, responder, received, sent);

    /// <summary>Something is missing that another session of this repository was fetching.</summary>
    public bool LeftToOthers { get; init; }

    public bool IsOk => Kind == SyncOutcomeKind.Ok;

    /// <summary>Common in a fleet, so not an error in the log.</summary>
    public bool IsBenign => Kind is SyncOutcomeKind.NoResponders or SyncOutcomeKind.Cancelled;

    /// <summary>The operator must change something first; frequent retries are useless.</summary>
    public bool NeedsPerson => Kind is SyncOutcomeKind.Denied or SyncOutcomeKind.WrongProject;
}
