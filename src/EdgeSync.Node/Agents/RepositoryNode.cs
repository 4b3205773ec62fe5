using System.Runtime.InteropServices;
using EdgeSync.Agent;
using EdgeSync.Agent.Announcements;
using EdgeSync.Agent.Commits;
using EdgeSync.Agent.Messages;
using EdgeSync.Agent.Schedule;
using EdgeSync.Fossil.Sync;
using EdgeSync.Fossil.Sync.Client;
using EdgeSync.Fossil.Sync.Server;
using EdgeSync.Iroh.Endpoints;
using EdgeSync.Net.Http;
using EdgeSync.Node.Brokers;
using EdgeSync.Node.Notify;
using EdgeSync.Node.Repositories;
using EdgeSync.Node.Settings;
using EdgeSync.Node.Status;
using EdgeSync.Node.Sync;
using EdgeSync.Node.Watch;
using EdgeSync.Primitives;

namespace EdgeSync.Node.Agents;

/// <summary>
/// One repository of a daemon: its host and its agent, with the watchers that detect commits and the HTTP clients of
/// its peers.
/// </summary>
internal sealed class RepositoryNode : IAsyncDisposable
{
    private static readonly TimeSpan FetchTimeMax = TimeSpan.FromMinutes(1);

    private readonly NodeContext _node;
    private readonly RepositorySettings _settings;
    private readonly AgentHost _agent;
    private readonly ChangeWatcher _watcher;
    private readonly FolderWatcher? _folder;
    private readonly NotifyNode? _messages;
    private readonly Dictionary<string, XferHttpClient> _clients = [];

    // Of the targets, those that are not in the settings.
    private IReadOnlyList<PeerUrl> _endpoints = [];

    // Replaced as a whole when peers come and go, so that sessions need no lock.
    private volatile IReadOnlyList<PeerUrl> _targets;

    private RepositoryNode(
        RepositorySettings settings, RepositoryHost host, NodeContext node, AgentMemory memory, string projectCode,
        string? login)
    {
        (_settings, Host, _node, ProjectCode) = (settings, host, node, projectCode);
        Login = login is null ? null : new SyncLogin(settings.User!, login);
        // The path may not exist yet: the medium may not be mounted.
        _targets = [
            .. settings.Peers.Select(peer => PeerSetting.TryParse(peer, out var url) ? url : PeerAddress.Parse(peer))];
        foreach (var peer in Targets.Where(p => p.FilePath is null && !p.IsSsh && p.Endpoint is null))
            _clients[TargetOf(peer).Id] = new XferHttpClient(
                new XferHttpClientOptions
                {
                    UserAgent = $"EdgeSync/{BuildInfo.Version}",
                    Proxy = host.Proxy,
                    Pin = settings.PinnedKey
                }, node.Clock);

        var ports = new AgentPorts
        {
            Repository = new AgentRepository(host.Name, host.Writer, host.Readers, settings.Uv, settings.Tables),
            Answer = AnswerAsync,
            OpenHttp = OpenTransport,
            LoginFor = LoginFor,
            LockId = settings.Watch is { } folder ? LockIdOf(node.NodeId, folder.Folder) : null,
        };
        _agent = new AgentHost(
            OptionsOf(settings, node, new ProjectSubjects(settings.Prefix, projectCode)), memory, ports, node);
        host.Pushed = () => _agent.OnChanged(ChangeOrigin.Pushed);
        _watcher = new ChangeWatcher(host.Writer, () => _agent.OnChanged(ChangeOrigin.Local), node.Clock);
        if (settings.MessagesOf is not null)
            _messages = new NotifyNode(host.Writer, node.Clock, node.Log, node.Failed);
        if (settings.Watch is { } watch)
        {
            var hooks = new FolderWatchHooks(
                FetchBeforeCommitAsync, () => _agent.OnChanged(ChangeOrigin.Local), node.Failed);
            _folder = new FolderWatcher(watch, host.Writer, settings.AllowFork, hooks, node.Log, node.Clock);
        }
    }

    public RepositoryHost Host { get; }

