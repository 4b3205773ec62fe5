using System.Buffers.Binary;
using EdgeSync.Fossil.Artifacts;
using EdgeSync.Primitives;

namespace EdgeSync.Storage.Checkout;

/// <summary>The kind of a directory entry.</summary>
public enum DiskKind
{
    Regular,
    Link,
    Folder,

    /// <summary>
    /// A pipe, a socket, a device: a check-in cannot contain it, and reading it may block for ever.
    /// </summary>
    Other,
}

/// <summary>A directory entry; a link describes itself.</summary>
/// <param name="Name">From the top of the folder, with slashes, as <see cref="PathText"/>.</param>
/// <param name="What">In words, such as "a named pipe".</param>
public readonly record struct DiskEntry(
    string Name, DiskKind Kind, bool IsExecutable, long Size, long ModifiedTicks, string What)
{
    /// <summary>Equal for two names of one file; zero where the system has no such numbers.</summary>
    internal (ulong Device, ulong Inode) Identity { get; init; }
}

/// <summary>
/// The files below one folder of the disk, reached without following links: a link inside is an entry, never followed.
/// Names are those of check-ins, as <see cref="PathText"/>.
/// </summary>
public abstract class DiskFolder : IDisposable
{
    /// <summary>Prefix of files that are still being written.</summary>
    internal const string TemporaryPrefix = ".edgesync-";

    // Drawn once: the names of a process count on from it.
    private static readonly Lazy<byte[]> TemporaryRandom = new(NewRandom);
    private static int _temporaryNames;

    protected DiskFolder(string path) => FullPath = path;

    public string FullPath { get; }

    /// <summary>True when the system's names are bytes; otherwise they must be UTF-8.</summary>
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

    /// <summary>The entries of a folder; the top is the empty name.</summary>
    /// <exception cref="IOException">It is not a folder, or was removed.</exception>
    /// <exception cref="UnauthorizedAccessException">Permission denied.</exception>
    public abstract IReadOnlyList<DiskEntry> List(string folder);

    /// <summary>Null when no such entry exists, or only behind a link.</summary>
    public abstract DiskEntry? Find(string name);

    /// <summary>Opens a regular file, without blocking.</summary>
    /// <exception cref="IOException">It was removed, or is not a regular file.</exception>
    public abstract Stream OpenRead(string name);

    /// <summary>The target of a link, in bytes.</summary>
    public abstract byte[] ReadLink(string name);

    /// <summary>Writes a file, whole or not at all, and the folders that it needs.</summary>
    /// <exception cref="EdgeSyncException">A conflicting entry exists, or the system call fails.</exception>
    public abstract void Write(string name, ReadOnlySpan<byte> content, FilePermission permission, bool replace);

    /// <summary>Removes a file or a link itself; false when nothing is there, or only behind a link.</summary>
    /// <exception cref="EdgeSyncException">It is a folder, or the system refuses.</exception>
    public abstract bool Remove(string name);

    /// <summary>Removes a folder that is empty; false when it is not there, no folder, or not empty.</summary>
    public abstract bool RemoveFolder(string name);

    /// <summary>Creates a folder with those above it; one that is there is kept.</summary>
    /// <exception cref="EdgeSyncException">Another kind of entry has the name, or the system call fails.</exception>
    public abstract void CreateFolder(string name);

    /// <summary>Gives a file or a link another name, creating the folders that it needs.</summary>
    /// <exception cref="EdgeSyncException">The new name is taken, or the system refuses.</exception>
    public abstract void Move(string oldName, string newName);

    /// <summary>
    /// Sets or clears the executable bits of a regular file, for all with read permission; false when nothing changed.
    /// </summary>
    public abstract bool SetExecutable(string name, bool isExecutable);

    /// <summary>Sets the time of a regular file, in seconds since 1970; false when it is none.</summary>
    public abstract bool SetModified(string name, long seconds);

    /// <summary>Whether the file system takes two names that differ in case for one.</summary>
    public abstract bool FoldsCase();

    public void Dispose()
    {
        Dispose(disposing: true);
        GC.SuppressFinalize(this);
    }

    protected abstract void Dispose(bool disposing);

    /// <summary>The path, for messages.</summary>
    internal string Describe(string name) => name.Length == 0 ? FullPath : Path.Combine(FullPath, name);

    internal static string NewTemporaryName() => TemporaryName();

    protected static string TemporaryName()
    {
        Span<byte> random = stackalloc byte[10];
        TemporaryRandom.Value.CopyTo(random);
        var number = (uint)Interlocked.Increment(ref _temporaryNames);
        BinaryPrimitives.WriteUInt32LittleEndian(random, BinaryPrimitives.ReadUInt32LittleEndian(random) + number);
        return TemporaryPrefix + Convert.ToHexStringLower(random);
    }

    private static byte[] NewRandom()
    {
        var random = new byte[10];
        SystemEntropy.Instance.Fill(random);
        return random;
    }

    /// <summary>The folder and the last part of a name.</summary>
    protected static (string Folder, string Last) Split(string name)
    {
        var slash = name.LastIndexOf('/');
        return slash < 0 ? ("", name) : (name[..slash], name[(slash + 1)..]);
    }

    protected EdgeSyncException ExistsAlready(string name, string what) =>
        new(
            ErrorKind.Conflict, $"{Describe(name)} exists already: {what}; it is not overwritten",
            "another folder (-d), or move it away");
}
