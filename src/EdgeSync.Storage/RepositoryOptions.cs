using EdgeSync.Primitives;
using EdgeSync.Storage.Sqlite;

namespace EdgeSync.Storage;

/// <summary>How a repository is opened.</summary>
public record RepositoryOptions
{
    public static RepositoryOptions Default { get; } = new();

    /// <summary>For commands that only read: works on read-only files.</summary>
    public static RepositoryOptions ReadOnly { get; } = new() { Access = DatabaseAccess.Read };

    public DatabaseAccess Access { get; init; } = DatabaseAccess.Write;

    /// <summary>The durability of a commit; anything but full forbids acknowledgements to a peer.</summary>
    public Durability Durability { get; init; } = Durability.Full;

    /// <summary>
    /// The write-ahead log for a long-running process; a command that ends after a transaction or two is faster with
    /// the mode that the file has (changing it there and back costs several fsyncs, and a pull without changes then
    /// costs none).</summary>
    public DatabaseJournal Journal { get; init; } = DatabaseJournal.WriteAhead;

    /// <summary>Open even if the derived tables have an unsupported version: for rebuild only.</summary>
    public bool AcceptsAnySchema { get; init; }

    /// <summary>How long to wait for another program's lock.</summary>
    public TimeSpan BusyTimeout { get; init; } = TimeSpan.FromSeconds(20);

    /// <inheritdoc cref="DatabaseOptions.Warned"/>
    public Action<string>? Warned { get; init; }

    /// <summary>SQLite's page cache.</summary>
    public int PageCacheBytesMax { get; init; } = 4 * 1024 * 1024;

    /// <summary>Expanded artifacts kept in memory: an eighth of what the process may take, at most 16 MB.</summary>
    public long ContentCacheBytesMax { get; init; } = Math.Clamp(
        GC.GetGCMemoryInfo().TotalAvailableMemoryBytes / 8, 1 << 20, 16 << 20);

    /// <summary>The largest artifact that is read or stored.</summary>
    public int ArtifactBytesMax { get; init; } = 1024 * 1024 * 1024;

    public TimeProvider Clock { get; init; } = TimeProvider.System;

    public Entropy Entropy { get; init; } = SystemEntropy.Instance;
}

/// <summary>The initial state of a new repository.</summary>
public sealed record RepositoryCreateOptions : RepositoryOptions
{
    /// <summary>The first user, with all rights.</summary>
    public string AdminUser { get; init; } = "admin";

    /// <summary>The first user's password; random when null.</summary>
    public string? AdminPassword { get; init; }

    /// <summary>40 hex digits; random when null.</summary>
    public string? ProjectCode { get; init; }

    public string? ProjectName { get; init; }

    public string? ProjectDescription { get; init; }

    public HashPolicy HashPolicy { get; init; } = HashPolicy.Sha3;

    /// <summary>
    /// The rights of user <c>nobody</c>; stock's <c>gjorz</c>: clone, read tickets and files, download.
    /// </summary>
    public string NobodyCapabilities { get; init; } = "gjorz";

    /// <summary>Time of the first check-in; now when null.</summary>
    public Instant? InitialDate { get; init; }
}
