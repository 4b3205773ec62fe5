using System.Collections.Concurrent;
using System.Runtime.InteropServices;
using EdgeSync.Agent;
using EdgeSync.Fossil.Sync;
using EdgeSync.Net.Http;
using EdgeSync.Node.Brokers;
using EdgeSync.Node.Loops;
using EdgeSync.Node.Repositories;
using EdgeSync.Node.Settings;
using EdgeSync.Node.Status;
using EdgeSync.Node.Sync;
using EdgeSync.Node.Watch;
using EdgeSync.Primitives;
using EdgeSync.Storage;

namespace EdgeSync.Node.Agents;

/// <summary>
/// One repository of a daemon: does what its agent decides. Commits are noticed, peers are told and asked, sessions run
/// beside each other, and what the agent wants remembered is written.
/// </summary>
internal sealed class RepositoryNode : IAsyncDisposable
{
    /// <summary>A first request fits into one message of any server; later ones may travel in parts.</summary>
    private const int NatsRequestBytesFirst = 256 << 10;

    private static readonly TimeSpan FetchTimeMax = TimeSpan.FromMinutes(1);

    private readonly NodeSurroundings _node;
    private readonly RepositorySettings _settings;
    private readonly CancellationTokenSource _stop = new();
    private readonly RunningTasks _tasks;
    private readonly PendingWrites _writes;
    private readonly ChangeWatcher _watcher;
    private readonly FolderWatcher? _folder;
    private readonly string? _lockId;   // names us where check-ins are locked; null when we lock none
    private readonly CoreLoop<AgentCore> _loop;
    private readonly ConcurrentDictionary<string, TargetTally> _tallies = new();
    private readonly PullClaims _claims = new();
    private readonly List<SyncNowWait> _waits = [];   // only touched on the agent's loop
    private readonly Dictionary<string, XferHttpClient> _clients = [];
    private readonly CheckinCount _count = new();   // there is one question for news at a time
    private volatile NatsSide? _nats;
    private NatsProject? _project;
    private long _checkins;

    private RepositoryNode(RepositorySettings settings, RepositoryHost host, NodeSurroundings node, AgentMemory memory, string projectCode, string? login)
    {
        (_settings, Host, _node, ProjectCode) = (settings, host, node, projectCode);
        Login = login is null ? null : new SyncLogin(settings.User!, login);
        Subjects = new ProjectSubjects(settings.Prefix, projectCode);
        _tasks = new RunningTasks(node.Failed, node.Log);
        _writes = new PendingWrites(host.Writer, _tasks, node.Clock, _stop.Token);
        Targets = [.. settings.Peers.Select(PeerUrl.Parse)];
        foreach (var peer in Targets) _clients[TargetOf(peer).Id] = new XferHttpClient(new XferHttpClientOptions { UserAgent = $"EdgeSync/{BuildInfo.Version}", Proxy = host.Proxy, Pin = settings.PinnedKey }, node.Clock);

        var core = new AgentCore(OptionsOf(settings, node, Subjects), memory, Now, new Prng(SeedOf(node, projectCode)));
        _loop = new CoreLoop<AgentCore>(core, new CoreDrive<AgentCore>(c => c.Deadline, (c, now) => c.OnDeadline(now), Drain), node.Clock);
        _loop.Completion.ContinueWith(
            task => node.Failed(task.Exception!.GetBaseException()), CancellationToken.None, TaskContinuationOptions.OnlyOnFaulted, TaskScheduler.Default);
        host.Pushed = () => _loop.TellOrDrop((c, now) => c.OnChanged(now, ChangeOrigin.Pushed));
        _watcher = new ChangeWatcher(host.Writer, () => _loop.TellOrDrop((c, now) => c.OnChanged(now, ChangeOrigin.Local)), node.Clock);
        if (settings.Watch is { } watch)
        {
            _lockId = LockIdOf(node.NodeId, watch.Folder);
            var hooks = new FolderWatchHooks(FetchBeforeCommitAsync, () => _loop.TellOrDrop((c, now) => c.OnChanged(now, ChangeOrigin.Local)), node.Failed);
            _folder = new FolderWatcher(watch, host.Writer, settings.AllowFork, hooks, node.Log, node.Clock);
        }
    }

