using EdgeSync.Agent;
using EdgeSync.Agent.Commits;
using EdgeSync.Fossil.Sync;
using EdgeSync.Fossil.Sync.Client;
using EdgeSync.Primitives;
using EdgeSync.Storage;
using EdgeSync.Storage.Queries;

namespace EdgeSync.Node.Sync;

/// <summary>How a command commits.</summary>
internal sealed record CommitSyncOptions
{
    /// <summary>Nothing is synced: the user said so, or the check-in is private.</summary>
    public bool IsOff { get; init; }

    /// <inheritdoc cref="CommitPlanOptions.MayFork"/>
    public bool MayFork { get; init; }

    /// <inheritdoc cref="CommitPlanOptions.OverrideLock"/>
    public bool OverrideLock { get; init; }

    /// <summary>40 hex digits that name this checkout for locks; null: new ones.</summary>
    public string? ClientId { get; init; }

    /// <summary>Called with a sentence about a sync that failed; the commit continues.</summary>
    public required Action<string> Warn { get; init; }

    public required TimeProvider Clock { get; init; }
}

/// <summary>
/// The syncs of a command around its check-in, with the peer that the repository remembers, as its setting
/// <c>autosync</c> says. The caller pulls, writes the check-in (which refuses a fork), and pushes:
/// <code>
/// var sync = CommitSync.Open(repository, options);
/// await sync.PullAsync(parent, cancellationToken);
/// repository.Commit(...);
/// await sync.PushAsync(cancellationToken);
/// </code>
/// Differs from Fossil: after a pull that failed it asks whether to continue, and without an answer it does not.
/// Commands here run unattended and offline, so they warn and continue.
/// </summary>
internal sealed class CommitSync
{
    /// <summary>The name of the command in the setting <c>autosync</c>.</summary>
    private const string Command = "commit";

    private static readonly TimeSpan PauseBetweenTries = TimeSpan.FromMilliseconds(500);

    private readonly Repository _repository;
    private readonly CommitSyncOptions _options;
    private readonly IReadOnlyList<Remote> _remotes;
    private readonly CommitPlan _plan;
    private readonly string _clientId;
    private bool _hasFailed;

    private CommitSync(
        Repository repository, CommitSyncOptions options, AutosyncMode mode, IReadOnlyList<Remote> remotes)
    {
        (_repository, _options, _remotes) = (repository, options, remotes);
        _clientId = options.ClientId ?? repository.Entropy.NextHex(20);
        _plan = new CommitPlan(new CommitPlanOptions
        {
            Mode = mode,
            HasPeer = remotes.Count > 0,
            MayFork = options.MayFork,
            OverrideLock = options.OverrideLock,
        });
    }

    /// <summary><c>done</c> or <c>failed</c>; null when nothing is synced.</summary>
    public string? Result => _plan.Step switch
    {
        CommitStep.Done when _remotes.Count > 0 => _hasFailed ? "failed" : "done",
        _ => null,
    };

    public static CommitSync Open(Repository repository, CommitSyncOptions options)
    {
        var setting = AutosyncSetting.Of(repository, Command);
        var isOff = options.IsOff || setting.Mode == AutosyncMode.Off;
        return new CommitSync(
            repository, options, setting.Mode, isOff ? [] : Remotes(repository, setting.IsAllPeers, options));
    }

    /// <summary>Receives what the peers have, and locks the parent there.</summary>
    /// <param name="parent">The check-in to build on; none when it is the first.</param>
    /// <exception cref="EdgeSyncException">Another user has locked the parent.</exception>
    public async Task PullAsync(ArtifactId parent, CancellationToken cancellationToken)
    {
        if (_plan.Step != CommitStep.Pull) return;

        var take = _plan.TakesLock && !parent.IsEmpty ? new CheckinLockRequest(parent) : null;
        string? holder = null;
        foreach (var remote in _remotes)
        {
            var report = await TryAsync(remote, CommitPlan.PullActions, take, cancellationToken);
            holder ??= report?.LockHolder;
        }

        _plan.OnPulled(holder);
        if (_plan.Refusal is { } refusal) throw refusal;
    }

