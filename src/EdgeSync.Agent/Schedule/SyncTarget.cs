using EdgeSync.Agent.Messages;

namespace EdgeSync.Agent.Schedule;

/// <summary>How a target is reached.</summary>
public enum TargetKind
{
    /// <summary>One peer over NATS: <see cref="SyncTarget.Address"/> is its addressed subject.</summary>
    NatsPeer,

    /// <summary>Whoever answers on the project's subject over NATS.</summary>
    NatsAny,

    /// <summary>A Fossil server: the address is its URL.</summary>
    Http,
}

/// <summary>Somebody to sync with.</summary>
/// <param name="Id">Names it in states and logs: <c>nats</c>, <c>nats:PEER</c>, <c>http:URL</c>.</param>
/// <param name="Address">A subject or a URL.</param>
/// <param name="PeerId">The peer behind it, where that is known.</param>
public sealed record SyncTarget(string Id, TargetKind Kind, string Address, string? PeerId = null)
{
    /// <summary>
    /// What a push remembers under: the node, or the server's address without a user, as <c>edgesync push</c> has it.
    /// Null where somebody else may answer next time.
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

/// <summary>How an exchange ended; one kind per reaction.</summary>
public enum SyncOutcomeKind
{
    Ok,

    /// <summary>Nobody listens there.</summary>
    NoResponders,

    /// <summary>It was called off: stop, reload, a removed target.</summary>
    Cancelled,

    /// <summary>The peer cannot be reached, or the link broke on the way.</summary>
    Unreachable,

    /// <summary>No answer in time.</summary>
    TimedOut,

    /// <summary>Login or capabilities: will not get better by itself.</summary>
    Denied,

    /// <summary>Another project answers: will not get better by itself.</summary>
    WrongProject,

    /// <summary>The peer answered with an error, or with nonsense.</summary>
    PeerFailed,

    /// <summary>This side failed: disk full, repository locked or damaged.</summary>
    LocalFailed,
}

/// <summary>An exchange's end.</summary>
/// <param name="Reason">A sentence for people, null when all went well.</param>
/// <param name="Responder">Who answered, if he said so.</param>
/// <param name="Received">Artifacts, unversioned files and rows that came.</param>
/// <param name="Sent">Artifacts, unversioned files and rows that went.</param>
public sealed record SyncOutcome(
    SyncOutcomeKind Kind, string? Reason = null, string? Responder = null, int Received = 0, int Sent = 0)
{
    public static SyncOutcome Ok(int received = 0, int sent = 0, string? responder = null) =>
        new(SyncOutcomeKind.Ok, null, responder, received, sent);

    /// <summary>Something is missing that another exchange of this repository was fetching.</summary>
    public bool LeftToOthers { get; init; }

    public bool IsOk => Kind == SyncOutcomeKind.Ok;

    /// <summary>Ordinary in a fleet, so no error in the log.</summary>
    public bool IsBenign => Kind is SyncOutcomeKind.NoResponders or SyncOutcomeKind.Cancelled;

    /// <summary>A person must change something first; trying often is no use.</summary>
    public bool NeedsPerson => Kind is SyncOutcomeKind.Denied or SyncOutcomeKind.WrongProject;
}
