using EdgeSync.Agent.Messages;
using EdgeSync.Agent.Peers;
using EdgeSync.Fossil.Sync;
using EdgeSync.Primitives;

namespace EdgeSync.Agent;

/// <summary>What a node is to the others of its project.</summary>
public enum NodeRole
{
    /// <summary>Syncs with a hub if there is one, with its equals if not.</summary>
    Peer,

    /// <summary>The others bring everything to it and fetch everything from it.</summary>
    Hub,

    /// <summary>As a peer, and is nobody's source while a hub lives.</summary>
    Leaf,
}

/// <summary>When a node syncs without being told to.</summary>
public enum AutosyncMode
{
    /// <summary>Never.</summary>
    Off,

    /// <summary>Both ways.</summary>
    On,

    /// <summary>It only fetches.</summary>
    PullOnly,
}

/// <summary>One repository of one node: what it is and how it behaves.</summary>
public sealed record AgentOptions
{
    /// <summary>
    /// Said by bridges: they answer for a server, and do not tell what somebody brought through them.
    /// </summary>
    public const string BridgeCapability = "bridge";

    /// <summary>Said by bridges, besides, while they tell what artifacts their server got from elsewhere.</summary>
    public const string TellsCapability = "tells";

    /// <summary>This node's stable name, one token (<see cref="ProjectSubjects.PeerNameOf"/>).</summary>
    public required string NodeId { get; init; }

    /// <summary>
    /// Another for each run of the program; empty: nobody is told, and a node of the same name is not noticed.
    /// </summary>
    public string Instance { get; init; } = "";

    public required ProjectSubjects Subjects { get; init; }

    public NodeRole Role { get; init; } = NodeRole.Peer;

    /// <summary>The hub to prefer, by name; null: chosen among those that are present.</summary>
    public string? Hub { get; init; }

    /// <summary>Pause between exchanges with a target that does not announce anything.</summary>
    public TimeSpan PollInterval { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>Targets that announce are polled less and less, down to this pause.</summary>
    public TimeSpan PollIntervalMax { get; init; } = TimeSpan.FromSeconds(60);

    public bool Push { get; init; } = true;

    public bool Pull { get; init; } = true;

    public bool Unversioned { get; init; }

    public bool Private { get; init; }

    public bool Tables { get; init; }

    public AutosyncMode Autosync { get; init; } = AutosyncMode.On;

    /// <summary>True where others may ask this node over NATS.</summary>
    public bool ServesNats { get; init; } = true;

    /// <summary>Pause between heartbeats.</summary>
    public TimeSpan HeartbeatInterval { get; init; } = TimeSpan.FromSeconds(20);

    /// <summary>The program's version, for the others' lists.</summary>
    public string Version { get; init; } = "dev";

    /// <summary>Operating system and processor, for the others' lists.</summary>
    public string Platform { get; init; } = "";

    /// <summary>What this node offers: serve-http, serve-nats, push, pull and so on.</summary>
    public IReadOnlyList<string> Capabilities { get; init; } = [];

    /// <summary>An exchange of which nothing is heard for so long counts as failed.</summary>
    public TimeSpan SyncTimeout { get; init; } = TimeSpan.FromMinutes(10);

    /// <summary>Exchanges of this repository that run at once.</summary>
    public int SyncsMax { get; init; } = 4;

    /// <summary>Peers that are remembered; beyond it the one unheard for longest is forgotten.</summary>
    public int PeersMax { get; init; } = 1024;

    /// <summary>Ask an outside server with JetStream for the announcements that were missed.</summary>
    public bool UseDurableAnnouncements { get; init; }

    /// <summary>What one exchange does by itself.</summary>
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

    /// <summary>True if something announced is to be fetched without being asked.</summary>
    internal bool Pulls(AnnouncedKind kind) => Autosync != AutosyncMode.Off && kind switch
    {
        AnnouncedKind.Unversioned => Unversioned,
        AnnouncedKind.Tables => Tables,
        _ => Pull,
    };
}

/// <summary>What the agent wrote down in its last life, given back at start.</summary>
public sealed record AgentMemory
{
    /// <summary>Config key of <see cref="PublishedRid"/>, as in the original.</summary>
    public const string PublishedRidKey = "edgesync:hub-published-rid";

    /// <summary>Config key of <see cref="DurableSequence"/>.</summary>
    public const string DurableSequenceKey = "edgesync:announcement-sequence";

    /// <summary>
    /// Everything up to this rid has been announced; null: never announced, so what is there now is not news.
    /// </summary>
    public RecordId? PublishedRid { get; init; }

    /// <summary>The last announcement of the stream that was looked at.</summary>
    public ulong DurableSequence { get; init; }

    public IReadOnlyList<PeerRecord> Peers { get; init; } = [];
}