    /// <summary>The check-in is written: sends it, which also releases the lock.</summary>
    public async Task PushAsync(CancellationToken cancellationToken)
    {
        _plan.OnCheckedIn();
        if (_plan.Step != CommitStep.Push) return;

        var actions = CommitPlan.PushActions;
        if (_repository.Settings.Boolean("uv-sync")) actions |= SyncActions.Unversioned;
        foreach (var remote in _remotes)
        {
            if (await TryAsync(remote, actions, take: null, cancellationToken) is not { PushRefused: true }) continue;

            Warn($"{remote.Url.Address} accepts nothing from {remote.Url.User ?? "nobody"}, so nothing was pushed");
        }

        _plan.OnPushed();
    }

    private static List<Remote> Remotes(Repository repository, bool areAll, CommitSyncOptions options)
    {
        const string Prefix = "sync-url:";
        var names = areAll
            ? repository.Settings.List(Prefix).Select(s => s.Name[Prefix.Length..]).Prepend("default")
            : ["default"];
        var remotes = new List<Remote>();
        foreach (var (url, password) in names.Select(name => SavedPeer.Read(repository, name)).DistinctBy(p => p.Url))
        {
            try
            {
                if (url is { Length: > 0 }) remotes.Add(Remote.Of(url, password));
            }
            catch (EdgeSyncException e)
            {
                options.Warn($"autosync failed: {e.Message}");
            }
        }

        return remotes;
    }

    // Null: it failed as often as the setting autosync-tries allows.
    private async Task<SyncReport?> TryAsync(
        Remote remote, SyncActions actions, CheckinLockRequest? take, CancellationToken cancellationToken)
    {
        var triesMax = _repository.Settings.Int64("autosync-tries", 1);
        for (var tries = 1; ; tries++)
        {
            var (report, fault) = await ExchangeAsync(remote, actions, take, cancellationToken);
            if (fault is null) return report;
            if (tries >= triesMax)
            {
                Warn($"autosync failed: {fault}");
                return null;
            }

            _options.Warn($"autosync failed, trying again: {fault}");
            await Task.Delay(PauseBetweenTries, _options.Clock, cancellationToken);
        }
    }

    private async Task<(SyncReport? Report, string? Fault)> ExchangeAsync(
        Remote remote, SyncActions actions, CheckinLockRequest? take, CancellationToken cancellationToken)
    {
        var client = new ClientOptions
        {
            Actions = actions,
            Login = remote.Login,
            PeerKey = remote.Url.Address.ToString(),
            Lock = take,
            ClientId = _clientId,
        };
        try
        {
            using var transport = PeerTransport.Open(
                remote.Url, _repository, new PeerTransportOptions { TriesOnce = true }, _options.Clock);
            var driver = new SyncDriver(new InlineExecutor(_repository), client, transport, _options.Clock);
            var report = (await driver.RunAsync(cancellationToken)).Report;
            return (report, report.Fault is { } fault ? $"{remote.Url.Address}: {fault.Text}" : null);
        }
        catch (EdgeSyncException e)
        {
            return (null, e.Message);
        }
    }

    private void Warn(string sentence)
    {
        _hasFailed = true;
        _options.Warn(sentence);
    }

    private sealed record Remote(PeerUrl Url, SyncLogin? Login)
    {
        /// <exception cref="EdgeSyncException">It is not the address of a peer, or a file that is gone.</exception>
        public static Remote Of(string text, string? savedPassword)
        {
            var url = PeerAddress.Parse(text);
            // The file, or the command at the other end of ssh, asks for no login.
            var isTrusted = url.IsSsh || url.FilePath is not null;
            var login = !isTrusted && url.User is { } user && (savedPassword ?? url.Password) is { } password
                ? new SyncLogin(user, password)
                : null;
            return new Remote(url, login);
        }
    }
}
