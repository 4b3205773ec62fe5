using System.Text.Json;
using EdgeSync.Net.Http;
using EdgeSync.Node.Agents;
using EdgeSync.Node.Can;
using EdgeSync.Node.Can.Mirror;
using EdgeSync.Node.Control;
using EdgeSync.Node.Logging;
using EdgeSync.Node.Mesh;
using EdgeSync.Node.Metrics;
using EdgeSync.Node.Repositories;
using EdgeSync.Node.Settings;
using EdgeSync.Node.Status;
using EdgeSync.Node.Sync;
using EdgeSync.Node.Web;
using EdgeSync.Node.Web.Live;
using EdgeSync.Node.Web.Pages;
using EdgeSync.Primitives;
using EdgeSync.Storage;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.Logging;

namespace EdgeSync.Node.Daemon;

/// <summary>
/// A whole daemon: leaf, hub or bridge, which differ in their settings only. Starts its parts in the order in which
/// they need each other, and stops them in the opposite one.
/// </summary>
internal sealed class NodeDaemon : IAsyncDisposable
{
    private static readonly TimeSpan DrainMax = TimeSpan.FromSeconds(3);

    // Links are up by then, and the first sessions over.
    private static readonly TimeSpan TrimAfter = TimeSpan.FromSeconds(15);
    private static readonly TimeSpan TrimEvery = TimeSpan.FromMinutes(2);

    private readonly string _role;
    private readonly NodeLog _logs;
    private readonly TimeProvider _clock;
    private readonly NodeWeb _web;
    private readonly NodeNetwork _network;
    private readonly NodeRepositories _repositories;
    private readonly NodeReload _reload;
    private readonly SemaphoreSlim _changing = new(1);
    private readonly TaskCompletionSource<Exception> _failure = new(TaskCreationOptions.RunContinuationsAsynchronously);

    private readonly TaskCompletionSource _drained = new(TaskCreationOptions.RunContinuationsAsynchronously);

    private CancellationTokenSource? _careStop;
    private NodeTelemetry? _telemetry;
    private readonly JoinGate _joins;
    private IrohNode? _iroh;
    private CanService? _assets;
    private WebServer? _server;
    private ControlServer? _control;
    private string? _urlFile;
    private string? _ownerKey;
    private ITimer? _memory;

    private NodeDaemon(
        LoadedSettings loaded, Func<LoadedSettings> load, string role, bool isVerbose, NodeLog logs, TimeProvider clock)
    {
        (_role, _logs, _clock) = (role, logs, clock);
        var settings = loaded.Settings;
        Log = logs.CreateLogger();
        var logins = new LoginAccount(clock);
        _web = new NodeWeb(logins, Log);
        Context = new NodeContext(
            NodeName.Of(settings, role), settings.Nats.Role, CapabilitiesOf(settings), clock, Log,
            e => _failure.TrySetResult(e))
        {
            Logins = logins,
            UsesJetStream = settings.Nats.Durable
            && (settings.Nats.AllRemotes.Count > 0 || settings.Nats.Server is not null),
            JetStreamDomain = settings.Nats.JetstreamDomain,
        };
        _network = new NodeNetwork(Context, logs, () => _repositories!.All);
        _repositories = new NodeRepositories(Context, _network, _web, _changing, IsHub);
        _joins = new JoinGate(
            () => _repositories.Hosts, Context.NodeId, () => OnAccessChangedAsync(CancellationToken.None), Log);
        var parts = new NodeReloadParts(load, Context.NodeId, IsHub, isVerbose, logs, Log, clock);
        _reload = new NodeReload(loaded, parts, _changing, _repositories, _network, () => _iroh);
        Status = new NodeStatusSource(
            Context.NodeId, role, clock, _repositories, _network, _reload, () => _iroh, () => _assets,
            () => Addresses);
    }

    public ILogger Log { get; }

    /// <summary>The iroh endpoint; null without one.</summary>
    public IrohNode? Iroh => _iroh;

    public NodeContext Context { get; }

    public INodeStatusSource Status { get; }

