namespace EdgeSync.Browser.Store;

/// <summary>
/// A file that one process has open: in a page a file of the origin private file system (OPFS) with a synchronous
/// access handle.
/// </summary>
public interface IStoreFile : IDisposable
{
    /// <summary>Size in bytes.</summary>
    long Length { get; }

    /// <summary>Fills <paramref name="target"/> from <paramref name="offset"/> on.</summary>
    /// <exception cref="Primitives.EdgeSyncException">The file is shorter, or cannot be read.</exception>
    void Read(long offset, Span<byte> target);

    /// <summary>Writes at an offset that is at most <see cref="Length"/>.</summary>
    /// <exception cref="Primitives.EdgeSyncException">No space is left, or the file cannot be written.</exception>
    void Write(long offset, ReadOnlySpan<byte> bytes);

    /// <summary>Cuts the file off.</summary>
    void Truncate(long length);

    /// <summary>Returns when everything written is on the disk.</summary>
    void Flush();
}
