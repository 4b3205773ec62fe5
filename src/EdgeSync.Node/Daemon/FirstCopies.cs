using System.Collections.Concurrent;
using EdgeSync.Node.Logging;
using EdgeSync.Node.Loops;
using EdgeSync.Node.Repositories;
using EdgeSync.Node.Settings;
using EdgeSync.Node.Status;
using EdgeSync.Primitives;

namespace EdgeSync.Node.Daemon;

/// <summary>
/// Repositories whose first copy is not there yet, because who has it cannot be reached: a machine boots before its hub, or
/// before its modem. Tried again for ever, with a growing pause; only a definite refusal ends the daemon.
/// </summary>
internal sealed class FirstCopies(Func<RepositorySettings, CancellationToken, Task> open, TimeProvider clock, ServeLog log, Action<Exception> failed) : IAsyncDisposable
{
    private static readonly TimeSpan FirstPause = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan LongestPause = TimeSpan.FromMinutes(1);

    private readonly ConcurrentDictionary<string, Waiting> _waiting = new(StringComparer.Ordinal);
    private readonly TaskCompletionSource<EdgeSyncException> _refused = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _done = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly RunningTasks _tasks = new(failed, log);

    /// <summary>Ends with an answer that trying again will not change.</summary>
    public Task<EdgeSyncException> Refused => _refused.Task;

    /// <summary>Ends once nothing is waited for, the first time.</summary>
    public Task Done => _done.Task;

    /// <summary>The state of each, for <c>/status</c>.</summary>
    public IEnumerable<RepositoryStatus> Status => _waiting.Values.Select(w => new RepositoryStatus
    {
        Name = RepositoryHost.NameOf(w.Settings.Path),
        Path = Path.GetFullPath(w.Settings.Path),
        ProjectCode = w.Settings.ProjectCode,
        State = "cloning",
    });

    public IEnumerable<NodeCheck> Checks => _waiting.Values.Select(w =>
        new NodeCheck($"cloning:{RepositoryHost.NameOf(w.Settings.Path)}", CheckState.Failed, w.Why.Message, w.Why.Hint));

    public IEnumerable<string> Names => _waiting.Values.Select(w => RepositoryHost.NameOf(w.Settings.Path));

    /// <summary>Whether the copy may still come: nothing is there, and nobody has refused.</summary>
    public static bool MayCome(RepositorySettings settings, EdgeSyncException e) =>
        e.Kind == ErrorKind.Unavailable && settings.CloneFrom is not null && !File.Exists(settings.Path);

    public bool Has(RepositorySettings settings) => _waiting.TryGetValue(settings.Path, out var waiting) && NodeDaemon.IsSame(waiting.Settings, settings);

    /// <summary>Goes on trying.</summary>
    public void Add(RepositorySettings settings, EdgeSyncException why)
    {
        var waiting = new Waiting(settings, why);
        _waiting[settings.Path] = waiting;
        Tell(waiting);
        _tasks.Start(() => TryAsync(waiting));
    }

    /// <summary>Gives up those that are not wanted any more.</summary>
    public void Keep(IReadOnlyList<RepositorySettings> wanted)
    {
        foreach (var waiting in _waiting.Values)
        {
            if (!wanted.Any(w => NodeDaemon.IsSame(w, waiting.Settings))) Forget(waiting);
        }
    }

    /// <summary>All that are to wait have been added.</summary>
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
        for (var pause = FirstPause; ; pause = pause * 2 < LongestPause ? pause * 2 : LongestPause)
        {
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

    private void Tell(Waiting waiting) => log.Write(
        LogLevel.Warning, "waiting for the first copy", ("repository", waiting.Settings.Path), ("because", waiting.Why.Message), ("try", waiting.Why.Hint));

    private sealed class Waiting(RepositorySettings settings, EdgeSyncException why)
    {
        public RepositorySettings Settings => settings;

        /// <summary>What the last try came to.</summary>
        public EdgeSyncException Why { get; set; } = why;

        public CancellationTokenSource Stop { get; } = new();
    }
}
