using EdgeSync.Primitives;

namespace EdgeSync.Storage.Assets;

/// <summary>Where a store is, and its limits.</summary>
public sealed record AssetStoreOptions
{
    /// <summary>The storage folder; made when it does not exist.</summary>
    public required string Root { get; init; }

    /// <summary>Gives the timestamps of new assets.</summary>
    public TimeProvider Clock { get; init; } = TimeProvider.System;

    /// <summary>Free space that stays: an upload that would take of it is refused.</summary>
    public long DiskReserveBytes { get; init; } = 64L << 20;

    /// <summary>Bytes free for this store; null: those of the file system.</summary>
    public Func<long>? FreeBytes { get; init; }

    /// <summary>Files without row and rows without file that a verifier's pass tolerates before a rebuild.</summary>
    public int RebuildErrorThreshold { get; init; } = 50;

    /// <summary>Bytes a second that the verifier reads.</summary>
    public long VerifyBytesPerSecond { get; init; } = 32L << 20;

    /// <summary>
    /// Whether the contents are here. Otherwise the rows are a copy of those of a service that has them
    /// (<see cref="Mirror.ServiceCatalog"/>), and are not compared with files.
    /// </summary>
    public bool HasContents { get; init; } = true;

    /// <summary>Takes a sentence about something that went wrong without failing an operation.</summary>
    public Action<string>? Warned { get; init; }
}

/// <summary>There is no room for an asset: the disk is full, or only its reserve is left.</summary>
public sealed class DiskFullException(string message, Exception? inner = null)
    : EdgeSyncException(ErrorKind.System, message, "free some space; nothing was stored", inner);
