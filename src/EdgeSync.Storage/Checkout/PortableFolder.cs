using EdgeSync.Fossil.Artifacts;
using EdgeSync.Primitives;

namespace EdgeSync.Storage.Checkout;

/// <summary>
/// Uses the base library only, where the system is not Linux. Names are text; each folder on the path is checked before
/// it is used, so that an existing link is detected, but not one made at that moment.
/// </summary>
internal sealed class PortableFolder : DiskFolder
{
    private static readonly EnumerationOptions All = new() { AttributesToSkip = 0, IgnoreInaccessible = false };

    public PortableFolder(string path)
        : base(path)
    {
        if (!Directory.Exists(path)) throw new EdgeSyncException(ErrorKind.NotFound, $"{path} does not exist");
    }

    public override bool TakesAnyBytes => false;

    public override IReadOnlyList<DiskEntry> List(string folder)
    {
        var entries = new List<DiskEntry>();
        foreach (var entry in new DirectoryInfo(PathOf(folder)).EnumerateFileSystemInfos("*", All))
            entries.Add(EntryOf(folder.Length == 0 ? entry.Name : $"{folder}/{entry.Name}", entry));
        return entries;
    }

    public override DiskEntry? Find(string name)
    {
        for (var slash = name.IndexOf('/', StringComparison.Ordinal); slash >= 0; slash = name.IndexOf('/', slash + 1))
            if (new DirectoryInfo(PathOf(name[..slash])) is { Exists: false } or { LinkTarget: not null }) return null;

        FileSystemInfo entry = Directory.Exists(PathOf(name))
            ? new DirectoryInfo(PathOf(name))
            : new FileInfo(PathOf(name));
        return entry.Exists || entry.LinkTarget is not null ? EntryOf(name, entry) : null;
    }

    // The base library reports a pipe as a file, and opening one may block for ever. A pipe has no length, and a file
    // without length needs no opening.
    public override Stream OpenRead(string name) => Find(name) switch
    {
        { Kind: DiskKind.Regular, Size: 0 } => new MemoryStream([]),
        { Kind: DiskKind.Regular } =>
            new FileStream(PathOf(name), FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete, 1),
        _ => throw new IOException($"{Describe(name)} is not a regular file"),
    };

    public override byte[] ReadLink(string name) => new FileInfo(PathOf(name)).LinkTarget is { } target
        ? PathText.ToBytes(target.Replace('\\', '/'))
        : throw new IOException($"{Describe(name)} is not a symbolic link");

    public override void Write(string name, ReadOnlySpan<byte> content, FilePermission permission, bool replace)
    {
        var (folder, last) = Split(name);
        RequireFolders(folder);
        Directory.CreateDirectory(PathOf(folder));
        var temporary = Path.Combine(PathOf(folder), TemporaryName());
        try
        {
            if (permission == FilePermission.Symlink) File.CreateSymbolicLink(temporary, PathText.Of(content));
            else WriteBytes(temporary, content, permission);
            File.Move(temporary, Path.Combine(PathOf(folder), last), replace);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            File.Delete(temporary);
            throw Find(name) is { } there && !replace
                ? ExistsAlready(name, there.What)
                : new EdgeSyncException(ErrorKind.System, $"{Describe(name)} cannot be written: {e.Message}", inner: e);
        }
    }

    public override bool Remove(string name)
    {
        if (Find(name) is not { } entry) return false;
        if (entry.Kind == DiskKind.Folder)
            throw new EdgeSyncException(ErrorKind.System, $"{Describe(name)} cannot be removed: it is a folder");

        File.Delete(PathOf(name));
        return true;
    }

    public override bool RemoveFolder(string name)
    {
        if (Find(name) is not { Kind: DiskKind.Folder } || List(name).Count > 0) return false;

        Directory.Delete(PathOf(name));
        return true;
    }

    public override void CreateFolder(string name)
    {
        RequireFolders(name);
        Directory.CreateDirectory(PathOf(name));
    }

    public override void Move(string oldName, string newName)
    {
        var (folder, _) = Split(newName);
        if (folder.Length > 0) CreateFolder(folder);
        if (Find(newName) is { } there) throw ExistsAlready(newName, there.What);

        File.Move(PathOf(oldName), PathOf(newName));
    }

    public override bool SetExecutable(string name, bool isExecutable)
    {
        if (OperatingSystem.IsWindows() || Find(name) is not { Kind: DiskKind.Regular } entry
            || entry.IsExecutable == isExecutable) return false;

        const UnixFileMode all = UnixFileMode.UserExecute | UnixFileMode.GroupExecute | UnixFileMode.OtherExecute;
        var mode = File.GetUnixFileMode(PathOf(name));
        File.SetUnixFileMode(
            PathOf(name), isExecutable ? mode | (UnixFileMode)(((int)mode & 0x124) >> 2) : mode & ~all);
        return true;
    }

    public override bool SetModified(string name, long seconds)
    {
        if (Find(name) is not { Kind: DiskKind.Regular }) return false;

        File.SetLastWriteTimeUtc(PathOf(name), DateTime.UnixEpoch.AddSeconds(seconds));
        return true;
    }

    public override bool FoldsCase()
    {
        var name = TemporaryName();
        File.WriteAllBytes(PathOf(name), []);
        var folds = File.Exists(PathOf(name.ToUpperInvariant()));
        File.Delete(PathOf(name));
        return folds;
    }

    protected override void Dispose(bool disposing)
    {
    }

    // Anything but a folder stays, and nothing is written through a link.
    private void RequireFolders(string folder)
    {
        for (var end = folder.IndexOf(
            '/', StringComparison.Ordinal); folder.Length > 0; end = folder.IndexOf('/', end + 1))
        {
            var part = end < 0 ? folder : folder[..end];
            if (new DirectoryInfo(PathOf(part)).LinkTarget is not null) throw ExistsAlready(part, "a symbolic link");
            if (File.Exists(PathOf(part))) throw ExistsAlready(part, "a file");
            if (end < 0) break;
        }
    }

    private static void WriteBytes(string path, ReadOnlySpan<byte> bytes, FilePermission permission)
    {
        var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write, BufferSize = 0 };
        if (!OperatingSystem.IsWindows())
            options.UnixCreateMode = (UnixFileMode)(permission == FilePermission.Executable ? 0x1ff : 0x1b6);
        using var stream = new FileStream(path, options);
        stream.Write(bytes);
    }

    private static DiskEntry EntryOf(string name, FileSystemInfo entry)
    {
        var (kind, what) = entry switch
        {
            { LinkTarget: not null } => (DiskKind.Link, "a symbolic link"),
            DirectoryInfo => (DiskKind.Folder, "a folder"),
            _ => (DiskKind.Regular, "a file"),
        };
        var isExecutable = !OperatingSystem.IsWindows() && (entry.UnixFileMode & UnixFileMode.UserExecute) != 0;
        var size = entry is FileInfo file && kind == DiskKind.Regular ? file.Length : 0;
        return new DiskEntry(name, kind, isExecutable, size, entry.LastWriteTimeUtc.Ticks, what);
    }

    private string PathOf(string name) => Path.Combine(FullPath, name);
}