    /// <summary>Completes with a bug of ours that must end the process.</summary>
    public Task<Exception> Failure => _failure.Task;

    /// <summary>Ends by itself only when a hub has no leaf left to serve.</summary>
    public Task Over { get; private set; } = Task.Delay(Timeout.Infinite);

    /// <summary>Completes when the broker has no clients left after <see cref="DrainAsync"/>.</summary>
    public Task Drained => _drained.Task;

    /// <summary>Completes when every repository is open.</summary>
    public Task Copied => _repositories.Copies.Done;

    /// <summary>Completes when a first clone was rejected for good.</summary>
    public Task<EdgeSyncException> Refused => _repositories.Copies.Refused;

    /// <summary>Logins created at this start.</summary>
    public IReadOnlyList<MadeUser> MadeUsers { get; private set; } = [];

    /// <summary>Its listening addresses, by kind.</summary>
    public IReadOnlyDictionary<string, string> Addresses { get; private set; } = new Dictionary<string, string>();

    public IReadOnlyList<string> RepositoryPaths => _repositories.Paths;

    public IReadOnlyList<string> ProjectCodes => _repositories.ProjectCodes;

    private bool IsHub => _role == "hub";

    /// <param name="load">Reads the settings, now and at each reload.</param>
    /// <param name="ownerKey"><see cref="NodeRunOptions.OwnerKey"/>.</param>
    /// <exception cref="EdgeSyncException">A part cannot be started; those that run are stopped again.</exception>
    public static async Task<NodeDaemon> StartAsync(
        Func<LoadedSettings> load, string role, TextWriter errors, bool isVerbose, TimeProvider clock,
        CancellationToken cancellationToken, string? ownerKey = null)
    {
        LoadedSettings LoadAll() => MessagesSetting.AddTo(load());
        var loaded = LoadAll();
        loaded.RequireSecrets();
        var logs = new NodeLog(
            errors, clock, LogSettings.Of(loaded.Settings.Log, isVerbose), NodeName.Of(loaded.Settings, role));
        var daemon = new NodeDaemon(loaded, LoadAll, role, isVerbose, logs, clock) { _ownerKey = ownerKey };
        try
        {
            await daemon.StartPartsAsync(cancellationToken);
            return daemon;
        }
        catch
        {
            await daemon.DisposeAsync();
            throw;
        }
    }

    /// <inheritdoc cref="NodeReload.RunAsync"/>
    public Task ReloadAsync(CancellationToken cancellationToken) => _reload.RunAsync(_telemetry!, cancellationToken);

    /// <inheritdoc cref="NodeReload.ChangeMembersAsync"/>
    public Task ChangeMembersAsync() => _reload.ChangeMembersAsync();

    /// <summary>Lame duck mode: the broker accepts no clients any more, and sends those it has elsewhere.</summary>
    public async Task DrainAsync(CancellationToken cancellationToken)
    {
        Log.NodeDraining(_network.Nats?.BrokerStatus?.Connections ?? 0);
        if (_network.Nats is { } nats) await nats.DrainAsync(cancellationToken);
        _drained.TrySetResult();
    }

    /// <summary>The file of a repository as the settings name it.</summary>
    /// <exception cref="EdgeSyncException">NotFound: the daemon does not keep it.</exception>
    public string FilePathOf(string repository) => _repositories.Find(repository).Host.FilePath;

    /// <summary>A repository was changed by another process.</summary>
    public void OnChanged(string repository) => _repositories.Find(repository).Nudge();

    /// <summary>The users or the trusted peers of a repository have changed.</summary>
    public async Task OnAccessChangedAsync(CancellationToken cancellationToken)
    {
        await ChangeMembersAsync();
        if (_iroh is not null) await _iroh.RefreshAsync(cancellationToken);
    }

    /// <summary>The repository of a request on the control socket.</summary>
    /// <exception cref="EdgeSyncException">The daemon does not serve it.</exception>
    public RepositoryHost HostOf(string? repository) =>
        repository is null && _repositories.All is [var only] ? only.Host : _repositories.Find(repository ?? "").Host;

