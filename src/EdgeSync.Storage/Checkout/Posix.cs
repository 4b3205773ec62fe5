using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace EdgeSync.Storage.Checkout;

/// <summary>
/// Linux calls that the base library lacks: names as bytes, paths relative to an open folder, no link followed, no
/// blocking on a pipe, a folder flushed to the disk.
/// </summary>
internal static partial class Posix
{
    public const int NoSuchFile = 2;          // ENOENT
    public const int Exists = 17;             // EEXIST
    public const int Invalid = 22;            // EINVAL

    public const int ReadOnly = 0;
    public const int WriteNew = 0x1 | 0x40 | 0x80;   // O_WRONLY | O_CREAT | O_EXCL
    public const int NonBlocking = 0x800;
    private const int CloseOnExec = 0x80000;

    private const int CurrentFolder = -100;          // AT_FDCWD
    private const int NoFollowAt = 0x100;            // AT_SYMLINK_NOFOLLOW
    private const int FolderAt = 0x200;              // AT_REMOVEDIR
    private const int EmptyPath = 0x1000;            // AT_EMPTY_PATH
    private const uint BasicStatus = 0x7ff;          // STATX_BASIC_STATS
    private const uint NoReplace = 1;                // RENAME_NOREPLACE

    // The two flags that differ between processors.
    private static readonly bool IsArm =
        RuntimeInformation.ProcessArchitecture is Architecture.Arm or Architecture.Arm64;

    public static int FolderOnly => IsArm ? 0x4000 : 0x10000;

    public static int NoFollow => IsArm ? 0x8000 : 0x20000;

    /// <summary>A folder, by a path from the user.</summary>
    public static SafeFileHandle? OpenFolder(string path, out int error) =>
        Open(
            CurrentFolder, Fossil.Artifacts.PathText.Of(System.Text.Encoding.UTF8.GetBytes(path)),
            ReadOnly | FolderOnly, 0, out error);

    public static string Text(int error) => Marshal.GetPInvokeErrorMessage(error);

    /// <summary>Null, and the error in <paramref name="error"/>, when it cannot be opened.</summary>
    public static SafeFileHandle? Open(int folder, string name, int flags, int mode, out int error)
    {
        int descriptor;
        do
        {
            descriptor = OpenAt(folder, Terminated(name), flags | CloseOnExec, mode);
            error = descriptor < 0 ? Marshal.GetLastPInvokeError() : 0;
        }
        while (error == 4);   // EINTR

        return descriptor < 0 ? null : new SafeFileHandle(descriptor, ownsHandle: true);
    }

    /// <summary>The status of an entry, of a link itself; false with the error otherwise. The empty name is the
    /// folder.</summary>
    public static unsafe bool TryStat(int folder, string name, out FileStatus status, out int error)
    {
        Span<byte> found = stackalloc byte[256];
        fixed (byte* at = found)
        {
            var code = StatX(folder, Terminated(name), NoFollowAt | EmptyPath, BasicStatus, at);
            error = code < 0 ? Marshal.GetLastPInvokeError() : 0;
        }

        status = error == 0 ? FileStatus.Parse(found) : default;
        return error == 0;
    }

    public static unsafe byte[]? ReadLink(int folder, string name, out int error)
    {
        for (var size = 256; ; size *= 2)
        {
            var target = new byte[size];
            nint length;
            fixed (byte* at = target) length = ReadLinkAt(folder, Terminated(name), at, size);
            error = length < 0 ? Marshal.GetLastPInvokeError() : 0;
            if (length < 0) return null;
            if (length < size) return target[..(int)length];
        }
    }

