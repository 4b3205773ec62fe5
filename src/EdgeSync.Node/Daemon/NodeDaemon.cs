using System.Net;
using System.Text.Json;
using EdgeSync.Net.Http;
using EdgeSync.Node.Agents;
using EdgeSync.Node.Brokers;
using EdgeSync.Node.Control;
using EdgeSync.Node.Logging;
using EdgeSync.Node.Metrics;
using EdgeSync.Node.Reload;
using EdgeSync.Node.Repositories;
using EdgeSync.Node.Settings;
using EdgeSync.Node.Status;
using EdgeSync.Node.Sync;
using EdgeSync.Node.Web;
using EdgeSync.Primitives;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.Logging;

namespace EdgeSync.Node.Daemon;

/// <summary>
/// A whole daemon: leaf, hub or bridge, which differ in their settings only. Starts its parts in the order of their
/// dependencies, serves its control socket, and applies new settings while it runs.
/// </summary>
internal sealed class NodeDaemon : INodeStatusSource, IAsyncDisposable
{
    private static readonly TimeSpan DrainMax = TimeSpan.FromSeconds(3);

    private readonly SettingsLoader _loader;
    private readonly string _role;
    private readonly bool _isVerbose;
    private readonly NodeLog _logs;
    private readonly TimeProvider _clock;
    private readonly DateTimeOffset _startedAt;
    private readonly NodeWeb _web;
    private readonly FirstCopies _copies;
    private readonly SemaphoreSlim _changing = new(1);
    private readonly TaskCompletionSource<Exception> _failure = new(TaskCreationOptions.RunContinuationsAsynchronously);

    // Replaced as a whole when settings change, so that readers need no lock.
    private volatile IReadOnlyList<RepositoryNode> _repositories = [];
    private LoadedSettings _loaded;
    private ConfigurationStatus _configuration;
    private NatsHost? _nats;
    private BridgeNode? _bridge;
    private CancellationTokenSource? _careStop;
    private NodeTelemetry? _telemetry;
    private WebServer? _server;
    private ControlServer? _control;
    private string? _urlFile;

    private NodeDaemon(
        LoadedSettings loaded, SettingsLoader loader, string role, bool isVerbose, NodeLog logs, TimeProvider clock)
    {
        (_loaded, _loader, _role, _isVerbose, _clock) = (loaded, loader, role, isVerbose, clock);
        _startedAt = clock.GetUtcNow();
        _configuration = new ConfigurationStatus(loaded.File, _startedAt);
        var settings = loaded.Settings;
        var name = NodeName.Of(settings, role);
        _logs = logs;
        Log = logs.CreateLogger();
        _copies = new FirstCopies(OpenLaterAsync, clock, Log, e => _failure.TrySetResult(e));
        var logins = new LoginAccount(clock);
        _web = new NodeWeb(logins, Log);
        Context = new NodeContext(
            name, settings.Nats.Role, CapabilitiesOf(settings), clock, Log, e => _failure.TrySetResult(e))
        {
            Logins = logins,
            UsesJetStream = settings.Nats.Durable
            && (settings.Nats.AllRemotes.Count > 0 || settings.Nats.Server is not null),
            JetStreamDomain = settings.Nats.JetstreamDomain,
        };
    }

    public ILogger Log { get; }

    public NodeContext Context { get; }

    /// <summary>Completes with a bug of ours that must end the process.</summary>
    public Task<Exception> Failure => _failure.Task;

    /// <summary>Completes only when a hub has no leaf left to serve.</summary>
    public Task Over { get; private set; } = Task.Delay(Timeout.Infinite);

    /// <summary>Completes when every repository is open.</summary>
    public Task Copied => _copies.Done;

    /// <summary>Completes when a first clone was rejected for good.</summary>
    public Task<EdgeSyncException> Refused => _copies.Refused;

    /// <summary>Logins created at this start.</summary>
    public IReadOnlyList<MadeUser> MadeUsers { get; private set; } = [];

