using System.Collections.Concurrent;
using EdgeSync.Node.Loops;
using EdgeSync.Node.Repositories;
using EdgeSync.Node.Settings;
using EdgeSync.Node.Status;
using EdgeSync.Primitives;
using EdgeSync.Storage.Sqlite;
using Microsoft.Extensions.Logging;

namespace EdgeSync.Node.Daemon;

/// <summary>
/// Repositories that cannot be opened yet: the first clone waits for its source (a machine boots before its hub, or
/// before its modem), or the disk fails to read the file. Retried for ever, with backoff; only a definite rejection
/// ends the daemon.
/// </summary>
internal sealed class FirstCopies(
    Func<RepositorySettings, CancellationToken, Task> open, TimeProvider clock, ILogger log,
    Action<Exception> failed) : IAsyncDisposable
{
    private static readonly TimeSpan FirstPause = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan LongestPause = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan LongestPauseOfDisk = TimeSpan.FromSeconds(5);

    private readonly ConcurrentDictionary<string, Waiting> _waiting = new(StringComparer.Ordinal);
    private readonly TaskCompletionSource<EdgeSyncException> _refused = new(
        TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _done = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly RunningTasks _tasks = new(failed, log);

    /// <summary>Completes with a rejection that a retry will not change.</summary>
    public Task<EdgeSyncException> Refused => _refused.Task;

    /// <summary>Completes when no repository is pending, the first time.</summary>
    public Task Done => _done.Task;

    /// <summary>The state of each, for <c>/status</c>.</summary>
    public IEnumerable<RepositoryStatus> Status => _waiting.Values.Select(w => new RepositoryStatus
    {
        Name = RepositoryHost.NameOf(w.Settings.Path),
        Path = Path.GetFullPath(w.Settings.Path),
        ProjectCode = w.Settings.ProjectCode,
        State = w.StateWord,
    });

    public IEnumerable<NodeCheck> Checks => _waiting.Values.Select(w =>
        new NodeCheck(
            $"{w.StateWord}:{RepositoryHost.NameOf(w.Settings.Path)}", CheckState.Failed, w.Why.Message, w.Why.Hint));

    /// <summary>Why some are not served yet, for clients; null: all are.</summary>
    public string? Sentence => _waiting.IsEmpty ? null
        : _waiting.Values.Any(
            w => !w.IsOfDisk) ? "The first copy of the repository is still on its way; try again later."
        : "The disk fails to read the repository; try again later.";

    /// <summary>
    /// Whether it may open later: the source was unreachable, or the disk failed to read the file.
    /// </summary>
    public static bool MayCome(RepositorySettings settings, EdgeSyncException e) => File.Exists(settings.Path)
        ? IsOfDisk(e)
        : e.Kind == ErrorKind.Unavailable && settings.CloneFrom is not null;

    private static bool IsOfDisk(EdgeSyncException e) => e is SqliteException { IsIoError: true };

    public bool Has(RepositorySettings settings) =>
        _waiting.TryGetValue(settings.Path, out var waiting) && NodeRepositories.IsSame(waiting.Settings, settings);

    /// <summary>Keeps retrying.</summary>
    public void Add(RepositorySettings settings, EdgeSyncException why)
    {
        var waiting = new Waiting(settings, why);
        _waiting[settings.Path] = waiting;
        Tell(waiting);
        _tasks.Start(() => TryAsync(waiting));
    }

    /// <summary>Drops those that were removed from the settings.</summary>
    public void Keep(IReadOnlyList<RepositorySettings> wanted)
    {
        foreach (var waiting in _waiting.Values)
        {
            if (!wanted.Any(w => NodeRepositories.IsSame(w, waiting.Settings))) Forget(waiting);
        }
    }

    /// <summary>All pending ones have been added.</summary>
    public void CheckDone()
    {
        if (_waiting.IsEmpty) _done.TrySetResult();
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var waiting in _waiting.Values) Forget(waiting);
        await _tasks.DisposeAsync();
    }

    private async Task TryAsync(Waiting waiting)
    {
        await Task.Yield();
        for (var pause = FirstPause; ; pause *= 2)
        {
            var longest = waiting.IsOfDisk ? LongestPauseOfDisk : LongestPause;
            if (pause > longest) pause = longest;
            await Task.Delay(pause, clock, waiting.Stop.Token);
            try
            {
                await open(waiting.Settings, waiting.Stop.Token);
                Forget(waiting);
                CheckDone();
                return;
            }
            catch (EdgeSyncException e) when (MayCome(waiting.Settings, e))
            {
                var isNew = e.Message != waiting.Why.Message;
                waiting.Why = e;
                if (isNew) Tell(waiting);
            }
            catch (EdgeSyncException e)
            {
                _refused.TrySetResult(e);
                return;
            }
        }
    }

    private void Forget(Waiting waiting)
    {
        _waiting.TryRemove(new KeyValuePair<string, Waiting>(waiting.Settings.Path, waiting));
        waiting.Stop.Cancel();
    }

    private void Tell(Waiting waiting)
    {
        if (waiting.IsOfDisk) log.RepositoryUnreadable(waiting.Settings.Path, waiting.Why.Message, waiting.Why.Hint);
        else log.CopyPending(waiting.Settings.Path, waiting.Why.Message, waiting.Why.Hint);
    }

    private sealed class Waiting(RepositorySettings settings, EdgeSyncException why)
    {
        public RepositorySettings Settings => settings;

        /// <summary>The fault of the last attempt.</summary>
        public EdgeSyncException Why { get; set; } = why;

        public bool IsOfDisk => FirstCopies.IsOfDisk(Why);

        public string StateWord => IsOfDisk ? "unavailable" : "cloning";

        public CancellationTokenSource Stop { get; } = new();
    }
}
