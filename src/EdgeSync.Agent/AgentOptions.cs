using EdgeSync.Agent.Messages;
using EdgeSync.Agent.Peers;
using EdgeSync.Fossil.Sync;
using EdgeSync.Primitives;

namespace EdgeSync.Agent;

/// <summary>The role of a node in its project.</summary>
public enum NodeRole
{
    /// <summary>Syncs with a hub if there is one, with other peers otherwise.</summary>
    Peer,

    /// <summary>The other nodes push to it and pull from it.</summary>
    Hub,

    /// <summary>Like a peer, but never a source for others while a hub is present.</summary>
    Leaf,
}

/// <summary>When a node syncs by itself.</summary>
public enum AutosyncMode
{
    /// <summary>Never.</summary>
    Off,

    /// <summary>Both ways.</summary>
    On,

    /// <summary>It only pulls.</summary>
    PullOnly,
}

/// <summary>The options of one repository of one node.</summary>
public sealed record AgentOptions
{
    /// <summary>
    /// Of bridges: they serve a Fossil server, and do not announce what others push through them.
    /// </summary>
    public const string BridgeCapability = "bridge";

    /// <summary>Of bridges, in addition, while they announce new artifacts of their server.</summary>
    public const string AnnouncesCapability = "tells";

    /// <summary>This node's stable name, one token (<see cref="ProjectSubjects.PeerNameOf"/>).</summary>
    public required string NodeId { get; init; }

    /// <summary>
    /// Different for each run of the program; empty: not sent, and a node with the same node id is not detected.
    /// </summary>
    public string Instance { get; init; } = "";

    public required ProjectSubjects Subjects { get; init; }

    public NodeRole Role { get; init; } = NodeRole.Peer;

    /// <summary>The hub to prefer, by name; null: chosen among those that are present.</summary>
    public string? Hub { get; init; }

    /// <summary>Pause between exchanges with a target that does not announce anything.</summary>
    public TimeSpan PollInterval { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>Targets that announce are polled with backoff, up to this pause.</summary>
    public TimeSpan PollIntervalMax { get; init; } = TimeSpan.FromSeconds(60);

    public bool Push { get; init; } = true;

    public bool Pull { get; init; } = true;

    public bool Unversioned { get; init; }

    public bool Private { get; init; }

    public bool Tables { get; init; }

    public AutosyncMode Autosync { get; init; } = AutosyncMode.On;

    /// <summary>True if peers may send requests to this node over NATS.</summary>
    public bool ServesNats { get; init; } = true;

    /// <summary>Pause between heartbeats.</summary>
    public TimeSpan HeartbeatInterval { get; init; } = TimeSpan.FromSeconds(20);

    /// <summary>The program's version, for presence messages.</summary>
    public string Version { get; init; } = "dev";

    /// <summary>Operating system and processor, for presence messages.</summary>
    public string Platform { get; init; } = "";

    /// <summary>The capabilities of this node: serve-http, serve-nats, push, pull and so on.</summary>
    public IReadOnlyList<string> Capabilities { get; init; } = [];

    /// <summary>A session without any progress for so long counts as failed.</summary>
    public TimeSpan SyncTimeout { get; init; } = TimeSpan.FromMinutes(10);

    /// <summary>Concurrent sessions of this repository.</summary>
    public int SyncsMax { get; init; } = 4;

    /// <summary>Peers that are stored; beyond it the one silent for longest is dropped.</summary>
    public int PeersMax { get; init; } = 1024;

    /// <summary>Read missed announcements from an outside server with JetStream.</summary>
    public bool UseDurableAnnouncements { get; init; }

    /// <summary>The actions of an automatic session.</summary>
    public SyncActions Actions
    {
        get
        {
            var actions = SyncActions.None;
            if (Push && Autosync != AutosyncMode.PullOnly) actions |= SyncActions.Push;
            if (Pull) actions |= SyncActions.Pull;
            if (actions == SyncActions.None) actions = SyncActions.Sync;
            if (Unversioned) actions |= SyncActions.Unversioned;
            if (Private) actions |= SyncActions.Private;
            if (Tables) actions |= SyncActions.Tables;
            return actions;
        }
    }

    /// <summary>True if an announced artifact is fetched automatically.</summary>
    internal bool Pulls(AnnouncedKind kind) => Autosync != AutosyncMode.Off && kind switch
    {
        AnnouncedKind.Unversioned => Unversioned,
        AnnouncedKind.Tables => Tables,
        _ => Pull,
    };
}

/// <summary>The state that the agent stored in its last run, passed in at start.</summary>
public sealed record AgentMemory
{
    /// <summary>Config key of <see cref="PublishedRid"/>, as in the original.</summary>
    public const string PublishedRidKey = "edgesync:hub-published-rid";

    /// <summary>Config key of <see cref="DurableSequence"/>.</summary>
    public const string DurableSequenceKey = "edgesync:announcement-sequence";

    /// <summary>
    /// Everything up to this rid has been announced; null: never announced, so the present artifacts are not changes.
    /// </summary>
    public RecordId? PublishedRid { get; init; }

    /// <summary>The last announcement of the stream that was read.</summary>
    public ulong DurableSequence { get; init; }

    public IReadOnlyList<PeerRecord> Peers { get; init; } = [];
}