    /// <summary>The check of its watched folder; null without one.</summary>
    public NodeCheck? FolderCheck => _folder?.Check($"watch:{Host.Name}");

    public RepositorySettings Settings => _settings;

    /// <summary>The messages that it holds; null: none.</summary>
    public NotifyNode? Messages => _messages;

    public string ProjectCode { get; }

    public SyncLogin? Login { get; }

    private IReadOnlyList<PeerUrl> Targets => _targets;

    public static async Task<RepositoryNode> StartAsync(
        RepositorySettings settings, RepositoryHost host, NodeContext node, CancellationToken cancellationToken)
    {
        var login = settings.User is null ? null : Secrets.Read(settings.Password, settings.PasswordFile)
            ?? throw new EdgeSyncException(
                ErrorKind.Usage, $"'{settings.User}' needs a password",
                "--password-file FILE, or password_file in edgesync.json");
        var (memory, code) = await host.Writer.RunAsync(r => (PeerTable.Read(r), r.ProjectCode), cancellationToken);
        var started = new RepositoryNode(settings, host, node, memory, code, login);
        foreach (var peer in started.Targets) await started._agent.AddTargetAsync(TargetOf(peer));
        return started;
    }

    /// <summary>
    /// Syncs with these iroh endpoints from now on, besides the peers of the settings, and no longer with others.
    /// </summary>
    public async Task SetEndpointsAsync(IReadOnlyList<EndpointId> endpoints)
    {
        var wanted = endpoints.Select(id => PeerUrl.ParseAny($"iroh:{id}")).ToList();
        var kept = _targets.Where(t => !_endpoints.Contains(t)).ToList();
        var gone = _endpoints.Except(wanted).ToList();
        var fresh = wanted.Except(_endpoints).ToList();
        _endpoints = wanted;
        _targets = [.. kept, .. wanted];
        foreach (var peer in gone) await _agent.RemoveTargetAsync(TargetOf(peer).Id);
        foreach (var peer in fresh) await _agent.AddTargetAsync(TargetOf(peer));
    }

    /// <summary>An iroh endpoint has connected, so that it can be reached now.</summary>
    public void OnEndpointReachable(EndpointId id)
    {
        foreach (var peer in _targets.Where(t => t.Endpoint == id.ToString()))
            _agent.OnTargetReachable(TargetOf(peer).Id);
    }

    /// <summary>A program reports a commit.</summary>
    public void Nudge() => _watcher.Nudge();

    /// <inheritdoc cref="AgentHost.JoinAsync"/>
    public Task JoinAsync(NatsHost nats)
    {
        _messages?.Join(nats.Access);
        return _agent.JoinAsync(nats.Access);
    }

    /// <inheritdoc cref="AgentHost.RejoinAsync"/>
    public Task RejoinAsync(NatsHost nats)
    {
        _messages?.Join(nats.Access);
        return _agent.RejoinAsync(nats.Access);
    }

    /// <inheritdoc cref="AgentHost.OnLinkAsync"/>
    public ValueTask OnLinkAsync(bool isUp, string? upstream)
    {
        if (isUp) _messages?.Nudge();
        return _agent.OnLinkAsync(isUp, upstream);
    }

    /// <inheritdoc cref="AgentHost.SyncNowAsync"/>
    public Task<IReadOnlyList<SyncNowResult>> SyncNowAsync(CancellationToken cancellationToken) =>
        _agent.SyncNowAsync(cancellationToken);

    public async Task<RepositoryStatus> StatusAsync(CancellationToken cancellationToken)
    {
        var agent = await _agent.StatusAsync(cancellationToken);
        return RepositoryStatusOf.Add(
            await Host.Health.StatusAsync(cancellationToken), agent, _agent.Syncs.Tallies, _agent.CheckIns,
            _node.Clock) with
        {
            Watch = _folder?.Status
        };
    }

    public async ValueTask DisposeAsync()
    {
        if (_messages is not null) await _messages.DisposeAsync();
        if (_folder is not null) await _folder.DisposeAsync();
        await _watcher.DisposeAsync();
        await _agent.DisposeAsync();
        foreach (var client in _clients.Values) client.Dispose();
        await Host.DisposeAsync();
    }

