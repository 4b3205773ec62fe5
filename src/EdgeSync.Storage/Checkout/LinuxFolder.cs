using EdgeSync.Fossil.Artifacts;
using EdgeSync.Primitives;
using Microsoft.Win32.SafeHandles;

namespace EdgeSync.Storage.Checkout;

/// <summary>
/// Each folder on the path to a file is opened from the one above it, never through a link: concurrent renames cannot
/// lead out of the top folder.
/// </summary>
[System.Runtime.Versioning.UnsupportedOSPlatform("windows")]
internal sealed class LinuxFolder : DiskFolder
{
    private readonly SafeFileHandle _top;

    // The folders down to the one used last, so that its neighbours cost one call.
    private readonly List<(string Name, SafeFileHandle Handle)> _way = [];

    private LinuxFolder(string path, SafeFileHandle top)
        : base(path) => _top = top;

    public override bool TakesAnyBytes => true;

    public static LinuxFolder OpenRoot(string path)
    {
        // The path to the top is the user's own: links in it are followed.
        var top = Posix.OpenFolder(path, out var error);
        return top is not null ? new LinuxFolder(path, top) : throw (error is Posix.NoSuchFile
            ? new EdgeSyncException(ErrorKind.NotFound, $"{path} does not exist")
            : new EdgeSyncException(ErrorKind.System, $"{path} cannot be opened: {Posix.Text(error)}"));
    }

    public override IReadOnlyList<DiskEntry> List(string folder)
    {
        var handle = Enter(folder, out var error) ?? throw Refused(folder, error);
        var entries = new List<DiskEntry>();
        foreach (var name in Posix.List(handle))
        {
            var whole = folder.Length == 0 ? name : $"{folder}/{name}";
            if (Posix.TryStat(Descriptor(handle), name, out var status, out _)) entries.Add(EntryOf(whole, status));
        }

        return entries;
    }

    public override DiskEntry? Find(string name)
    {
        var (folder, last) = Split(name);
        return Enter(folder, out _) is { } handle && Posix.TryStat(Descriptor(handle), last, out var status, out _)
            ? EntryOf(name, status)
            : null;
    }

    public override Stream OpenRead(string name)
    {
        var (folder, last) = Split(name);
        var handle = Enter(folder, out var error) ?? throw Refused(name, error);
        var file = Posix.Open(
            Descriptor(handle), last, Posix.ReadOnly | Posix.NonBlocking | Posix.NoFollow, 0, out error)
            ?? throw Refused(name, error);
        if (Posix.TryStat(Descriptor(file), "", out var status, out _) && status.Kind == DiskKind.Regular)
            return new FileStream(file, FileAccess.Read, bufferSize: 0);

        file.Dispose();
        throw new IOException($"{Describe(name)} is {status.What}");
    }

    public override byte[] ReadLink(string name)
    {
        var (folder, last) = Split(name);
        var handle = Enter(folder, out var error) ?? throw Refused(name, error);
        return Posix.ReadLink(Descriptor(handle), last, out error) ?? throw Refused(name, error);
    }

    public override void Write(string name, ReadOnlySpan<byte> content, FilePermission permission, bool replace)
    {
        var (folder, last) = Split(name);
        var at = Descriptor(EnterOrCreate(folder));
        var temporary = TemporaryName();
        var error = permission == FilePermission.Symlink
            ? Posix.MakeLink(content, at, temporary)
            // 0777, 0666, less the umask
            : WriteBytes(at, temporary, content, permission == FilePermission.Executable ? 0x1ff : 0x1b6);
        if (error != 0) throw NotWritten(name, error);

        error = Posix.Rename(at, temporary, last, replace);
        if (error == 0) return;

        Posix.Remove(at, temporary);
        throw error == Posix.Exists ? ExistsAlready(name, "it exists already") : NotWritten(name, error);
    }

    public override bool Remove(string name)
    {
        var (folder, last) = Split(name);
        if (Enter(folder, out _) is not { } at) return false;

        return Posix.Remove(Descriptor(at), last) switch
        {
            0 => true,
            Posix.NoSuchFile => false,
            var error => throw new EdgeSyncException(
                ErrorKind.System, $"{Describe(name)} cannot be removed: {Posix.Text(error)}"),
        };
    }

    public override bool RemoveFolder(string name)
    {
        var (folder, last) = Split(name);
        return Enter(folder, out _) is { } at && Posix.RemoveFolder(Descriptor(at), last) == 0;
    }

    public override void CreateFolder(string name) => EnterOrCreate(name);

    public override void Move(string oldName, string newName)
    {
        var (oldFolder, oldLast) = Split(oldName);
        var (newFolder, newLast) = Split(newName);
        // The way to the one folder is given up on the way to the other.
        using var target = Posix.Open(
            Descriptor(EnterOrCreate(newFolder)), ".", Posix.ReadOnly | Posix.FolderOnly, 0, out var error)
            ?? throw NotWritten(newName, error);
        var source = Enter(oldFolder, out error) ?? throw Refused(oldName, error);
        error = Posix.Move(Descriptor(source), oldLast, Descriptor(target), newLast);
        if (error != 0)
            throw error == Posix.Exists ? ExistsAlready(newName, "it exists already") : NotWritten(newName, error);
    }

