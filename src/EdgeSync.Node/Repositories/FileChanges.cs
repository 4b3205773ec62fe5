using System.Threading.Channels;
using EdgeSync.Storage.Sqlite;

namespace EdgeSync.Node.Repositories;

/// <summary>
/// Reports that a database file, or the journal beside it, may have been written: by file system events, and where
/// these are missing (network disks), by a check every few seconds.
/// </summary>
internal sealed class FileChanges : IDisposable
{
    private static readonly TimeSpan LookEvery = TimeSpan.FromSeconds(3);

    private readonly TimeProvider _clock;
    private readonly IDisposable? _files;

    // One waiting nudge stands for all: a check finds whatever happened before it.
    private readonly Channel<bool> _nudges = Channel.CreateBounded<bool>(
        new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite, SingleReader = true });

    public FileChanges(string path, TimeProvider clock) =>
        (_clock, _files) = (clock, DatabaseWatch.TryStart(path, Nudge) ?? (IDisposable?)Watch(path));

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
