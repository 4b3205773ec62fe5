namespace EdgeSync.Storage.Sqlite;

/// <summary>What a connection may do with the file.</summary>
public enum DatabaseAccess
{
    /// <summary>Read only. Works on read-only files and in read-only folders.</summary>
    Read,

    /// <summary>Read and write; the file must exist.</summary>
    Write,

    /// <summary>Read and write; the file is created when it does not exist.</summary>
    Create,
}

/// <summary>How a writer keeps its journal.</summary>
public enum DatabaseJournal
{
    /// <summary>Keep the mode of the file.</summary>
    AsFound,

    /// <summary>
    /// Write-ahead log while we hold the file (readers never wait for the writer); checkpointed into one self-contained
    /// file at close, with the journal mode that the file had before.
    /// </summary>
    WriteAhead,

    /// <summary>None: only for a file that is discarded when the work fails, such as a clone being built.</summary>
    None,
}

/// <summary>The durability of a commit when it returns.</summary>
public enum Durability
{
    /// <summary>The data is on disk (fsync): the only mode in which an acknowledgement may be given.</summary>
    Full,

    /// <summary>
    /// Safe against a crash of the program at any moment; the last commits may be lost with the power.
    /// </summary>
    Normal,

    /// <summary>No fsync at all: for files that are discarded when the work fails, and for memory.</summary>
    None,
}

/// <summary>Settings of one connection.</summary>
public sealed record DatabaseOptions
{
    public DatabaseAccess Access { get; init; } = DatabaseAccess.Write;

    public DatabaseJournal Journal { get; init; } = DatabaseJournal.WriteAhead;

    public Durability Durability { get; init; } = Durability.Full;

    /// <summary>How long a call waits for another program's lock. Stock waits 15 s.</summary>
    public TimeSpan BusyTimeout { get; init; } = TimeSpan.FromSeconds(20);

    /// <summary>
    /// Called with a fault at closing, which loses nothing but leaves the write-ahead log beside the file.
    /// </summary>
    public Action<string>? Warned { get; init; }

    /// <summary>SQLite's page cache for this connection, at most.</summary>
    public int PageCacheBytesMax { get; init; } = 4 * 1024 * 1024;
}