    public override bool SetExecutable(string name, bool isExecutable)
    {
        using var file = OpenPlain(name);
        if (file is null) return false;

        const UnixFileMode all = UnixFileMode.UserExecute | UnixFileMode.GroupExecute | UnixFileMode.OtherExecute;
        var mode = File.GetUnixFileMode(file);
        // The executable bits follow the read bits, as in stock.
        var wanted = isExecutable ? mode | (UnixFileMode)(((int)mode & 0x124) >> 2) : mode & ~all;
        if (((mode & UnixFileMode.UserExecute) != 0) == isExecutable) return false;

        File.SetUnixFileMode(file, wanted);
        return true;
    }

    public override bool SetModified(string name, long seconds)
    {
        using var file = OpenPlain(name);
        if (file is null) return false;

        File.SetLastWriteTimeUtc(file, DateTime.UnixEpoch.AddSeconds(seconds));
        return true;
    }

    public override bool FoldsCase()
    {
        var name = TemporaryName();
        var error = WriteBytes(Descriptor(_top), name, default, 0x180);
        if (error != 0) throw NotWritten(name, error);

        var folds = Posix.TryStat(Descriptor(_top), name.ToUpperInvariant(), out _, out _);
        Posix.Remove(Descriptor(_top), name);
        return folds;
    }

    protected override void Dispose(bool disposing)
    {
        foreach (var (_, handle) in _way) handle.Dispose();
        _way.Clear();
        _top.Dispose();
    }

    private SafeFileHandle? OpenPlain(string name)
    {
        var (folder, last) = Split(name);
        if (Enter(folder, out _) is not { } at) return null;

        var file = Posix.Open(
            Descriptor(at), last, Posix.ReadOnly | Posix.NonBlocking | Posix.NoFollow, 0, out _);
        if (file is null || (Posix.TryStat(Descriptor(file), "", out var status, out _)
            && status.Kind == DiskKind.Regular)) return file;

        file.Dispose();
        return null;
    }

    private static int WriteBytes(int folder, string name, ReadOnlySpan<byte> content, int mode)
    {
        using var file = Posix.Open(folder, name, Posix.WriteNew | Posix.NoFollow, mode, out var error);
        if (file is null) return error;

        try
        {
            RandomAccess.Write(file, content, 0);
            return 0;
        }
        catch
        {
            Posix.Remove(folder, name);
            throw;
        }
    }

    private SafeFileHandle? Enter(string folder, out int error)
    {
        error = 0;
        var depth = Known(folder, out var rest);
        if (rest.Length == 0) return depth == 0 ? _top : _way[depth - 1].Handle;

        foreach (var part in rest.Split('/'))
        {
            var next = Posix.Open(
                Descriptor(depth == 0 ? _top : _way[depth - 1].Handle), part,
                Posix.ReadOnly | Posix.FolderOnly | Posix.NoFollow, 0, out error);
            if (next is null) return null;

            _way.Add((part, next));
            depth++;
        }

        return _way[^1].Handle;
    }

    /// <summary>Keeps the folders that both paths share; returns how many, and the rest of the path.</summary>
    private int Known(string folder, out string rest)
    {
        var depth = 0;
        var at = 0;
        while (depth < _way.Count && at < folder.Length)
        {
            var name = _way[depth].Name;
            var end = at + name.Length;
            if (string.CompareOrdinal(folder, at, name, 0, name.Length) != 0
                || (end < folder.Length && folder[end] != '/'))
                break;
            depth++;
            at = end + 1;
        }

        for (var i = _way.Count - 1; i >= depth; i--) _way[i].Handle.Dispose();
        _way.RemoveRange(depth, _way.Count - depth);
        rest = at < folder.Length ? folder[at..] : "";
        return depth;
    }

    private SafeFileHandle EnterOrCreate(string folder)
    {
        if (Enter(folder, out var error) is { } there) return there;

        for (var end = folder.IndexOf('/', StringComparison.Ordinal); ; end = folder.IndexOf('/', end + 1))
        {
            var part = end < 0 ? folder : folder[..end];
            if (Enter(part, out error) is null)
            {
                if (error != Posix.NoSuchFile) throw ExistsAlready(part, Find(part)?.What ?? Posix.Text(error));

                var (above, last) = Split(part);
                var made = Posix.MakeFolder(Descriptor(Enter(above, out error) ?? throw Refused(above, error)), last);
                if (made != 0 && made != Posix.Exists) throw NotWritten(part, made);
                if (Enter(part, out error) is null) throw Refused(part, error);
            }

            if (end < 0) return Enter(folder, out error) ?? throw Refused(folder, error);
        }
    }

    private static int Descriptor(SafeFileHandle handle) => (int)handle.DangerousGetHandle();

    private static DiskEntry EntryOf(string name, FileStatus status) =>
        new(name, status.Kind, status.IsExecutable, status.Size, status.ModifiedTicks, status.What)
        {
            Identity = (status.Device, status.Inode)
        };

    private Exception Refused(string name, int error)
    {
        var sentence = $"{Describe(name)}: {Posix.Text(error)}";
        // EPERM, EACCES
        return error is 1 or 13 ? new UnauthorizedAccessException(sentence) : new IOException(sentence, error);
    }

    private EdgeSyncException NotWritten(string name, int error) =>
        new(ErrorKind.System, $"{Describe(name)} cannot be written: {Posix.Text(error)}");
}
