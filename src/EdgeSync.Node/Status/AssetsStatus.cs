namespace EdgeSync.Node.Status;

/// <summary>The asset store of a node (docs/can.md).</summary>
public sealed record AssetsStatus
{
    /// <summary>Where it is served, with its pages.</summary>
    public required string Url { get; init; }

    /// <summary>The storage folder.</summary>
    public required string Folder { get; init; }

    /// <summary>Why the store cannot be read, and the numbers are none; null: it can.</summary>
    public string? Error { get; init; }

    /// <summary>Assets in the store, with its trash.</summary>
    public long Assets { get; init; }

    /// <summary>Bytes of their contents.</summary>
    public long Bytes { get; init; }

    /// <summary>Assets in the trash.</summary>
    public long Trashed { get; init; }

    /// <summary>Assets whose file is missing or has other content.</summary>
    public long Corrupted { get; init; }

    /// <summary>Bytes that the disk has free, and those that uploads leave.</summary>
    public long DiskFree { get; init; }

    public long DiskReserve { get; init; }

    /// <summary>A pass of the verifier runs.</summary>
    public bool IsVerifying { get; init; }

    /// <summary>Its part in a mirror; null: it takes part in none.</summary>
    public AssetsMirrorStatus? Mirror { get; init; }
}

/// <summary>The part of an asset store in a mirror.</summary>
public sealed record AssetsMirrorStatus
{
    /// <summary><c>alone</c>, <c>syncing</c>, <c>in_sync</c>, <c>paused</c> or <c>asking</c>.</summary>
    public required string State { get; init; }

    /// <summary>Its id in the mirror: 16 hex digits.</summary>
    public required string Store { get; init; }

    /// <summary>The iroh endpoint by which others dial it: 64 hex digits.</summary>
    public required string EndpointId { get; init; }

    /// <summary>The endpoint is that of the node.</summary>
    public bool IsShared { get; init; }

    /// <summary>Stores of the mirror, without this one.</summary>
    public int Stores { get; init; }

    /// <summary>Those that are connected, and those of them that have the same as this one.</summary>
    public int Connected { get; init; }

    public int InSync { get; init; }

    /// <summary>Assets of which the content has not come yet.</summary>
    public long Missing { get; init; }

    /// <summary>Questions that a person has to decide: <c>edgesync can answer</c>.</summary>
    public IReadOnlyList<string> Questions { get; init => field = value ?? []; } = [];
}