    /// <summary>Its listening addresses, by kind.</summary>
    public IReadOnlyDictionary<string, string> Addresses { get; private set; } = new Dictionary<string, string>();

    public IReadOnlyList<string> RepositoryPaths => [.. _repositories.Select(r => r.Host.FilePath)];

    public IReadOnlyList<string> ProjectCodes => [.. _repositories.Select(r => r.ProjectCode)];

    /// <exception cref="EdgeSyncException">A part cannot be started; the started ones are stopped again.</exception>
    public static async Task<NodeDaemon> StartAsync(
        SettingsLoader loader, string role, TextWriter errors, bool isVerbose, TimeProvider clock,
        CancellationToken cancellationToken)
    {
        var loaded = loader.Load();
        loaded.RequireSecrets();
        var logs = new NodeLog(
            errors, clock, LogSettings.Of(loaded.Settings.Log, isVerbose), NodeName.Of(loaded.Settings, role));
        var daemon = new NodeDaemon(loaded, loader, role, isVerbose, logs, clock);
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

    public async ValueTask<NodeStatus> SnapshotAsync(CancellationToken cancellationToken)
    {
        var repositories = _repositories;
        var statuses = await Task.WhenAll(repositories.Select(r => r.StatusAsync(cancellationToken)));
        var link = _nats?.LinkStatus;
        var checks = await RepositoryHealth.CheckAsync([.. repositories.Select(r => r.Host)], cancellationToken);
        return new NodeStatus
        {
            Node = Context.NodeId,
            Role = _role,
            StartedAt = _startedAt,
            Now = _clock.GetUtcNow(),
            Checks =
            [
                .. checks, .. _copies.Checks, .. NodeChecks.OfNats(link, statuses),
                .. NodeChecks.OfFolders(repositories), .. NodeChecks.OfNames(statuses),
            ],
            Repositories = [.. statuses, .. _copies.Status],
            Nats = link,
            Broker = _nats?.BrokerStatus,
            Bridge = _bridge is null ? [] : await _bridge.StatusAsync(cancellationToken),
            Addresses = Addresses,
            Configuration = _configuration,
        };
    }

    /// <summary>
    /// Applies the present settings; if they are invalid, or cannot be applied, the old ones stay.
    /// </summary>
    public async Task ReloadAsync(CancellationToken cancellationToken)
    {
        await _changing.WaitAsync(cancellationToken);
        try
        {
            var loaded = _loader.Load();
            loaded.RequireSecrets();
            var change = new NewSettings(_loaded, loaded);
            await ApplyAsync(loaded, change, cancellationToken);
            (_loaded, _configuration) = (loaded, new ConfigurationStatus(loaded.File, _clock.GetUtcNow()));
            Log.NodeReloaded(
                loaded.File, _repositories.Count, change.Any ? string.Join(' ', change.Changed) : "nothing");
        }
        catch (EdgeSyncException e)
        {
            _configuration = _configuration with { RefusedBecause = e.Message };
            Log.NodeReloadRefused(e.Message, e.Hint);
            throw;
        }
        finally
        {
            _changing.Release();
        }
    }

    /// <summary>A repository was changed by another process.</summary>
    public void OnChanged(string repository) => Find(repository).Nudge();

    /// <summary>Every repository, or the named one, syncs with all its targets.</summary>
    public async Task<IReadOnlyList<SyncNowResult>> SyncNowAsync(
        string? repository, CancellationToken cancellationToken)
    {
        if (repository is null && _bridge is not null) await _bridge.NudgeAsync();
        var nodes = repository is null ? _repositories : [Find(repository)];
        var results = await Task.WhenAll(nodes.Select(async node =>
            (await node.SyncNowAsync(cancellationToken)).Select(r => r with { Repository = node.Host.FilePath })));
        return [.. results.SelectMany(r => r)];
    }

    public async ValueTask DisposeAsync()
    {
        await _copies.DisposeAsync();
        if (_control is not null) await _control.DisposeAsync();
        await StopServerAsync();

        if (_careStop is not null)
        {
            await _careStop.CancelAsync();
            await Over.ContinueWith(
                _ => { }, CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
            _careStop.Dispose();
        }

        // The last export has the numbers of the repositories, and the spans of the sessions that end with them.
        if (_telemetry is not null) await _telemetry.KeepStatusAsync();
        if (_bridge is not null) await _bridge.DisposeAsync();
        foreach (var node in _repositories) await node.DisposeAsync();
        if (_nats is not null) await _nats.DisposeAsync();
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

    private async Task StartPartsAsync(CancellationToken cancellationToken)
    {
        var settings = _loaded.Settings;
        _telemetry = NodeTelemetry.Start(
            NodeTelemetry.OptionsOf(settings.Telemetry, Context.NodeId), this, _logs);
        if (settings.Nats.IsUseful)
        {
            var members = settings.Nats.Members ? BrokerMembers.Read(settings.Repositories, _clock) : [];
            _nats = await NatsHost.StartAsync(
                BrokerMembers.AddTo(settings.Nats, members), Context.NodeId, StateFolder, Context.Logins.Throttle,
                _logs, _clock, Context.Failed, cancellationToken);
            _nats.LinkChanged = OnLinkAsync;
        }

        if (SettingsCheck.UnauthenticatedBindWarning(settings.Nats) is { } door)
            Log.NodeExposed(door, SettingsCheck.UnauthenticatedBindHint);
        if (SettingsCheck.OpenWeb(settings.Http) is { } web) Log.NodeExposed(web, SettingsCheck.OpenWebHint);
        if (settings.Bridge.Projects.Count > 0 && _nats is not null)
            _bridge = BridgeNode.Start(settings.Bridge, _nats.Access, Context);
        if (IsHub)
        {
            foreach (var repository in settings.Repositories) HubSetup.CreateMissing(repository, _clock);
        }

        foreach (var repository in settings.Repositories)
        {
            if (await OpenOrWaitAsync(repository, cancellationToken) is { } node)
                _repositories = [.. _repositories, node];
        }

        _web.Serve(_repositories.Select(r => r.Host));

        if (IsHub && _repositories.Count > 0)
        {
            MadeUsers = await HubSetup.ApplyAsync(
                [.. _repositories.Select(r => r.Host)], settings.Hub, cancellationToken);
            _careStop = new CancellationTokenSource();
            Over = CareAsync(
                new HubMaintenance(
                    () => _loaded.Settings.Hub, () => _repositories, () => _nats?.LeafCount
                    ?? 0, Log, _clock), _careStop.Token);
        }

        _control = ControlServer.Start(
            settings.Node.ControlSocket, new ControlHandler(this).AnswerAsync, Log, Context.Failed);
        _control.Link(RepositoryPaths);
        if (settings.Http.Address is not null || settings.Http.TlsListen is not null)
            _server = await WebServer.StartAsync(
                OptionsOf(settings.Http, _logs), _web, MapEndpoints, _clock, cancellationToken);

        Addresses = AddressesNow();
        _copies.CheckDone();
        _urlFile = settings.Node.UrlFile;
        if (_urlFile is not null) WriteUrlFile(_urlFile);
    }

    private void MapEndpoints(IEndpointRouteBuilder app) => NodeEndpoints.Map(
        app,
        _web,
        new OperationsEndpoints(this, _telemetry!.Metrics, () => _loaded.Settings.Http),
        new JoinEndpoint(
            () => [.. _repositories.Select(r => r.Host)], Context.NodeId, LetMembersInAsync, Context.Logins,
            Log)
        { IsOpen = _loaded.Settings.Http.TlsListen is not null });

    private async Task<RepositoryNode> OpenAsync(RepositorySettings settings, CancellationToken cancellationToken)
    {
        var host = await RepositoryOpener.OpenAsync(settings, Context, _nats, cancellationToken);
        try
        {
            var node = await RepositoryNode.StartAsync(settings, host, Context, cancellationToken);
            if (_nats is not null) await node.JoinAsync(_nats);
            return node;
        }
        catch
        {
            await host.DisposeAsync();
            throw;
        }
    }

    // Null: its first copy is pending.
    private async Task<RepositoryNode?> OpenOrWaitAsync(
        RepositorySettings settings, CancellationToken cancellationToken)
    {
        try
        {
            return await OpenAsync(settings, cancellationToken);
        }
        catch (EdgeSyncException e) when (FirstCopies.MayCome(settings, e))
        {
            _web.Waiting = () => _copies.Sentence;
            _copies.Add(settings, e);
            return null;
        }
    }

    private async Task OpenLaterAsync(RepositorySettings settings, CancellationToken cancellationToken)
    {
        var node = await OpenAsync(settings, cancellationToken);
        await _changing.WaitAsync(cancellationToken);
        try
        {
            _repositories = [.. _repositories, node];
            _web.Serve(_repositories.Select(r => r.Host));
            _control?.Link(RepositoryPaths);
        }
        finally
        {
            _changing.Release();
        }
    }

    private async ValueTask OnLinkAsync(bool isUp, string? upstream)
    {
        foreach (var node in _repositories) await node.OnLinkAsync(isUp, upstream);
        if (isUp) _bridge?.OnLinkUp();
    }

    private bool IsHub => _role == "hub";

    // Cancelled when the daemon ends for another reason: Over does not complete then, but the end is awaited all the
    // same.
    private static async Task CareAsync(HubMaintenance care, CancellationToken cancellationToken)
    {
        if (!await care.RunAsync(cancellationToken)) cancellationToken.ThrowIfCancellationRequested();
    }

    private string StateFolder => _loaded.Settings.Node.DataDir ?? Path.Combine(NodePaths.StateFolder, Context.NodeId);

    // New parts are opened before old ones are closed, so that a failure changes nothing.
    private async Task ApplyAsync(LoadedSettings loaded, NewSettings change, CancellationToken cancellationToken)
    {
        var settings = loaded.Settings;
        var export = NodeTelemetry.OptionsOf(settings.Telemetry, Context.NodeId);
        if (IsHub) HubSetup.RequireSecrets(settings.Hub);
        var kept = new List<RepositoryNode>();
        var fresh = new List<RepositoryNode>();
        try
        {
            foreach (var wanted in settings.Repositories)
            {
                if (_repositories.FirstOrDefault(r => IsSame(r.Settings, wanted)) is { } same)
                {
                    kept.Add(same);
                    continue;
                }

                if (_copies.Has(wanted)) continue;
                if (IsHub) HubSetup.CreateMissing(wanted, _clock);
                if (await OpenOrWaitAsync(wanted, cancellationToken) is { } node) fresh.Add(node);
            }

            if (change.CanChangeNats) await ChangeNatsAsync(settings, [.. kept, .. fresh], cancellationToken);
        }
        catch
        {
            foreach (var node in fresh) await node.DisposeAsync();
            throw;
        }

        var gone = _repositories.Except(kept).ToList();
        _repositories = [.. kept, .. fresh];
        _web.Serve(_repositories.Select(r => r.Host));
        _control!.Link(RepositoryPaths);
        _copies.Keep(settings.Repositories);
        foreach (var node in gone) await node.DisposeAsync();
        if (IsHub && (fresh.Count > 0 || change.Has("hub.")))
            await HubSetup.ApplyAgainAsync(
                [.. _repositories.Select(r => r.Host)], settings.Hub, Log, cancellationToken);
        _logs.Change(LogSettings.Of(settings.Log, _isVerbose));
        if (change.Has("telemetry.")) await _telemetry!.ChangeAsync(export);
        if (change.Waiting.ToList() is { Count: > 0 } waiting)
            Log.NodeRestartNeeded(string.Join(' ', waiting));
    }

    /// <summary>Hubs, logins and users of the broker; a plain client reconnects to its new server.</summary>
    private async Task ChangeNatsAsync(
        NodeSettings settings, IReadOnlyList<RepositoryNode> repositories, CancellationToken cancellationToken)
    {
        var wanted = BrokerMembers.AddTo(
            settings.Nats, settings.Nats.Members ? await MembersAsync(repositories, cancellationToken) : []);
        if (_nats is not { } old || await old.TryChangeAsync(wanted)) return;

        var fresh = await NatsHost.StartAsync(
            wanted, Context.NodeId, StateFolder, Context.Logins.Throttle, _logs, _clock, Context.Failed,
            cancellationToken);
        (old.LinkChanged, fresh.LinkChanged) = (null, OnLinkAsync);
        _nats = fresh;
        foreach (var node in repositories) await node.RejoinAsync(fresh);
        if (_bridge is not null)
        {
            await _bridge.DisposeAsync();
            _bridge = BridgeNode.Start(settings.Bridge, fresh.Access, Context);
        }

        await old.DisposeAsync();
    }

    // While it runs: a machine that joined may use the broker, one whose user was removed may not.
    internal async Task LetMembersInAsync()
    {
        await _changing.WaitAsync();
        try
        {
            var settings = _loaded.Settings.Nats;
            if (settings.Members && _nats is not null)
                await _nats.TryChangeAsync(
                    BrokerMembers.AddTo(settings, await MembersAsync(_repositories, CancellationToken.None)));
        }
        finally
        {
            _changing.Release();
        }
    }

    private static async Task<IReadOnlyList<NatsUser>> MembersAsync(
        IReadOnlyList<RepositoryNode> repositories, CancellationToken cancellationToken)
    {
        var members = new List<NatsUser>();
        foreach (var repository in repositories)
            members.AddRange(await repository.Host.Readers.RunAsync(BrokerMembers.Of, cancellationToken));
        return members;
    }

    private RepositoryNode Find(string repository)
    {
        var path = NodePaths.RealPathOf(repository);
        return _repositories.FirstOrDefault(r => NodePaths.RealPathOf(r.Host.FilePath) == path)
            ?? throw new EdgeSyncException(
                ErrorKind.NotFound, $"this daemon has no repository {repository}")
            { Candidates = RepositoryPaths };
    }

    private Dictionary<string, string> AddressesNow()
    {
        var addresses = new Dictionary<string, string>();
        var http = _loaded.Settings.Http;
        if (http.Address is not null) addresses["http"] = _server!.Addresses[0];
        if (http.TlsListen is not null) addresses["https"] = _server!.Addresses[^1];
        foreach (var (what, address) in _nats?.Addresses ?? []) addresses[what] = address;
        if (_control is not null) addresses["control"] = _control.Path;
        return addresses;
    }

    // Completely or not at all: a waiting reader reads the file as soon as it exists.
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

    internal static bool IsSame(RepositorySettings a, RepositorySettings b) =>
        SettingsJson.Write(a) == SettingsJson.Write(b);

    // Two addresses: the plain one is for this machine, the one with TLS for others. With one, a certificate makes it
    // TLS.
    private static WebServerOptions OptionsOf(HttpSection http, ILoggerFactory loggers)
    {
        IPEndPoint[] first = http.Address is { } listen ? [ListenAddress.Parse(listen)] : [];
        IPEndPoint[] second = http.TlsListen is { } secure ? [ListenAddress.Parse(secure)] : [];
        var isFirstPlain = http.TlsCert is null || second.Length > 0;
        return new WebServerOptions
        {
            Loggers = loggers,
            Listen = isFirstPlain ? first : [],
            TlsListen = isFirstPlain ? second : first,
            TlsCertificateFile = http.TlsCert,
            TlsKeyFile = http.TlsKey,
            RequestBytesMax = (long)http.MaxRequestMb << 20,
            ConcurrentExchangesMax = http.MaxExchanges,
            Memory = MemoryLimit.Messages,
            Proxies = http.ParseProxies(),
        };
    }
}
