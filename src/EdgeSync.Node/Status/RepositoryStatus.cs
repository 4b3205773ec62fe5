namespace EdgeSync.Node.Status;

/// <summary>One repository of a node, and its peers.</summary>
public sealed record RepositoryStatus
{
    /// <summary>Short, unique in the process: the label in metrics.</summary>
    public required string Name { get; init; }

    public required string Path { get; init; }

    public string? ProjectCode { get; init; }

    public string? ProjectName { get; init; }

    /// <summary><c>cloning</c> until its first copy is complete; absent afterwards.</summary>
    public string? State { get; init; }

    public bool IsReadOnly { get; init; }

    public long FileBytes { get; init; }

    public long Checkins { get; init; }

    public DateTimeOffset? LastCheckinAt { get; init; }

    /// <summary>The targets of this repository, each with its own state.</summary>
    public IReadOnlyList<TargetStatus> Targets { get; init => field = value ?? []; } = [];

    /// <summary>Other nodes of this project.</summary>
    public IReadOnlyList<PeerStatus> Peers { get; init => field = value ?? []; } = [];

    public FolderWatchStatus? Watch { get; init; }

    /// <summary>Another node with this node's id, as a sentence; null when there is none.</summary>
    public string? DuplicateNodeId { get; init; }

    /// <summary>The same under its old name, for one version.</summary>
    public string? Twin
    {
        get => DuplicateNodeId;
        init => DuplicateNodeId ??= value;
    }

    /// <summary>Announced artifacts that have not arrived yet.</summary>
    public int Wanted { get; init; }
}