    public RepositoryHost Host { get; }

    /// <summary>Whether its watched folder gets into the repository; null without one.</summary>
    public NodeCheck? FolderCheck => _folder?.Check($"watch:{Host.Name}");

    public RepositorySettings Settings => _settings;

    public string ProjectCode { get; }

    public ProjectSubjects Subjects { get; }

    public SyncLogin? Login { get; }

    private IReadOnlyList<PeerUrl> Targets { get; }

    public static async Task<RepositoryNode> StartAsync(RepositorySettings settings, RepositoryHost host, NodeSurroundings node, CancellationToken cancellationToken)
    {
        var login = settings.User is null ? null : Secrets.Read(settings.Password, settings.PasswordFile)
            ?? throw new EdgeSyncException(ErrorKind.Usage, $"'{settings.User}' needs a password", "--password-file FILE, or password_file in edgesync.json");
        var (memory, code) = await host.Writer.RunAsync(r => (PeerTable.Read(r), r.ProjectCode), cancellationToken);
        var started = new RepositoryNode(settings, host, node, memory, code, login);
        foreach (var peer in started.Targets) await started._loop.TellAsync((core, now) => core.AddTarget(now, TargetOf(peer)));
        return started;
    }

    /// <summary>Somebody says that he committed.</summary>
    public void Nudge() => _watcher.Nudge();

    /// <summary>From now on peers are heard and answered over NATS.</summary>
    public async Task JoinAsync(NatsSide nats)
    {
        _project = NatsProject.Start(this, nats, _node);
        _nats = nats;
        if (!nats.IsConnected) return;

        await OnLinkAsync(isUp: true, null);
        foreach (var upstream in nats.UpstreamNames.ToList()) await OnLinkAsync(isUp: true, upstream);
    }

    /// <summary>The same over another connection; exchanges over the old one end, and are tried again.</summary>
    public async Task RejoinAsync(NatsSide nats)
    {
        if (_project is not null) await _project.DisposeAsync();
        await OnLinkAsync(isUp: false, null);
        await JoinAsync(nats);
    }

    public ValueTask OnLinkAsync(bool isUp, string? upstream) => _loop.TellAsync((core, now) =>
    {
        if (isUp) core.OnLinkUp(now, upstream);
        else if (upstream is not null) core.OnUpstreamLost(now, upstream);
        else core.OnLinkDown(now);
    });

    public void OnPresence(ReadOnlySpan<byte> payload)
    {
        if (Presence.TryParse(payload, out var presence)) _loop.TellOrDrop((core, now) => core.OnPresence(now, presence));
    }

    public async ValueTask OnAnnouncementAsync(ReadOnlyMemory<byte> payload, CancellationToken cancellationToken)
    {
        if (!Announcement.TryParse(payload.Span, out var announcement) || announcement.PeerId == _node.NodeId) return;

        var isHeld = await IsHeldAsync(announcement, cancellationToken);
        _loop.TellOrDrop((core, now) => core.OnAnnouncement(now, announcement, isHeld));
    }

    /// <summary>Syncs with everybody it concerns; answers when all of them are done.</summary>
    public async Task<IReadOnlyList<SyncNowResult>> SyncNowAsync(CancellationToken cancellationToken)
    {
        var wait = new SyncNowWait();
        await _loop.AskAsync(
            (core, now) =>
            {
                _waits.Add(wait);
                core.SyncNow(now);
                return true;
            },
            cancellationToken);

        // Behind the effects of that call: with nobody to turn to, nothing was begun.
        await _loop.AskAsync((core, now) => { EndWaits(core, now); return true; }, cancellationToken);
        return await wait.Done.WaitAsync(cancellationToken);
    }