    /// <summary>The names in a folder, but for <c>.</c> and <c>..</c>. The handle stays open.</summary>
    public static unsafe List<string> List(SafeFileHandle folder)
    {
        // The stream takes a descriptor of its own: closing it would close ours.
        var descriptor = OpenAt((int)folder.DangerousGetHandle(), Terminated("."), FolderOnly | CloseOnExec, 0);
        var stream = descriptor < 0 ? 0 : OpenFolderStream(descriptor);
        if (stream == 0)
        {
            var error = Marshal.GetLastPInvokeError();
            if (descriptor >= 0) new SafeFileHandle(descriptor, ownsHandle: true).Dispose();
            throw new IOException(Marshal.GetPInvokeErrorMessage(error), error);
        }

        try
        {
            var names = new List<string>();
            while (true)
            {
                var entry = ReadFolder(stream);
                if (entry == null)
                {
                    var error = Marshal.GetLastPInvokeError();
                    return error == 0 ? names : throw new IOException(Marshal.GetPInvokeErrorMessage(error), error);
                }

                // struct dirent of 64 bit systems: inode 8, offset 8, length 2, type 1, then the name.
                var name = MemoryMarshal.CreateReadOnlySpanFromNullTerminated(entry + 19);
                if (!name.SequenceEqual("."u8) && !name.SequenceEqual(".."u8))
                    names.Add(Fossil.Artifacts.PathText.Of(name));
            }
        }
        finally
        {
            _ = CloseFolder(stream);
        }
    }

    public static int MakeFolder(int folder, string name) => Code(MakeFolderAt(folder, Terminated(name), 0x1ff));

    public static int MakeLink(ReadOnlySpan<byte> target, int folder, string name) =>
        Code(LinkAt([.. target, 0], folder, Terminated(name)));

    public static int Remove(int folder, string name) => Code(UnlinkAt(folder, Terminated(name), 0));

    public static int RemoveFolder(int folder, string name) => Code(UnlinkAt(folder, Terminated(name), FolderAt));

    /// <summary>As the other, from one folder into another; a name that is taken is refused.</summary>
    public static int Move(int oldFolder, string oldName, int newFolder, string newName)
    {
        var error = Code(RenameAt2(oldFolder, Terminated(oldName), newFolder, Terminated(newName), NoReplace));
        if (error is not Invalid and not 38) return error;   // ENOSYS

        return TryStat(newFolder, newName, out _, out _) ? Exists
            : Code(RenameAt(oldFolder, Terminated(oldName), newFolder, Terminated(newName)));
    }

    public static int Rename(int folder, string oldName, string newName, bool replace)
    {
        if (replace) return Code(RenameAt(folder, Terminated(oldName), folder, Terminated(newName)));

        var error = Code(RenameAt2(folder, Terminated(oldName), folder, Terminated(newName), NoReplace));
        if (error is not Invalid and not 38) return error;   // ENOSYS

        // A file system without RENAME_NOREPLACE: the nearest to it.
        return TryStat(folder, newName, out _, out _) ? Exists : Rename(folder, oldName, newName, replace: true);
    }

    public static int Flush(SafeFileHandle handle) => Code(SynchronizeFile((int)handle.DangerousGetHandle()));

    private static int Code(int result) => result < 0 ? Marshal.GetLastPInvokeError() : 0;

    private static byte[] Terminated(string name) => [.. Fossil.Artifacts.PathText.ToBytes(name), 0];

    [LibraryImport("libc", EntryPoint = "openat", SetLastError = true)]
    private static partial int OpenAt(int folder, byte[] name, int flags, int mode);

    [LibraryImport("libc", EntryPoint = "statx", SetLastError = true)]
    private static unsafe partial int StatX(int folder, byte[] name, int flags, uint mask, byte* status);

    [LibraryImport("libc", EntryPoint = "readlinkat", SetLastError = true)]
    private static unsafe partial nint ReadLinkAt(int folder, byte[] name, byte* target, nint size);

    [LibraryImport("libc", EntryPoint = "fdopendir", SetLastError = true)]
    private static partial nint OpenFolderStream(int descriptor);

    [LibraryImport("libc", EntryPoint = "readdir", SetLastError = true)]
    private static unsafe partial byte* ReadFolder(nint stream);

    [LibraryImport("libc", EntryPoint = "closedir")]
    private static partial int CloseFolder(nint stream);

    [LibraryImport("libc", EntryPoint = "mkdirat", SetLastError = true)]
    private static partial int MakeFolderAt(int folder, byte[] name, uint mode);

    [LibraryImport("libc", EntryPoint = "symlinkat", SetLastError = true)]
    private static partial int LinkAt(byte[] target, int folder, byte[] name);

