using EdgeSync.Primitives;

namespace EdgeSync.Agent.Peers;

/// <summary>What is known of a peer: a row of the registry, kept over restarts.</summary>
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
    /// Our clock at the end of its last exchange with anybody, by what it says; null if it never had one.
    /// </summary>
    public Instant? LastSync { get; init; }

    /// <summary>Why it is behind, in its own words.</summary>
    public string? Behind { get; init; }

    /// <summary>True until it says good-bye or is silent for too long. Not kept over restarts.</summary>
    public bool IsPresent { get; init; }

    /// <summary>Its run, where it tells; not kept over restarts.</summary>
    public string Instance { get; init; } = "";

    /// <summary>True for the original's nodes, which are known by their announcements only.</summary>
    public bool IsForeign { get; init; }

    /// <summary>It answers for a server, and does not tell what is brought to it.</summary>
    public bool IsBridge => Capabilities.Contains(AgentOptions.BridgeCapability);

    /// <summary>A bridge that tells what artifacts its server gets from elsewhere.</summary>
    public bool Tells => Capabilities.Contains(AgentOptions.TellsCapability);

    /// <summary>Check-ins that we have and it has not, by the counts; null where a count is missing.</summary>
    public long? LagBehind(long ownCheckIns) =>
        IsForeign || IsBridge || ownCheckIns == 0 ? null : Math.Max(0, ownCheckIns - CheckIns);
}