    public async Task<RepositoryStatus> StatusAsync(CancellationToken cancellationToken)
    {
        var agent = await _loop.AskAsync((core, now) => core.StatusAt(now), cancellationToken);
        return RepositoryStatusOf.Add(await Host.Health.StatusAsync(cancellationToken), agent, _tallies, _checkins, _node.Clock) with { Watch = _folder?.Status };
    }

    public async ValueTask DisposeAsync()
    {
        if (_project is not null) await _project.DisposeAsync();
        await _watcher.DisposeAsync();
        await _loop.TellAsync((core, now) => core.Stop(now));
        await _loop.DisposeAsync();
        await _stop.CancelAsync();
        await _tasks.DisposeAsync();
        await _writes.FlushAsync();
        foreach (var client in _clients.Values) client.Dispose();
        await Host.DisposeAsync();
        _stop.Dispose();
    }

    private static AgentOptions OptionsOf(RepositorySettings settings, NodeSurroundings node, ProjectSubjects subjects) => new()
    {
        NodeId = node.NodeId,
        Instance = node.Instance,
        Subjects = subjects,
        Role = node.Role,
        PollInterval = settings.Poll,
        PollIntervalMax = settings.Poll > TimeSpan.FromMinutes(1) ? settings.Poll : TimeSpan.FromMinutes(1),
        Push = settings.Push,
        Pull = settings.Pull,
        Unversioned = settings.Uv,
        Tables = settings.Tables,
        Private = settings.Private,
        Autosync = settings.Autosync,
        ServesNats = settings.ServeNats,
        UseDurableAnnouncements = node.UsesJetStream,
        Version = BuildInfo.Version,
        Platform = RuntimeInformation.RuntimeIdentifier,
        Capabilities = [.. node.Capabilities, .. settings.Push ? ["push"] : Array.Empty<string>(), .. settings.Pull ? ["pull"] : Array.Empty<string>()],
    };

    /// <summary>The same over restarts, so that a lock that a crash left is still ours. Spec: xfer.c, 40 hex digits.</summary>
    private static string LockIdOf(string nodeId, string folder)
    {
        var hasher = new ArtifactHasher(HashKind.Sha1);
        hasher.Append(System.Text.Encoding.UTF8.GetBytes($"{nodeId} {Path.GetFullPath(folder)}"));
        return hasher.Finish().ToString();
    }

    private static ulong SeedOf(NodeSurroundings node, string projectCode)
    {
        Span<byte> seed = stackalloc byte[8];
        SystemEntropy.Instance.Fill(seed);
        return BitConverter.ToUInt64(seed) ^ (ulong)HashCode.Combine(node.NodeId, projectCode);
    }

    private static SyncTarget TargetOf(PeerUrl peer) => SyncTarget.Http(peer.ToString());

    // --- effects -----------------------------------------------------------------------------------------------------

    private void Drain(AgentCore core)
    {
        while (core.TryTake(out var effect)) Perform(effect);
    }

    private void Perform(AgentEffect effect)
    {
        switch (effect)
        {
            case AgentEffect.StartSync start:
                _tasks.Start(() => SyncAsync(start));
                break;
            case AgentEffect.Publish publish when _nats is { IsConnected: true } nats:
                nats.Publish(publish.Subject, publish.Payload);
                break;
            case AgentEffect.ListNews list:
                _tasks.Start(() => ListNewsAsync(list.After));
                break;
            case AgentEffect.PersistWatermark mark:
                _writes.Add("watermark", r => r.Settings.Set(AgentMemory.PublishedRidKey, mark.PublishedRid.ToString()));
                break;
            case AgentEffect.PersistSequence mark:
                _writes.Add("sequence", r => r.Settings.Set(AgentMemory.DurableSequenceKey, mark.Sequence.ToString(System.Globalization.CultureInfo.InvariantCulture)));
                break;
            case AgentEffect.PersistPeer persist:
                _writes.Add("peer " + persist.Peer.PeerId, r => PeerTable.Write(r, persist.Peer));
                break;
            case AgentEffect.ForgetPeer forget:
                _writes.Add("peer " + forget.PeerId, r => PeerTable.Remove(r, forget.PeerId));
                break;
            case AgentEffect.ReadMissed wanted:
                _tasks.Start(() => ReadMissedAsync(wanted));
                break;
            case AgentEffect.CheckAnnouncement check:
                _tasks.Start(() => CheckAsync(check.Announcement));
                break;
            case AgentEffect.Log line:
                _node.Log.Write(LevelOf(line.Level), line.Text, ("repository", Host.Name), ("target", line.Target));
                break;
        }
    }

