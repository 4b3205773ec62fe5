using EdgeSync.Fossil.Artifacts;

namespace EdgeSync.Storage.Archives;

/// <summary>One kind of archive, written from front to back. Names are bytes with slashes.</summary>
public interface IArchiveWriter : IDisposable
{
    /// <param name="name">Without a slash at the end.</param>
    void AddFolder(ReadOnlySpan<byte> name);

    void AddFile(ReadOnlySpan<byte> name, FilePermission permission, ReadOnlySpan<byte> content);

    /// <summary>Writes what belongs at the end; without it the archive is not whole.</summary>
    void Finish();
}
