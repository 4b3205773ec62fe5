using System.Threading.Channels;
using EdgeSync.Storage.Sqlite;

namespace EdgeSync.Node.Repositories;

/// <summary>
/// Reports that a database file, or the journal beside it, may have been written: by file system events, and by a check
/// every few seconds where these are incomplete (network disks: other machines' writes cause no event here).
/// </summary>
internal sealed class FileChanges : IDisposable
{
    private static readonly TimeSpan WithoutEvents = TimeSpan.FromSeconds(3);
    private static readonly TimeSpan WithEvents = TimeSpan.FromMinutes(1);

    // File systems of one machine's own disks, as DriveInfo names them: each write goes through this kernel.
    private static readonly string[] Local =
    [
        "btrfs", "exfat", "ext2", "ext3", "ext4", "f2fs", "msdos", "overlay", "overlayfs", "tmpfs", "vfat", "xfs",
        "zfs",
    ];

    private readonly TimeProvider _clock;
    private readonly IDisposable? _files;

    // One waiting nudge stands for all: a check finds whatever happened before it.
    private readonly Channel<bool> _nudges = Channel.CreateBounded<bool>(
        new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite, SingleReader = true });

    public FileChanges(string path, TimeProvider clock)
    {
        var watch = DatabaseWatch.TryStart(path, Nudge);
        LookEvery = watch is not null && IsLocal(path) ? WithEvents : WithoutEvents;
        (_clock, _files) = (clock, watch ?? (IDisposable?)Watch(path));
    }

    /// <summary>How long the file is left without a check while no event arrives.</summary>
    internal TimeSpan LookEvery { get; }

    /// <summary>True when all writes to the file pass through this machine's kernel.</summary>
    internal static bool IsLocal(string path)
    {
        try
        {
            var real = File.ResolveLinkTarget(path, returnFinalTarget: true)?.FullName ?? Path.GetFullPath(path);
            var drive = new DriveInfo(Path.GetDirectoryName(real)!);
            return Local.Contains(drive.DriveFormat, StringComparer.Ordinal);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException)
        {
            return false;
        }
    }

    /// <summary>Reports a possible change.</summary>
    public void Nudge() => _nudges.Writer.TryWrite(true);

    /// <summary>Waits until a check is due.</summary>
    public async Task WaitAsync(CancellationToken cancellationToken)
    {
        using var timer = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var nudge = _nudges.Reader.WaitToReadAsync(timer.Token).AsTask();
        await Task.WhenAny(nudge, Task.Delay(LookEvery, _clock, timer.Token));
        await timer.CancelAsync();
        _nudges.Reader.TryRead(out _);
        cancellationToken.ThrowIfCancellationRequested();
    }

    public void Dispose() => _files?.Dispose();

    private FileSystemWatcher? Watch(string path)
    {
        try
        {
            var full = Path.GetFullPath(path);
            var watcher = new FileSystemWatcher(Path.GetDirectoryName(full)!, Path.GetFileName(full) + "*")
            {
                NotifyFilter = NotifyFilters.LastWrite | NotifyFilters.Size | NotifyFilters.FileName,
            };
            watcher.Changed += (_, _) => Nudge();
            watcher.Created += (_, _) => Nudge();
            watcher.Deleted += (_, _) => Nudge();
            watcher.Error += (_, _) => Nudge();
            watcher.EnableRaisingEvents = true;
            return watcher;
        }
        catch (Exception e) when (e is IOException or ArgumentException)
        {
            return null;   // no watches left on this system: the check every few seconds remains
        }
    }
}
