using EdgeSync.Primitives;

namespace EdgeSync.Fossil.Sync.Store;

/// <summary>One unversioned file. A deletion is kept as a row without hash.</summary>
/// <param name="Name">A simple path.</param>
/// <param name="MtimeSeconds">Unix seconds: the newer row wins.</param>
/// <param name="Hash">Empty for a deletion.</param>
/// <param name="Size">Bytes of content, 0 for a deletion.</param>
public readonly record struct UnversionedEntry(string Name, long MtimeSeconds, ArtifactId Hash, long Size)
{
    public bool IsDeletion => Hash.IsEmpty;
}

/// <summary>Unversioned files, as the sync engine uses them. Every change invalidates the catalogue hash.</summary>
public interface IUnversionedStore
{
    /// <summary>
    /// SHA1, 40 hex digits, over <c>name SP datetime SP hash LF</c> of the rows that have content, ordered by name.
    /// </summary>
    string CatalogHash { get; }

    /// <summary>All rows with their deletions, ordered by name.</summary>
    IReadOnlyList<UnversionedEntry> List();

    /// <summary>One row, deletion or not.</summary>
    bool TryFind(string name, out UnversionedEntry entry);

    /// <summary>The content; false for a deletion or an unknown name. The span is valid until the next call.</summary>
    bool TryRead(string name, out ReadOnlySpan<byte> content);

    /// <summary>Stores or replaces. The engine has checked the hash, the time and the capability.</summary>
    void Put(in UnversionedEntry entry, ReadOnlySpan<byte> content);

    /// <summary>Changes the time only.</summary>
    void Touch(string name, long mtimeSeconds);

    /// <summary>Turns an existing row into a deletion; makes one where there was no row.</summary>
    void Delete(string name, long mtimeSeconds);

    /// <summary>Removes the row without trace (used when the server's state is to be copied).</summary>
    void Forget(string name);
}