    [LibraryImport("libc", EntryPoint = "unlinkat", SetLastError = true)]
    private static partial int UnlinkAt(int folder, byte[] name, int flags);

    [LibraryImport("libc", EntryPoint = "renameat", SetLastError = true)]
    private static partial int RenameAt(int oldFolder, byte[] oldName, int newFolder, byte[] newName);

    [LibraryImport("libc", EntryPoint = "renameat2", SetLastError = true)]
    private static partial int RenameAt2(int oldFolder, byte[] oldName, int newFolder, byte[] newName, uint flags);

    /// <summary>An inotify descriptor, or null when the system has none left.</summary>
    public static SafeFileHandle? OpenEvents()
    {
        var descriptor = InotifyInit(CloseOnExec);
        return descriptor < 0 ? null : new SafeFileHandle(descriptor, ownsHandle: true);
    }

    /// <summary>Negative when there is no such file, or no watch left.</summary>
    public static int AddWatch(SafeFileHandle events, string path, uint mask) =>
        InotifyAddWatch(
            (int)events.DangerousGetHandle(),
            Terminated(Fossil.Artifacts.PathText.Of(System.Text.Encoding.UTF8.GetBytes(path))), mask);

    public static void RemoveWatch(SafeFileHandle events, int watch) =>
        _ = InotifyRemoveWatch((int)events.DangerousGetHandle(), watch);

    /// <summary>Waits for events; zero when no more will come.</summary>
    public static unsafe int ReadEvents(SafeFileHandle events, Span<byte> buffer)
    {
        while (true)
        {
            nint length;
            fixed (byte* at = buffer) length = ReadAt((int)events.DangerousGetHandle(), at, buffer.Length);
            if (length >= 0) return (int)length;
            if (Marshal.GetLastPInvokeError() != 4) return 0;   // EINTR
        }
    }

    [LibraryImport("libc", EntryPoint = "inotify_init1", SetLastError = true)]
    private static partial int InotifyInit(int flags);

    [LibraryImport("libc", EntryPoint = "inotify_add_watch", SetLastError = true)]
    private static partial int InotifyAddWatch(int events, byte[] path, uint mask);

    [LibraryImport("libc", EntryPoint = "inotify_rm_watch", SetLastError = true)]
    private static partial int InotifyRemoveWatch(int events, int watch);

    [LibraryImport("libc", EntryPoint = "read", SetLastError = true)]
    private static unsafe partial nint ReadAt(int descriptor, byte* buffer, nint size);

    [LibraryImport("libc", EntryPoint = "fsync", SetLastError = true)]
    private static partial int SynchronizeFile(int descriptor);
}

/// <summary>The result of <c>statx</c>.</summary>
internal readonly record struct FileStatus(int Mode, long Size, long ModifiedTicks, ulong Inode, ulong Device)
{
    private const int KindMask = 0xf000;

    public DiskKind Kind => (Mode & KindMask) switch
    {
        0x8000 => DiskKind.Regular,
        0xa000 => DiskKind.Link,
        0x4000 => DiskKind.Folder,
        _ => DiskKind.Other,
    };

    public string What => (Mode & KindMask) switch
    {
        0x1000 => "a named pipe",
        0xc000 => "a socket",
        0x2000 or 0x6000 => "a device",
        0x4000 => "a folder",
        0xa000 => "a symbolic link",
        _ => "a file",
    };

    public bool IsExecutable => (Mode & 0x40) != 0;   // S_IXUSR, as in stock

    // struct statx has one layout on all processors.
    public static FileStatus Parse(ReadOnlySpan<byte> status) => new(
        MemoryMarshal.Read<ushort>(status[28..]),
        MemoryMarshal.Read<long>(status[40..]),
        DateTime.UnixEpoch.Ticks + (MemoryMarshal.Read<long>(status[112..]) * TimeSpan.TicksPerSecond)
        + (MemoryMarshal.Read<uint>(status[120..]) / 100),
        MemoryMarshal.Read<ulong>(status[32..]),
        ((ulong)MemoryMarshal.Read<uint>(status[136..]) << 32) | MemoryMarshal.Read<uint>(status[140..]));
}