    private async Task SyncAsync(AgentEffect.StartSync start)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(_stop.Token);
        limit.CancelAfter(start.Timeout);
        SyncOutcome outcome;
        var tally = _tallies.GetOrAdd(start.Target.Id, _ => new TargetTally());
        try
        {
            using var transport = OpenTransport(start.Target);
            var claim = _claims.Open(Now);
            transport.Progressed = () =>
            {
                claim.OnHeard(Now);
                limit.CancelAfter(start.Timeout);
            };
            var options = new ClientOptions { Claim = claim, Actions = start.Actions, Login = LoginFor(start.Target), PeerKey = start.Target.MemoryKey, ClientId = _lockId, Wanted = start.Wanted };
            if (start.Target.Kind != TargetKind.Http) options = options with { RequestBytesFirst = NatsRequestBytesFirst };
            var result = await new SyncDriver(Host.Writer, options, transport, _node.Clock).RunAsync(limit.Token);
            outcome = SyncDriver.OutcomeOf(result);
            tally.Add(result, outcome);
        }
        catch (OperationCanceledException) when (!_stop.IsCancellationRequested)
        {
            outcome = new SyncOutcome(SyncOutcomeKind.TimedOut, $"nothing is heard for {start.Timeout.TotalSeconds:F0} s");
            tally.Add(outcome);
        }
        catch (Exception e) when (e is EdgeSyncException or OperationCanceledException or IOException or TimeoutException)
        {
            outcome = SyncDriver.OutcomeOf(e);
            tally.Add(outcome);
        }

