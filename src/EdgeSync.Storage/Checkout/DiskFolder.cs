using EdgeSync.Fossil.Artifacts;
using EdgeSync.Primitives;

namespace EdgeSync.Storage.Checkout;

/// <summary>What a name in a folder stands for.</summary>
public enum DiskKind
{
    Regular,
    Link,
    Folder,

    /// <summary>
    /// A pipe, a socket, a device: nothing that a check-in can hold, and reading it may wait for ever.
    /// </summary>
    Other,
}

/// <summary>A file as the disk describes it; a link describes itself.</summary>
/// <param name="Name">From the top of the folder, with slashes, as <see cref="PathText"/>.</param>
/// <param name="What">In words, such as "a named pipe".</param>
public readonly record struct DiskEntry(
    string Name, DiskKind Kind, bool IsExecutable, long Size, long ModifiedTicks, string What)
{
    /// <summary>Equal for two names of one file; zero where the system does not tell.</summary>
    internal (ulong Device, ulong Inode) Identity { get; init; }
}

/// <summary>
/// The files below one folder of the disk, reached from it without following a link: a link inside is an entry, never a
/// way. Names are those of check-ins, as <see cref="PathText"/>.
/// </summary>
public abstract class DiskFolder : IDisposable
{
    /// <summary>What the writer of files calls them until they are whole.</summary>
    internal const string TemporaryPrefix = ".edgesync-";

    protected DiskFolder(string path) => FullPath = path;

    public string FullPath { get; }

    /// <summary>True when the system knows names as bytes; otherwise they must be UTF-8.</summary>
    public abstract bool TakesAnyBytes { get; }

    /// <exception cref="EdgeSyncException">It does not exist, or cannot be read.</exception>
    public static DiskFolder Open(string path)
    {
        var full = Path.GetFullPath(path);
        return OperatingSystem.IsLinux() ? LinuxFolder.OpenRoot(full) : new PortableFolder(full);
    }

    /// <summary>Creates it, with its parents, when it is not there.</summary>
    public static DiskFolder Create(string path)
    {
        Directory.CreateDirectory(path);
        return Open(path);
    }

    /// <summary>What lies directly in a folder; the top is the empty name.</summary>
    /// <exception cref="IOException">It is no folder, or gone.</exception>
    /// <exception cref="UnauthorizedAccessException">It may not be read.</exception>
    public abstract IReadOnlyList<DiskEntry> List(string folder);

    /// <summary>Null when there is nothing of that name, or only behind a link.</summary>
    public abstract DiskEntry? Find(string name);

    /// <summary>Opens a regular file, without waiting.</summary>
    /// <exception cref="IOException">It is gone, or no regular file (any more).</exception>
    public abstract Stream OpenRead(string name);

    /// <summary>Where a link leads, in bytes.</summary>
    public abstract byte[] ReadLink(string name);

    /// <summary>Writes a file, whole or not at all, and the folders that it needs.</summary>
    /// <exception cref="EdgeSyncException">Something is in the way, or the system refuses.</exception>
    public abstract void Write(string name, ReadOnlySpan<byte> content, FilePermission permission, bool replace);

    /// <summary>Whether the file system takes two names that differ in case for one.</summary>
    public abstract bool FoldsCase();

    public void Dispose()
    {
        Dispose(disposing: true);
        GC.SuppressFinalize(this);
    }

    protected abstract void Dispose(bool disposing);

    /// <summary>Where that is, for messages.</summary>
    internal string Describe(string name) => name.Length == 0 ? FullPath : Path.Combine(FullPath, name);

    protected static string TemporaryName()
    {
        Span<byte> random = stackalloc byte[10];
        SystemEntropy.Instance.Fill(random);
        return TemporaryPrefix + Convert.ToHexStringLower(random);
    }

    /// <summary>The folder and the last part of a name.</summary>
    protected static (string Folder, string Last) Split(string name)
    {
        var slash = name.LastIndexOf('/');
        return slash < 0 ? ("", name) : (name[..slash], name[(slash + 1)..]);
    }

    protected EdgeSyncException InTheWay(string name, string what) =>
        new(
            ErrorKind.Conflict, $"{Describe(name)} is in the way: {what}; nothing is written over or through it",
            "another folder (-d), or move it away");
}
