using System.Diagnostics;
using System.Runtime.CompilerServices;
using EdgeSync.Node.Metrics;
using EdgeSync.Node.Settings;
using EdgeSync.Node.Status;
using EdgeSync.Primitives;
using EdgeSync.Storage;
using EdgeSync.Storage.Checkout;
using Microsoft.Extensions.Logging;

namespace EdgeSync.Node.Watch;

/// <summary>
/// Commits a folder after a quiet time: <see cref="FolderSignals"/> says when to scan, <see cref="FolderCommit"/> what
/// to commit.
/// </summary>
internal sealed class FolderWatcher : IAsyncDisposable
{
    // A disk in standby takes seconds; a network folder whose server is unreachable takes for ever.
    private static readonly TimeSpan LookMax = TimeSpan.FromMinutes(1);

    private readonly RepositoryQueue _repository;
    private readonly FolderCommit _commit;
    private readonly FolderWatchHooks _hooks;
    private readonly ILogger _log;
    private readonly TimeProvider _clock;
    private readonly string _folder;
    private readonly CancellationTokenSource _stop = new();
    private readonly FolderSignals _signals;
    private readonly Task _loop;
    private volatile FolderWatchStatus _status;
    private volatile FolderRules? _rules;   // of the last scan; null before the first: then every event matters
    private volatile StrongBox<DateTimeOffset>? _lookingSince;
    private HashSet<string> _warned = [];

    public FolderWatcher(
        WatchSettings settings, RepositoryQueue repository, bool allowsFork, FolderWatchHooks hooks, ILogger log,
        TimeProvider clock)
    {
        _folder = Path.GetFullPath(settings.Folder);
        (_repository, _hooks, _clock) = (repository, hooks, clock);
        _log = log;
        _commit = new FolderCommit(settings, _folder, allowsFork);
        _status = new FolderWatchStatus(_folder, "watching");
        _signals = new FolderSignals(
            _folder, settings.Quiet, clock, name => _rules?.MayMatter(name) != false,
            reason => log.FolderNotWatched(_folder, reason));
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

    /// <summary>Whether the folder is committed.</summary>
    public NodeCheck Check(string name) =>
        _lookingSince is { } since && _clock.GetUtcNow() - since.Value > LookMax
            ? new NodeCheck(
                name, CheckState.Failed, $"{_folder} is being read since {since.Value:yyyy-MM-dd'T'HH:mm:ss'Z'}")
            : _status switch
            {
                { State: "failed", LastError: { } error, IsPartial: false } =>
                    new NodeCheck(name, CheckState.Failed, error),
                { LastError: { } error } => new NodeCheck(name, CheckState.Warning, error),
                { Warning: { } warning } => new NodeCheck(name, CheckState.Warning, warning),
                _ => new NodeCheck(name, CheckState.Ok),
            };

    public async ValueTask DisposeAsync()
    {
        _signals.Dispose();
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

    private async Task LoopAsync()
    {
        while (true)
        {
            await _signals.WaitAsync(
                () =>
                {
                    if (_status.State == "watching") _status = _status with { State = "settling" };
                },
                _stop.Token);
            await LookAsync();
        }
    }

    private async Task LookAsync()
    {
        _lookingSince = new StrongBox<DateTimeOffset>(_clock.GetUtcNow());
        _status = _status with { State = "committing" };
        using var span = Instruments.Leaf.StartActivity("checkout.commit");
        try
        {
            var outcome = await CommitAsync();
            _signals.OnDone();
            if (outcome.Hash is { } hash) OnCommitted(hash, outcome.Comment);
            var trouble = outcome.Conflicts.Count == 0
                ? null
                : $"changed both here and elsewhere, so not committed: {Some(outcome.Conflicts)}";
            if (trouble is not null) _log.FolderConflict(_folder, Some(outcome.Conflicts));
            Warn(outcome.Warnings);
            _status = _status with
            {
                State = trouble is null ? "watching" : "failed",
                LastError = trouble,
                IsPartial = trouble is not null,
                Warning = outcome.Warnings.Count == 0 ? null : Some(outcome.Warnings),
            };
        }
        catch (Exception e) when (e is EdgeSyncException or IOException or UnauthorizedAccessException)
        {
            _signals.OnFailed();
            Instruments.CheckoutErrors.Add(1);
            span?.SetStatus(ActivityStatusCode.Error, e.Message);
            _log.FolderCommitFailed(_folder, e.Message, (e as EdgeSyncException)?.Hint);
            _status = _status with { State = "failed", LastError = e.Message, IsPartial = false };
        }
        finally
        {
            _lookingSince = null;
        }
    }

    private async Task<FolderOutcome> CommitAsync()
    {
        var hasAsked = false;
        while (true)
        {
            var basis = await _repository.RunAsync(_commit.ReadBasis, _stop.Token);
            using var spool = new ContentSpool(_repository.Path);

            // On a thread of its own, which is abandoned when the folder blocks and the daemon is to stop.
            var look = await Task.Factory.StartNew(
                () => _commit.Look(basis, spool), _stop.Token, TaskCreationOptions.LongRunning, TaskScheduler.Default)
                .WaitAsync(_stop.Token);
            _rules = look.Rules;
            if (look.HasEdits && !hasAsked)
            {
                await _hooks.Before(basis.ParentId, _stop.Token);
                hasAsked = true;
            }

            if (await _repository.RunAsync(r => _commit.Apply(r, look), _stop.Token) is { } outcome) return outcome;
        }
    }

    // Each warning once, until it is resolved.
    private void Warn(IReadOnlyList<string> warnings)
    {
        var news = warnings.Where(w => !_warned.Contains(w)).ToList();
        _warned = [.. warnings];
        if (news.Count > 0) _log.FolderFilesSkipped(_folder, Some(news));
    }

    private static string Some(IReadOnlyList<string> names) =>
        string.Join(", ", names.Take(5)) + (names.Count > 5 ? $" and {names.Count - 5} more" : "");

    private void OnCommitted(string hash, string? comment)
    {
        Instruments.CheckoutCommits.Add(1);
        _log.FolderCommitted(_folder, hash[..10], comment);
        _status = _status with { Commits = _status.Commits + 1, LastCommitAt = _clock.GetUtcNow() };
        _hooks.Committed();
    }
}

/// <summary>Callbacks of a folder's owner around its check-ins.</summary>
/// <param name="Before">Called with the check-in that is about to get a child (empty: none); may reject by an
/// exception.</param>
/// <param name="Committed">Called once a check-in is on disk.</param>
/// <param name="Failed">Called with a bug of ours.</param>
internal sealed record FolderWatchHooks(
    Func<ArtifactId, CancellationToken, Task> Before, Action Committed, Action<Exception> Failed);
