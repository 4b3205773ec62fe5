using EdgeSync.Primitives;

namespace EdgeSync.Agent.Peers;

/// <summary>The state of a peer: a row of the registry, kept over restarts.</summary>
public sealed record PeerRecord
{
    public required string PeerId { get; init; }

    public NodeRole Role { get; init; }

    /// <summary>The hub that it syncs with.</summary>
    public string? Hub { get; init; }

    public string Version { get; init; } = "";

    public string Platform { get; init; } = "";

    public IReadOnlyList<string> Capabilities { get; init; } = [];

    public long CheckIns { get; init; }

    public ArtifactId Head { get; init; }

    /// <summary>Our clock at its last heartbeat.</summary>
    public Instant LastSeen { get; init; }

    /// <summary>
    /// Our clock at the end of its last session with any peer, as it reports; null if it never had one.
    /// </summary>
    public Instant? LastSync { get; init; }

    /// <summary>Why it is behind, as it reports.</summary>
    public string? Behind { get; init; }

    /// <summary>True until it leaves or is silent for too long. Not kept over restarts.</summary>
    public bool IsPresent { get; init; }

    /// <summary>Its run, if sent; not kept over restarts.</summary>
    public string Instance { get; init; } = "";

    /// <summary>True for the original's nodes, which send announcements only.</summary>
    public bool IsForeign { get; init; }

    /// <summary>It serves a Fossil server, and does not announce what is pushed to it.</summary>
    public bool IsBridge => Capabilities.Contains(AgentOptions.BridgeCapability);

    /// <summary>A bridge that announces new artifacts of its server.</summary>
    public bool Tells => Capabilities.Contains(AgentOptions.AnnouncesCapability);

    /// <summary>Check-ins that we have and it lacks, by the counts; null when a count is missing.</summary>
    public long? LagBehind(long ownCheckIns) =>
        IsForeign || IsBridge || ownCheckIns == 0 ? null : Math.Max(0, ownCheckIns - CheckIns);
}