        await _loop.TellAsync((core, now) =>
        {
            core.OnSyncFinished(now, start.SyncId, outcome);
            foreach (var wait in _waits) wait.Add(start.Target.Id, outcome);
            EndWaits(core, now);
        });
    }

    // An exchange that is due or runs may still be what somebody waits for.
    private void EndWaits(AgentCore core, Instant now)
    {
        if (_waits.Count == 0 || core.StatusAt(now).Targets.Any(t => t.IsRunning || t.NextTry <= now)) return;

        foreach (var wait in _waits) wait.End();
        _waits.Clear();
    }

    /// <summary>
    /// Before a check-in of the watched folder: what others did is fetched, and its parent locked for us at the Fossil server
    /// that this repository syncs with. The exchange that brings the check-in gives the lock back.
    /// </summary>
    private async Task FetchBeforeCommitAsync(ArtifactId parent, CancellationToken cancellationToken)
    {
        // What was edited is compared with the newest tip file by file, so a fork is not for the plan to refuse.
        var plan = new CommitPlan(new CommitPlanOptions
        {
            Mode = _settings.Autosync,
            HasPeer = Targets.Count > 0 && _settings.Pull,
            AllowFork = true,
            OverrideLock = _settings.OverrideLock,
        });
        if (plan.Step != CommitStep.Pull) return;

        var target = TargetOf(Targets[0]);
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(FetchTimeMax);
        try
        {
            using var transport = OpenTransport(target);
            var options = new ClientOptions
            {
                Actions = CommitPlan.PullActions,
                Login = LoginFor(target),
                PeerKey = target.MemoryKey,
                ClientId = _lockId,
                Lock = plan.TakesLock && !parent.IsEmpty ? new CheckinLockRequest(parent) : null,
            };
            var result = await new SyncDriver(Host.Writer, options, transport, _node.Clock).RunAsync(limit.Token);
            plan.OnPulled(result.Report.Fault?.Text, result.Report.LockHolder);
        }
        catch (Exception e) when (e is EdgeSyncException || (e is OperationCanceledException && !cancellationToken.IsCancellationRequested))
        {
            plan.OnPulled(e.Message, null);
        }

        if (plan.Refusal is { } refusal) throw refusal;
    }

    private ITransport OpenTransport(SyncTarget target)
    {
        if (target.Kind == TargetKind.Http)
        {
            var peer = Targets.First(p => TargetOf(p).Id == target.Id);
            return new HttpTransport(_clients[target.Id], peer);
        }

        return _nats is { IsConnected: true } nats
            ? nats.OpenTransport(target, Subjects)
            : throw new EdgeSyncException(ErrorKind.Unavailable, "NATS is not connected");
    }

    private SyncLogin? LoginFor(SyncTarget target)
    {
        if (target.Kind == TargetKind.Http && Targets.First(p => TargetOf(p).Id == target.Id) is { User: { } user, Password: { } password }) return new SyncLogin(user, password);

        return Login;
    }

    private async Task ListNewsAsync(RecordId after)
    {
        var news = await ReadNewsAsync(after);
        var found = news.Arrivals;
        await _loop.TellAsync((core, now) =>
        {
            _checkins = found.Checkins;
            core.OnNews(now, new RepositoryNews
            {
                Artifacts = [.. found.Items.Select(a => new NewArtifact(a.Rid, a.Id, a.IsCheckin))],
                Files = found.Files,
                MaxRid = found.MaxRid,
                FirstPhantom = found.FirstPhantom,
                UnversionedCatalog = news.Unversioned,
                TableCatalog = news.Tables,
                CheckIns = _checkins,
                Head = found.Head,
            });
        });
    }

    // The core waits for it: a repository that cannot be read just now is asked again.
    private async Task<(Arrivals Arrivals, string? Unversioned, string? Tables)> ReadNewsAsync(RecordId after)
    {
        while (true)
        {
            try
            {
                return await Host.Readers.RunAsync(
                    r => (
                        Arrivals.Read(r, after, RepositoryNews.ArtifactsMax, Announcement.FilesMax, _count),
                        _settings.Uv ? r.Unversioned.CatalogHash : null,
                        _settings.Tables ? new SyncedTableStore(r).CatalogHash : null), _stop.Token);
            }
            catch (EdgeSyncException e)
            {
                _node.Log.Write(LogLevel.Error, e.Message, ("repository", Host.Name), ("try", e.Hint));
                await Task.Delay(TimeSpan.FromSeconds(1), _node.Clock, _stop.Token);
            }
        }
    }

    private async Task ReadMissedAsync(AgentEffect.ReadMissed wanted)
    {
        var tail = _nats is { IsConnected: true } nats
            ? await nats.ReadTailAsync(Subjects, _node.JetStreamDomain, wanted.After, wanted.CountMax, _stop.Token)
            : null;
        var told = tail is null ? null : new StreamTail(tail.LastSequence, tail.Messages);
        await _loop.TellAsync((core, now) => core.OnMissedRead(now, wanted.ReadId, told));
    }

    private async Task CheckAsync(Announcement announcement)
    {
        var isHeld = await IsHeldAsync(announcement, _stop.Token);
        await _loop.TellAsync((core, now) => core.OnAnnouncement(now, announcement, isHeld));
    }

    private async Task<bool> IsHeldAsync(Announcement announcement, CancellationToken cancellationToken) =>
        announcement.TryGetArtifact(out var id) && await Host.Readers.RunAsync(r => Arrivals.Holds(r, id), cancellationToken);

    internal static LogLevel LevelOf(AgentLogLevel level) => level switch
    {
        AgentLogLevel.Debug => LogLevel.Debug,
        AgentLogLevel.Info => LogLevel.Info,
        AgentLogLevel.Warning => LogLevel.Warning,
        _ => LogLevel.Error,
    };

    private Instant Now => Instant.FromDateTime(_node.Clock.GetUtcNow());
}