    /// <summary>Syncs every repository, or the one that is named, with all its targets.</summary>
    public async Task<IReadOnlyList<SyncNowResult>> SyncNowAsync(
        string? repository, CancellationToken cancellationToken)
    {
        if (repository is null && _network.Bridge is { } bridge) await bridge.NudgeAsync();
        var nodes = repository is null ? _repositories.All : [_repositories.Find(repository)];
        var results = await Task.WhenAll(nodes.Select(async node =>
            (await node.SyncNowAsync(cancellationToken)).Select(r => r with { Repository = node.Host.FilePath })));
        return [.. results.SelectMany(r => r)];
    }

    public async ValueTask DisposeAsync()
    {
        if (_memory is not null) await _memory.DisposeAsync();
        await _repositories.Copies.DisposeAsync();
        if (_control is not null) await _control.DisposeAsync();
        await StopServerAsync();
        await StopAssetsAsync();
        if (_iroh is not null) await _iroh.DisposeAsync();

        if (_careStop is not null)
        {
            await _careStop.CancelAsync();
            await Over.ContinueWith(
                _ => { }, CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
            _careStop.Dispose();
        }

        // The last export has the numbers of the repositories, and the spans of the sessions that end with them.
        if (_telemetry is not null) await _telemetry.KeepStatusAsync();
        await _network.StopBridgeAsync();
        await _repositories.DisposeAsync();
        await _network.DisposeAsync();
        if (_telemetry is not null) await _telemetry.DisposeAsync();
        if (_urlFile is not null) File.Delete(_urlFile);
        _changing.Dispose();
    }

    private async Task StopServerAsync()
    {
        if (_server is null) return;

        using var drain = new CancellationTokenSource(DrainMax, _clock);
        await _server.StopAsync(drain.Token);
        await _server.DisposeAsync();
    }

    // Nothing asks for its state meanwhile.
    private async Task StopAssetsAsync()
    {
        var assets = _assets;
        _assets = null;
        if (assets is not null) await assets.DisposeAsync();
    }

    private async Task StartPartsAsync(CancellationToken cancellationToken)
    {
        var settings = _reload.Settings;
        _telemetry = NodeTelemetry.Start(
            NodeTelemetry.OptionsOf(settings.Telemetry, Context.NodeId), Status, _logs);
        await _network.StartAsync(settings, cancellationToken);
        if (SettingsCheck.UnauthenticatedBindWarning(settings.Nats) is { } door)
            Log.NodeExposed(door, SettingsCheck.UnauthenticatedBindHint);
        if (SettingsCheck.OpenWeb(settings.Http) is { } web) Log.NodeExposed(web, SettingsCheck.OpenWebHint);
        if (SettingsCheck.OpenAssets(settings.Assets) is { } open)
            Log.NodeExposed(open, SettingsCheck.OpenAssetsHint);
        _network.StartBridge(settings.Bridge);
        // Before the repositories: the first copy of one may come from a peer.
        if (settings.Iroh.Enabled)
            _iroh = IrohNode.Start(
                settings, Context, _web, _joins, settings.Assets.IsMirror
                    ? MirrorEndpoint.ProtocolsOf(settings.Assets.Mirror.Original.Count > 0) : null);
        await _repositories.OpenAllAsync(settings.Repositories, cancellationToken);
        if (IsHub && _repositories.All.Count > 0) await StartHubAsync(settings.Hub, cancellationToken);
        _control = ControlServer.Start(
            settings.Node.ControlSocket, new ControlHandler(this).AnswerAsync, Log, Context.Failed);
        _control.Link(RepositoryPaths);
        _repositories.Changed = OnRepositoriesChanged;
        if (_iroh is not null)
            await _iroh.OpenAsync(() => _repositories.All, () => _network.Nats?.Tunnels, cancellationToken);
        if (settings.Http.Address is not null || settings.Http.TlsListen is not null)
            _server = await WebServer.StartAsync(
                WebListeners.OptionsOf(settings.Http, _logs), _web, MapEndpoints, _clock, cancellationToken);
        // Last: a large store is looked through at its start.
        if (settings.Assets.IsOn)
            _assets = await CanService.StartAsync(
                AssetsSettings.Of(settings, Context.NodeId), _clock, _logs, Context.Failed, cancellationToken,
                settings.Assets.IsMirror, _iroh);

        Addresses = AddressesNow(settings.Http);
        _repositories.Copies.CheckDone();
        _urlFile = settings.Node.UrlFile;
        if (_urlFile is not null) WriteUrlFile(_urlFile);
        _memory = _clock.CreateTimer(_ => MemoryTrimmer.TrimWhileIdle(), null, TrimAfter, TrimEvery);
    }

    private async Task StartHubAsync(HubSection settings, CancellationToken cancellationToken)
    {
        MadeUsers = await HubSetup.ApplyAsync(_repositories.Hosts, settings, cancellationToken);
        _careStop = new CancellationTokenSource();
        Over = CareAsync(
            new HubMaintenance(
                () => _reload.Settings.Hub, () => _repositories.All, () => _network.Nats?.LeafCount ?? 0, Log, _clock),
            _careStop.Token);
    }

    // Cancelled when the daemon ends for another reason: Over does not complete then, but the end is awaited all the
    // same.
    private static async Task CareAsync(HubMaintenance care, CancellationToken cancellationToken)
    {
        if (!await care.RunAsync(cancellationToken)) cancellationToken.ThrowIfCancellationRequested();
    }

    private void OnRepositoriesChanged(IReadOnlyList<string> paths)
    {
        _control!.Link(paths);
        _iroh?.RefreshLater();
    }

    private void MapEndpoints(IEndpointRouteBuilder app)
    {
        var streams = new LiveStreams(_clock);
        var sessions = new WebSessions(SystemEntropy.Instance);
        var logins = new PageLogins(sessions, Context.Logins);
        var pages = new RepositoryPages(_web, () => _reload.Settings.Http, logins, streams) { OwnerKey = _ownerKey };
        (_web.Messages, _web.AccessChanged) = (MessagesNow, OnAccessChangedAsync);
        NodeEndpoints.Map(
            app,
            _web,
            new OperationsEndpoints(Status, _telemetry!.Metrics, () => _reload.Settings.Http),
            new JoinEndpoint(_joins, Context.Logins)
            {
                IsOpen = _reload.Settings.Http.TlsListen is not null
            },
            pages,
            new NodePage(Status, _logs.Recent, () => _reload.Settings.Http, streams),
            new NotifyEndpoints(MessagesNow, Context.Logins, sessions, () => _reload.Settings.Http, _clock),
            new NotifyPages(_web, pages, () => _reload.Settings.Http, logins, streams));
    }

    private ServedMessages? MessagesNow() =>
        _repositories.All.FirstOrDefault(r => r.Messages is not null) is { Messages: { } node } one
            ? new ServedMessages(one.Host, node) : null;

    private Dictionary<string, string> AddressesNow(HttpSection http)
    {
        var addresses = new Dictionary<string, string>();
        if (http.Address is not null) addresses["http"] = _server!.Addresses[0];
        if (http.TlsListen is not null) addresses["https"] = _server!.Addresses[^1];
        if (_assets is not null) addresses["assets"] = _assets.Url;
        foreach (var (what, address) in _network.Nats?.Addresses ?? []) addresses[what] = address;
        if (_iroh is not null) addresses["iroh"] = _iroh.Ticket;
        if (_control is not null) addresses["control"] = _control.Path;
        return addresses;
    }

    // Whole or not at all: a reader that waits for the file reads it the moment it is there.
    private void WriteUrlFile(string file)
    {
        var making = file + ".new";
        using (var stream = File.Create(making))
            JsonSerializer.Serialize(stream, Addresses, StatusContext.Default.IReadOnlyDictionaryStringString);
        File.Move(making, file, overwrite: true);
    }

    private static IReadOnlyList<string> CapabilitiesOf(NodeSettings settings) =>
        [
            .. settings.Http.Address is null ? Array.Empty<string>() : ["serve-http"],
            .. settings.Repositories.Any(r => r.ServeNats) ? ["serve-nats"] : Array.Empty<string>()];
}
