using System.Globalization;
using EdgeSync.Agent;
using EdgeSync.Agent.Commits;
using EdgeSync.Fossil.Sync;
using EdgeSync.Fossil.Sync.Client;
using EdgeSync.Primitives;
using EdgeSync.Storage;
using EdgeSync.Storage.Queries;

namespace EdgeSync.Node.Sync;

/// <summary>How a command commits, or updates.</summary>
internal sealed record CommitSyncOptions
{
    /// <summary>The name of the command in the setting <c>autosync</c>.</summary>
    public string Command { get; init; } = "commit";

    /// <summary>Settings of a checkout and of the user; by default the repository's alone.</summary>
    public Func<string, string?>? Setting { get; init; }

    /// <summary>Nothing is synced: an option forbids it, or the check-in is private.</summary>
    public bool IsOff { get; init; }

    /// <inheritdoc cref="CommitPlanOptions.MayFork"/>
    public bool MayFork { get; init; }

    /// <inheritdoc cref="CommitPlanOptions.OverrideLock"/>
    public bool OverrideLock { get; init; }

    /// <summary>40 hex digits that name this checkout for locks; null: new ones.</summary>
    public string? ClientId { get; init; }

    /// <summary>Confirms to continue after a failed pull; by default the command continues.</summary>
    public Func<bool> MayContinue { get; init; } = () => true;

    /// <summary>Called with a sentence about a sync that failed.</summary>
    public required Action<string> Warn { get; init; }

    /// <summary>Called before each exchange: what is to be told about it; null: nothing.</summary>
    public Func<SyncActions, PeerUrl, ISyncWatch?>? Watch { get; init; }

    public required TimeProvider Clock { get; init; }
}

/// <summary>Receives how one exchange with a peer goes.</summary>
internal interface ISyncWatch
{
    void OnStep(SyncProgress step);

    /// <summary>It is complete.</summary>
    void End(ITransport transport, PeerUrl peer);
}

/// <summary>
/// The syncs of a command around its check-in, with the peer that the repository stores, by its setting
/// <c>autosync</c>. The caller pulls, writes the check-in (which refuses a fork), and pushes:
/// <code>
/// var sync = CommitSync.Open(repository, options);
/// await sync.PullAsync(parent, cancellationToken);
/// repository.Commit(...);
/// await sync.PushAsync(cancellationToken);
/// </code>
/// An update only pulls. Differs from Fossil: after a failed pull stock prompts whether to continue, and without a
/// reply it does not. Commands here run unattended and offline, so they warn and continue unless
/// <see cref="CommitSyncOptions.MayContinue"/> returns false.
/// </summary>
internal sealed class CommitSync
{
    private static readonly TimeSpan PauseBetweenTries = TimeSpan.FromMilliseconds(500);

    private readonly Repository _repository;
    private readonly CommitSyncOptions _options;
    private readonly IReadOnlyList<Remote> _remotes;
    private readonly CommitPlan _plan;
    private readonly string _clientId;
    private readonly Func<string, string?> _setting;
    private bool _hasFailed;

    private CommitSync(
        Repository repository, CommitSyncOptions options, Func<string, string?> setting, AutosyncMode mode,
        IReadOnlyList<Remote> remotes)
    {
        (_repository, _options, _setting, _remotes) = (repository, options, setting, remotes);
        _clientId = options.ClientId ?? repository.Entropy.NextHex(20);
        _plan = new CommitPlan(new CommitPlanOptions
        {
            Mode = mode,
            HasPeer = remotes.Count > 0,
            MayFork = options.MayFork,
            OverrideLock = options.OverrideLock,
        });
    }

    /// <summary>There is a peer, and the settings include a pull.</summary>
    public bool IsOn => _plan.Step == CommitStep.Pull;

    /// <summary><c>done</c> or <c>failed</c>; null when nothing is synced.</summary>
    public string? Result => _remotes.Count == 0 || IsOn ? null : _hasFailed ? "failed" : "done";

    public static CommitSync Open(Repository repository, CommitSyncOptions options)
    {
        var setting = options.Setting ?? (name => repository.Settings[name]);
        var autosync = AutosyncSetting.Of(setting, options.Command);
        var isOff = options.IsOff || autosync.Mode == AutosyncMode.Off;
        return new CommitSync(
            repository, options, setting, autosync.Mode,
            isOff ? [] : Remotes(repository, autosync.IsAllPeers, options));
    }

    /// <summary>Receives what the peers have, and locks the parent there.</summary>
    /// <param name="parent">The check-in to build on; none when it is the first.</param>
    /// <exception cref="EdgeSyncException">
    /// Another user has locked the parent, or the pull failed and the command is not to continue.
    /// </exception>
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

        if (_hasFailed && !_options.MayContinue())
            throw new EdgeSyncException(
                ErrorKind.Unavailable, $"{_options.Command} abandoned due to sync failure", "--nosync leaves it out");

        _plan.OnPulled(holder);
        if (_plan.Refusal is { } refusal) throw refusal;
    }

    /// <summary>
    /// Pulls once more and renews the lock, after the user has written a comment: meanwhile others may have committed.
    /// </summary>
    public async Task PullAgainAsync(ArtifactId parent, CancellationToken cancellationToken)
    {
        if (_plan.Renew()) await PullAsync(parent, cancellationToken);
    }

    /// <summary>The check-in is written: sends it, which also releases the lock.</summary>
    public async Task PushAsync(CancellationToken cancellationToken)
    {
        _plan.OnCheckedIn();
        if (_plan.Step != CommitStep.Push) return;

        var actions = CommitPlan.PushActions;
        if (Storage.Settings.IsOn(_setting("uv-sync"))) actions |= SyncActions.Unversioned;
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
        var triesMax = int.TryParse(_setting("autosync-tries"), CultureInfo.InvariantCulture, out var count)
            ? count : 1;
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
            var watch = _options.Watch?.Invoke(actions, remote.Url);
            var driver = new SyncDriver(new InlineExecutor(_repository), client, transport, _options.Clock)
            {
                Observer = watch is null ? null : watch.OnStep,
            };
            var report = (await driver.RunAsync(cancellationToken)).Report;
            watch?.End(transport, remote.Url);
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
            // The file, or the command at the other end of ssh, requires no login.
            var isTrusted = url.IsSsh || url.FilePath is not null;
            var login = !isTrusted && url.User is { } user && (savedPassword ?? url.Password) is { } password
                ? new SyncLogin(user, password)
                : null;
            return new Remote(url, login);
        }
    }
}