    private static AgentOptions OptionsOf(RepositorySettings settings, NodeContext node, ProjectSubjects subjects) =>
        new()
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
            Capabilities = [
            .. node.Capabilities, .. settings.Push ? ["push"] : Array.Empty<string>(),
            .. settings.Pull ? ["pull"] : Array.Empty<string>()],
        };

    /// <summary>
    /// The same over restarts, so that a lock left by a crash is still ours. Spec: xfer.c, 40 hex digits.
    /// </summary>
    private static string LockIdOf(string nodeId, string folder)
    {
        var hasher = new ArtifactHasher(HashKind.Sha1);
        hasher.Append(System.Text.Encoding.UTF8.GetBytes($"{nodeId} {Path.GetFullPath(folder)}"));
        return hasher.Finish().ToString();
    }

    private static SyncTarget TargetOf(PeerUrl peer) => SyncTarget.Http(peer.ToString());

    private ITransport OpenTransport(SyncTarget target)
    {
        var peer = PeerOf(target);
        if (peer.Endpoint is { } endpoint) return OpenIroh(peer, endpoint);
        if (peer.FilePath is { } file) return FileTransport.Open(file, Host.FilePath, _node.Clock);

        return peer.IsSsh ? SshTransport.Open(peer, Host.SshCommand) : new HttpTransport(_clients[target.Id], peer);
    }

    private IrohTransport OpenIroh(PeerUrl peer, string endpoint) => _node.Iroh is { } iroh
        ? new IrohTransport(iroh.Connections, IrohPeer.Parse(endpoint), peer.EndpointPath)
        : throw new EdgeSyncException(ErrorKind.Usage, $"{peer} needs an iroh endpoint", "edgesync leaf --iroh");

    private PeerUrl PeerOf(SyncTarget target) => Targets.FirstOrDefault(p => TargetOf(p).Id == target.Id)
        ?? throw new EdgeSyncException(ErrorKind.Unavailable, $"{target.Address} is not a peer any more");

    // A NATS frame holds the message only, so a login card is inside it.
    private Task<ServerOutcome> AnswerAsync(
        ReadOnlyMemory<byte> request, string address, string? origin, PooledBytes reply, long replyBytesMax,
        CancellationToken cancellationToken) =>
        Host.AnswerAsync(
            request,
            new Requester(address, _node.Logins.GateOf(origin, Host.FilePath))
            {
                Capabilities = origin is null ? null : _node.Iroh?.CapabilitiesAt(origin, Host.FilePath),
            },
            reply, replyBytesMax, cancellationToken);

    private SyncLogin? LoginFor(SyncTarget target) =>
        target.Kind == TargetKind.Http && PeerOf(target) is var peer
            ? peer is { User: { } user, Password: { } password } ? new SyncLogin(user, password)
                : peer.Endpoint is null ? Login : null   // a login belongs to the servers of the settings
            : Login;

    /// <summary>
    /// Before a check-in of the watched folder: pulls, and locks its parent at the Fossil server that this repository
    /// syncs with. The session that pushes the check-in releases the lock.
    /// </summary>
    private async Task FetchBeforeCommitAsync(ArtifactId parent, CancellationToken cancellationToken)
    {
        var plan = new CommitPlan(new CommitPlanOptions
        {
            Mode = _settings.Autosync,
            HasPeer = Targets.Count > 0 && _settings.Pull,
            OverrideLock = _settings.OverrideLock,
        });
        if (plan.Step != CommitStep.Pull) return;

        var target = TargetOf(Targets[0]);
        try
        {
            var take = plan.TakesLock && !parent.IsEmpty ? new CheckinLockRequest(parent) : null;
            var report = await _agent.Syncs.PullAsync(
                target, CommitPlan.PullActions, take, FetchTimeMax, cancellationToken);
            plan.OnPulled(report.LockHolder);
        }
        catch (Exception e) when (
            e is EdgeSyncException || (e is OperationCanceledException && !cancellationToken.IsCancellationRequested))
        {
            plan.OnPulled(null);
        }

        if (plan.Refusal is { } refusal) throw refusal;
    }
}
