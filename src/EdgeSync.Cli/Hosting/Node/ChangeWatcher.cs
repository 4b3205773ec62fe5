using System.Threading.Channels;
using EdgeSync.Storage;

namespace EdgeSync.Cli.Hosting.Node;

/// <summary>
/// Notices commits that other programs make in a repository file: the file system says at once that something was written,
/// SQLite's <c>data_version</c> says whether that was somebody else. Where the file system stays silent (network disks),
/// a look every few seconds finds it.
/// </summary>
internal sealed class ChangeWatcher : IAsyncDisposable
{
    private static readonly TimeSpan LookEvery = TimeSpan.FromSeconds(3);

    private readonly RepositoryQueue _repository;
    private readonly Action _changed;
    private readonly TimeProvider _clock;
    private readonly CancellationTokenSource _stop = new();
    private readonly FileSystemWatcher? _files;
    private readonly Task _loop;

    // One waiting nudge stands for all: a look finds whatever happened before it.
    private readonly Channel<bool> _nudges = Channel.CreateBounded<bool>(
        new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite, SingleReader = true });

    public ChangeWatcher(RepositoryQueue repository, Action changed, TimeProvider clock)
    {
        (_repository, _changed, _clock) = (repository, changed, clock);
        _files = Watch(repository.Path);
        _loop = Task.Run(LoopAsync);
    }

    /// <summary>Somebody says that there may be something.</summary>
    public void Nudge() => _nudges.Writer.TryWrite(true);

    public async ValueTask DisposeAsync()
    {
        _files?.Dispose();
        await _stop.CancelAsync();
        await _loop;
        _stop.Dispose();
    }

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
            return null;   // no watches left on this system: the look every few seconds stays
        }
    }

    private async Task LoopAsync()
    {
        try
        {
            var seen = await LookAsync();
            while (true)
            {
                await WaitAsync();
                var version = await LookAsync();
                if (version == seen) continue;

                seen = version;
                _changed();
            }
        }
        catch (OperationCanceledException)
        {
            // Disposed.
        }
    }

    /// <summary>Zero when the file cannot be read just now: the next look sees a change.</summary>
    private async Task<long> LookAsync()
    {
        try
        {
            return await _repository.RunAsync(r => r.Database.DataVersion, _stop.Token);
        }
        catch (Primitives.EdgeSyncException)
        {
            return 0;
        }
    }

    private async Task WaitAsync()
    {
        using var timer = CancellationTokenSource.CreateLinkedTokenSource(_stop.Token);
        var nudge = _nudges.Reader.WaitToReadAsync(timer.Token).AsTask();
        await Task.WhenAny(nudge, Task.Delay(LookEvery, _clock, timer.Token));
        await timer.CancelAsync();
        _nudges.Reader.TryRead(out _);
        _stop.Token.ThrowIfCancellationRequested();
    }
}
