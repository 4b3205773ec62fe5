using System.Threading.Channels;
using EdgeSync.Agent.Watch;
using EdgeSync.Primitives;

namespace EdgeSync.Node.Watch;

/// <summary>
/// Waits until a folder is to be scanned: the file system reports changes, and <see cref="FolderSettling"/> decides
/// when. Where events are missing (network disks, too many folders for inotify), a scan every minute finds the changes.
/// </summary>
internal sealed class FolderSignals : IDisposable
{
    private static readonly TimeSpan LookEvery = TimeSpan.FromMinutes(1);

    private readonly string _folder;
    private readonly TimeProvider _clock;
    private readonly Func<string, bool> _mayMatter;
    private readonly FolderSettling _settling;
    private readonly FileSystemWatcher? _files;

    // One waiting change stands for all: a scan finds whatever happened before it.
    private readonly Channel<bool> _changes = Channel.CreateBounded<bool>(
        new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite, SingleReader = true });

    /// <param name="folder">A full path. The first scan is due at once after <paramref name="quiet"/>.</param>
    /// <param name="quiet">Without changes, before a scan.</param>
    /// <param name="clock">Of pauses.</param>
    /// <param name="mayMatter">Of a name below the folder, with slashes: whether its change is one.</param>
    /// <param name="notWatched">Called with the reason when the file system reports nothing.</param>
    public FolderSignals(
        string folder, TimeSpan quiet, TimeProvider clock, Func<string, bool> mayMatter, Action<string> notWatched)
    {
        (_folder, _clock, _mayMatter) = (folder, clock, mayMatter);
        _settling = new FolderSettling(quiet);
        _settling.OnChange(Now);   // changes before the watch started
        try
        {
            _files = Watch();
        }
        catch (Exception e) when (e is IOException or ArgumentException)
        {
            notWatched(e.Message);
        }
    }

    private Instant Now => Instant.FromDateTime(_clock.GetUtcNow());

    /// <summary>Ends when a scan is due.</summary>
    /// <param name="changed">Called when a change is noticed.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    public async Task WaitAsync(Action? changed, CancellationToken cancellationToken)
    {
        do
        {
            using var timer = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
            var pause = _settling.Deadline is { } deadline ? deadline - Now : LookEvery;
            if (pause < TimeSpan.Zero) pause = TimeSpan.Zero;
            var change = _changes.Reader.WaitToReadAsync(timer.Token).AsTask();
            var first = await Task.WhenAny(
                change, Task.Delay(pause < LookEvery ? pause : LookEvery, _clock, timer.Token));
            await timer.CancelAsync();
            cancellationToken.ThrowIfCancellationRequested();
            if (first == change ? _changes.Reader.TryRead(out _) : _settling.Deadline is null)
            {
                _settling.OnChange(Now);
                changed?.Invoke();
            }
        }
        while (!_settling.OnDeadline(Now));
    }

    /// <summary>A scan has succeeded.</summary>
    public void OnDone() => _settling.OnDone();

    /// <summary>A scan has failed: it is tried again, later each time.</summary>
    public void OnFailed() => _settling.OnFailed(Now);

    /// <summary>A scan has left something out that is not settled: another one follows.</summary>
    public void OnUnsettled() => _changes.Writer.TryWrite(true);

    public void Dispose() => _files?.Dispose();

    private FileSystemWatcher Watch()
    {
        var watcher = new FileSystemWatcher(_folder)
        {
            IncludeSubdirectories = true,
            NotifyFilter = NotifyFilters.LastWrite | NotifyFilters.Size | NotifyFilters.FileName
                | NotifyFilters.DirectoryName | NotifyFilters.Attributes,
        };
        watcher.Changed += (_, e) => OnEvent(e.FullPath);
        watcher.Created += (_, e) => OnEvent(e.FullPath);
        watcher.Deleted += (_, e) => OnEvent(e.FullPath);
        watcher.Renamed += (_, e) =>
        {
            OnEvent(e.OldFullPath);
            OnEvent(e.FullPath);
        };
        watcher.Error += (_, _) => _changes.Writer.TryWrite(true);
        watcher.EnableRaisingEvents = true;
        return watcher;

        void OnEvent(string path)
        {
            if (_mayMatter(Path.GetRelativePath(_folder, path).Replace('\\', '/'))) _changes.Writer.TryWrite(true);
        }
    }
}
