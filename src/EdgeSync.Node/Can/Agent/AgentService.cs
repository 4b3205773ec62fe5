using System.Globalization;
using System.Net;
using EdgeSync.Can.Service;
using EdgeSync.Net.Http;
using EdgeSync.Node.Can.Mirror;
using EdgeSync.Node.Logging;
using EdgeSync.Node.Loops;
using EdgeSync.Node.Metrics;
using EdgeSync.Primitives;
using EdgeSync.Storage;
using EdgeSync.Storage.Assets;
using EdgeSync.Storage.Assets.Mirror;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;

namespace EdgeSync.Node.Can.Agent;

/// <summary>
/// The agent of a service: mirrors its assets, which it reaches over HTTP alone.
/// <code>
/// service ── HTTP ── ServiceLink, ServiceContents ── ServiceCatalog ── MirrorHost ── iroh ── other stores
/// </code>
/// </summary>
internal sealed class AgentService : IAsyncDisposable
{
    private static readonly string[] Reading = ["GET", "HEAD"];
    private static readonly TimeSpan StopMax = TimeSpan.FromSeconds(5);

    private readonly CancellationTokenSource _stop = new();
    private readonly MetricStore _metrics = new();
    private readonly ServiceClient _client;
    private readonly ServiceCatalog _catalog;
    private readonly RunningTasks _tasks;
    private MirrorHost? _mirror;
    private ServiceContents? _contents;
    private ServiceServer? _server;

    private AgentService(ServiceClient client, ServiceCatalog catalog, RunningTasks tasks) =>
        (_client, _catalog, _tasks) = (client, catalog, tasks);

    public MirrorHost Mirror => _mirror!;

    /// <summary>The rows of the service's assets.</summary>
    public AssetStore Catalog => _catalog.Store;

    /// <summary>The address of the service.</summary>
    public string Service => _client.Url;

    /// <summary>Where commands reach it; empty: nowhere.</summary>
    public string Url => _server?.Url ?? "";

    /// <param name="settings">With a passphrase and a sync key.</param>
    /// <param name="folder">What the agent keeps.</param>
    /// <param name="clock">Of pauses and stamps.</param>
    /// <param name="log">Of what happens.</param>
    /// <param name="failed">Takes a bug of a part that runs by itself.</param>
    /// <param name="cancellationToken">Ends the start, which waits for the service.</param>
    /// <exception cref="EdgeSyncException">The service refuses the key, or the folder is in use.</exception>
    public static async Task<AgentService> StartAsync(
        CanSettings settings, string folder, TimeProvider clock, NodeLog log, Action<Exception> failed,
        CancellationToken cancellationToken)
    {
        var logger = log.CreateLogger();
        var client = new ServiceClient(UrlOf(settings), settings.SyncApiKey ?? "", clock, logger);
        ServiceCatalog catalog;
        try
        {
            catalog = await ServiceCatalog.OpenAsync(
                new AssetStoreOptions
                {
                    Root = folder,
                    Clock = clock,
                    DiskReserveBytes = (long)settings.DiskReserveMb << 20,
                    Warned = logger.CanStoreWarning,
                },
                SystemEntropy.Instance);
        }
        catch
        {
            client.Dispose();
            throw;
        }

        var agent = new AgentService(client, catalog, new RunningTasks(failed, logger));
        try
        {
            await agent.BeginAsync(settings, clock, log, failed, cancellationToken);
            return agent;
        }
        catch
        {
            await agent.DisposeAsync();
            throw;
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        if (_server is not null)
        {
            using var patience = new CancellationTokenSource(StopMax);
            await _server.StopAsync(patience.Token);
            await _server.DisposeAsync();
        }

        await _tasks.DisposeAsync();
        if (_mirror is not null) await _mirror.DisposeAsync();
        if (_contents is not null) await _contents.DisposeAsync();
        _catalog.Dispose();
        _client.Dispose();
        _metrics.Dispose();
        _stop.Dispose();
    }

    private static string UrlOf(CanSettings settings) => settings.Agent.ServiceUrl
        ?? string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{settings.Port}");

    private async Task BeginAsync(
        CanSettings settings, TimeProvider clock, NodeLog log, Action<Exception> failed,
        CancellationToken cancellationToken)
    {
        var logger = log.CreateLogger();
        var link = new ServiceLink(_client, _catalog, settings.Agent.PollInterval, clock, logger);
        await link.BeginAsync(cancellationToken);
        _mirror = await MirrorHost.StartAsync(
            settings.Mirror, _catalog.Store, clock, logger, failed,
            contentsOf: store => _contents = new ServiceContents(_client, _catalog, store, link.Apply, clock));
        link.SetSending(() => _contents!.Sending);
        _tasks.Start(() => link.RunAsync(_stop.Token));
        if (settings.Agent.Port is not { } port) return;

        // Without an admin token the sync key is one: with it everything can be changed anyway.
        var guard = new CanGuard(
            settings with { AdminToken = settings.AdminToken ?? settings.SyncApiKey }, isLoopback: true,
            new CanSessions(_catalog.Store.Root, SystemEntropy.Instance, clock), clock);
        _server = await ServiceServer.StartAsync(
            new ServiceServerOptions { Listen = new IPEndPoint(IPAddress.Loopback, port), Loggers = log },
            app => Map(app, guard), clock, cancellationToken);
    }

    private void Map(WebApplication app, CanGuard guard)
    {
        app.Use((context, next) => AnswerAsync(context, next, guard));
        app.UseRouting();
        var operations = new OperationsRoutes(
            _catalog.Store, _mirror, static () => new VerifyState(false, null, 0, 0, 0), _metrics, guard);
        app.MapMethods("/healthz", Reading, OperationsRoutes.HealthAsync);
        app.MapMethods("/readyz", Reading, operations.ReadyAsync);
        app.MapMethods("/status", Reading, operations.StatusAsync);
        app.MapMethods("/metrics", Reading, operations.MetricsAsync);
        app.MapPost("/api/v1/can/0/admin/mirror/{action}", new MirrorRoutes(_mirror, guard).ActAsync);
    }

    private static async Task AnswerAsync(HttpContext context, RequestDelegate next, CanGuard guard)
    {
        try
        {
            if (guard.Fault(context.Request) is { } refusal)
            {
                await CanAnswer.RefuseAsync(context, 403, refusal);
                return;
            }

            await next(context);
            if (context.Response is { HasStarted: false, ContentLength: null, StatusCode: 404 or 405 })
                await CanAnswer.RefuseAsync(
                    context, context.Response.StatusCode, "no such route: this is an agent, which holds no assets");
        }
        catch (EdgeSyncException e) when (!context.Response.HasStarted)
        {
            context.Response.Clear();
            await CanAnswer.RefuseAsync(context, CanAnswer.StatusOf(e), e.Message);
        }
        catch (OperationCanceledException) when (context.RequestAborted.IsCancellationRequested)
        {
            // The client went away.
        }
    }
}
