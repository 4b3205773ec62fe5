using System.Diagnostics;
using System.Threading.Channels;
using EdgeSync.Agent;
using EdgeSync.Cli.Configuration;
using EdgeSync.Cli.Telemetry;
using EdgeSync.Primitives;
using EdgeSync.Storage;

namespace EdgeSync.Cli.Hosting.Watch;

/// <summary>
/// Commits a folder after a quiet time: the file system says that something changed, <see cref="FolderSettling"/> when to
/// look, <see cref="FolderCommit"/> what it comes to. Where the file system stays silent (network disks, too many folders for
/// inotify), a look every minute finds it.
/// </summary>
internal sealed class FolderWatcher : IAsyncDisposable
{
    private static readonly TimeSpan LookEvery = TimeSpan.FromMinutes(1);

    private readonly RepositoryQueue _repository;
    private readonly FolderCommit _commit;
    private readonly FolderSettling _settling;
    private readonly FolderWatchHooks _hooks;
    private readonly ServeLog _log;
    private readonly TimeProvider _clock;
    private readonly string _folder;
    private readonly CancellationTokenSource _stop = new();
    private readonly FileSystemWatcher? _files;
    private readonly Task _loop;
    private volatile FolderWatchStatus _status;

    // One waiting change stands for all: a look finds whatever happened before it.
    private readonly Channel<bool> _changes = Channel.CreateBounded<bool>(
        new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite, SingleReader = true });

    public FolderWatcher(WatchSettings settings, RepositoryQueue repository, bool allowsFork, FolderWatchHooks hooks, ServeLog log, TimeProvider clock)
    {
        _folder = Path.GetFullPath(settings.Folder);
        var repositoryPath = Path.GetFullPath(repository.Path);
        (_repository, _hooks, _clock) = (repository, hooks, clock);
        _log = log.With(("folder", _folder));
        _commit = new FolderCommit(settings, _folder, repositoryPath, allowsFork);
        _settling = new FolderSettling(settings.Quiet);
        _status = new FolderWatchStatus(_folder, "watching");
        _files = Watch(new NameGlob(settings.Ignore), repositoryPath);
        _loop = Task.Run(async () =>
        {
            try
            {
                await LoopAsync();
            }
            catch (Exception e) when (e is not OperationCanceledException)
            {
                hooks.Failed(e);
            }
        });
    }

    public FolderWatchStatus Status => _status;

    public async ValueTask DisposeAsync()
    {
        _files?.Dispose();
        await _stop.CancelAsync();
        try
        {
            await _loop;
        }
        catch (OperationCanceledException)
        {
            // The end of the loop.
        }

        _stop.Dispose();
    }

    private FileSystemWatcher? Watch(NameGlob ignored, string repositoryPath)
    {
        try
        {
            var watcher = new FileSystemWatcher(_folder)
            {
                IncludeSubdirectories = true,
                NotifyFilter = NotifyFilters.LastWrite | NotifyFilters.Size | NotifyFilters.FileName | NotifyFilters.DirectoryName | NotifyFilters.Attributes,
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
        }
        catch (Exception e) when (e is IOException or ArgumentException)
        {
            _log.Write(LogLevel.Warning, "folder watched by a look a minute only", ("because", e.Message));
            return null;
        }

        void OnEvent(string path)
        {
            var name = Path.GetRelativePath(_folder, path).Replace('\\', '/');
            if (!FolderScan.IsLeftOut(name, path, repositoryPath, ignored)) _changes.Writer.TryWrite(true);
        }
    }

    private async Task LoopAsync()
    {
        _settling.OnChange(Now);   // what happened while nobody watched
        while (true)
        {
            await WaitAsync();
            if (!_settling.OnDeadline(Now)) continue;

            await LookAsync();
        }
    }

    /// <summary>Until something changed, or it is time to look.</summary>
    private async Task WaitAsync()
    {
        using var timer = CancellationTokenSource.CreateLinkedTokenSource(_stop.Token);
        var pause = _settling.Deadline is { } deadline ? deadline - Now : LookEvery;
        if (pause < TimeSpan.Zero) pause = TimeSpan.Zero;
        var change = _changes.Reader.WaitToReadAsync(timer.Token).AsTask();
        var first = await Task.WhenAny(change, Task.Delay(pause < LookEvery ? pause : LookEvery, _clock, timer.Token));
        await timer.CancelAsync();
        _stop.Token.ThrowIfCancellationRequested();
        if (first == change ? _changes.Reader.TryRead(out _) : _settling.Deadline is null)
        {
            _settling.OnChange(Now);
            if (_status.State == "watching") _status = _status with { State = "settling" };
        }
    }

    private async Task LookAsync()
    {
        _status = _status with { State = "committing" };
        using var span = Instruments.Leaf.StartActivity("checkout.commit");
        try
        {
            if (await _repository.RunAsync(_commit.FindEdits, _stop.Token) is { } parent) await _hooks.Before(parent, _stop.Token);
            var outcome = await _repository.RunAsync(_commit.Run, _stop.Token);
            _settling.OnDone();
            if (outcome.Hash is { } hash) OnCommitted(hash, outcome.Comment);
            var trouble = outcome.Conflicts.Count == 0 ? null : $"changed here and by others, so not committed: {string.Join(", ", outcome.Conflicts.Take(5))}";
            if (trouble is not null) _log.Write(LogLevel.Warning, "files left alone", ("because", trouble));
            _status = _status with { State = trouble is null ? "watching" : "failed", LastError = trouble };
        }
        catch (Exception e) when (e is EdgeSyncException or IOException or UnauthorizedAccessException)
        {
            _settling.OnFailed(Now);
            Instruments.CheckoutErrors.Add(1);
            span?.SetStatus(ActivityStatusCode.Error, e.Message);
            _log.Write(LogLevel.Warning, "folder not committed", ("because", e.Message), ("try", (e as EdgeSyncException)?.Hint));
            _status = _status with { State = "failed", LastError = e.Message };
        }
    }

    private void OnCommitted(string hash, string? comment)
    {
        Instruments.CheckoutCommits.Add(1);
        _log.Write("folder committed", ("checkin", hash[..10]), ("what", comment));
        _status = _status with { Commits = _status.Commits + 1, LastCommitAt = _clock.GetUtcNow() };
        _hooks.Committed();
    }

    private Instant Now => Instant.FromDateTime(_clock.GetUtcNow());
}

/// <summary>What a folder's owner does around its check-ins.</summary>
/// <param name="Before">Called with the check-in that is about to get a child (empty: none); may refuse by an exception.</param>
/// <param name="Committed">Called once a check-in is on disk.</param>
/// <param name="Failed">Told of a bug of ours.</param>
internal sealed record FolderWatchHooks(Func<ArtifactId, CancellationToken, Task> Before, Action Committed, Action<Exception> Failed);
