using System.Diagnostics;
using EdgeSync.Can.Service;
using EdgeSync.Net.Http;
using EdgeSync.Node.Can.Dav;
using EdgeSync.Node.Can.Mirror;
using EdgeSync.Node.Can.Pages;
using EdgeSync.Node.Iroh;
using EdgeSync.Node.Logging;
using EdgeSync.Node.Metrics;
using EdgeSync.Node.Settings;
using EdgeSync.Primitives;
using EdgeSync.Storage;
using EdgeSync.Storage.Assets;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace EdgeSync.Node.Can;

/// <summary>An open store with its HTTP service and its verifier.</summary>
internal sealed class CanService : IAsyncDisposable
{
    private const string Prefix = "/api/v1/can/{can}";

    private static readonly string[] Reading = ["GET", "HEAD"];
    private static readonly TimeSpan StopMax = TimeSpan.FromSeconds(5);

    private readonly CancellationTokenSource _stopping = new();
    private readonly MetricStore _metrics = new();
    private readonly CanSettings _settings;
    private readonly TimeProvider _clock;
    private readonly ILogger _log;
    private readonly VerifyLoop _verifier;
    private readonly Thumbnails _thumbnails;
    private MirrorHost? _mirror;
    private OperationsRoutes? _operations;
    private ServiceServer? _server;

    private CanService(CanSettings settings, TimeProvider clock, ILogger log, Action<Exception> failed)
    {
        _settings = settings;
        _clock = clock;
        _log = log;
        Store = AssetStore.Open(new AssetStoreOptions
        {
            Root = settings.StorageRoot,
            Clock = clock,
            DiskReserveBytes = (long)settings.DiskReserveMb << 20,
            RebuildErrorThreshold = settings.RebuildErrorThreshold,
            VerifyBytesPerSecond = (long)settings.VerifyMbPerSecond << 20,
            Warned = log.CanStoreWarning,
        });
        _thumbnails = new Thumbnails(Store, settings.EnableThumbnailCache);
        _verifier = new VerifyLoop(Store, TimeSpan.FromHours(settings.VerifyIntervalHours), clock, failed, log);
    }

    public AssetStore Store { get; }

    /// <summary>The store's part in a mirror; null: it has none.</summary>
    public MirrorHost? Mirror => _mirror;

    /// <summary>The listening address, with the assigned port.</summary>
    public string Url => _server?.Url ?? "";

    /// <param name="settings">Of the store.</param>
    /// <param name="clock">Of timestamps and pauses.</param>
    /// <param name="log">Of requests and warnings.</param>
    /// <param name="failed">Takes a bug of a part that runs by itself.</param>
    /// <param name="cancellationToken">Ends the start, not the service.</param>
    /// <param name="isMirror">The store takes part in the mirror of the settings.</param>
    /// <param name="shared">The endpoint of the node, for the mirror; null: it has one of its own.</param>
    /// <exception cref="EdgeSyncException">The store is in use, or the address is.</exception>
    public static async Task<CanService> StartAsync(
        CanSettings settings, TimeProvider clock, NodeLog log, Action<Exception> failed,
        CancellationToken cancellationToken, bool isMirror = false, ISharedEndpoint? shared = null)
    {
        var service = new CanService(settings, clock, log.CreateLogger(), failed);
        try
        {
            if (isMirror)
                service._mirror = await MirrorHost.StartAsync(
                    settings.Mirror, service.Store, clock, service._log, failed, shared);
            var listen = ListenAddress.Parse($"{settings.BindAddress}:{settings.Port}");
            service._server = await ServiceServer.StartAsync(
                new ServiceServerOptions { Listen = listen, Loggers = log },
                app => service.Map(app, new CanGuard(
                    settings, System.Net.IPAddress.IsLoopback(listen.Address),
                    new CanSessions(service.Store.Root, new SystemEntropy(), clock), clock)),
                clock, cancellationToken);
        }
        catch
        {
            await service.DisposeAsync();
            throw;
        }

        service._log.CanStarted(service.Url, service.Store.Root, service.Store.Counts().Assets);
        return service;
    }

    /// <summary>What <c>/status</c> says.</summary>
    /// <exception cref="ObjectDisposedException">It ends, or has ended.</exception>
    public Task<CanStatus> StatusAsync(CancellationToken cancellationToken)
    {
        ObjectDisposedException.ThrowIf(_stopping.IsCancellationRequested, this);
        return _operations!.ReadStatusAsync(cancellationToken);
    }

    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync();
        if (_server is not null)
        {
            using var patience = new CancellationTokenSource(StopMax);
            await _server.StopAsync(patience.Token);
            await _server.DisposeAsync();
        }

        if (_mirror is not null) await _mirror.DisposeAsync();
        await _verifier.DisposeAsync();
        _thumbnails.Dispose();
        Store.Dispose();
        _metrics.Dispose();
        _log.CanStopped(Store.Root);
        _stopping.Dispose();
    }

    private void Map(WebApplication app, CanGuard guard)
    {
        app.Use((context, next) => GuardAsync(context, next, guard));
        app.UseRouting();
        var operations = _operations =
            new OperationsRoutes(Store, _mirror, () => _verifier.State, _metrics, guard);
        app.MapMethods("/healthz", Reading, OperationsRoutes.HealthAsync);
        app.MapMethods("/readyz", Reading, operations.ReadyAsync);
        app.MapMethods("/status", Reading, operations.StatusAsync);
        app.MapMethods("/metrics", Reading, operations.MetricsAsync);
        var ingest = new IngestRoutes(Store);
        new CanPages(Store, _mirror, ingest, guard, _clock).Map(app, Reading);
        var assets = new AssetRoutes(Store, _mirror, _thumbnails, guard);
        MapAssets(app, guard, ingest, assets);
        MapSync(app, guard, assets);
    }

    private void MapAssets(WebApplication app, CanGuard guard, IngestRoutes ingest, AssetRoutes assets)
    {
        app.MapPost(Prefix + "/ingest", ingest.FormAsync);
        app.MapPost(Prefix + "/ingest/data", ingest.DataAsync);

        app.MapMethods(Prefix + "/list", Reading, assets.ListAsync);
        app.MapMethods(Prefix + "/search", Reading, assets.ListAsync);
        app.MapMethods(Prefix + "/asset/{hash}", Reading, assets.ContentAsync);
        app.MapMethods(Prefix + "/asset/{hash}/meta", Reading, assets.MetaAsync);
        app.MapMethods(Prefix + "/asset/{hash}/thumb/{width}/{height}", Reading, assets.ThumbnailAsync);
        app.MapPatch(Prefix + "/asset/{hash}/meta", assets.PatchAsync);
        app.MapDelete(Prefix + "/asset/{hash}", assets.DeleteAsync);
        app.MapPost(Prefix + "/asset/{hash}/restore", assets.RestoreAsync);

        app.MapMethods("/", ["OPTIONS"], DavRoutes.OptionsAsync);
        app.Map("/dav/{**path}", (RequestDelegate)new DavRoutes(Store, _mirror, assets, _clock).ServeAsync);

        var admin = new AdminRoutes(Store, _verifier, guard);
        app.MapPost(Prefix + "/admin/rebuild", admin.RebuildAsync);
        app.MapPost(Prefix + "/admin/verify", admin.StartVerifyAsync);
        app.MapMethods(Prefix + "/admin/verify", Reading, admin.VerifyStateAsync);

        var mirror = new MirrorRoutes(_mirror, guard);
        app.MapPost(Prefix + "/admin/mirror/{action}", mirror.ActAsync);
    }

    private void MapSync(WebApplication app, CanGuard guard, AssetRoutes assets)
    {
        var sync = new SyncRoutes(Store, assets, guard);
        app.MapPost("/sync/hashes", sync.HashesAsync);
        app.MapPost("/sync/pull", sync.PullAsync);
        app.MapPost("/sync/push", sync.PushAsync);
        app.MapPost("/sync/meta", sync.MetaAsync);
        app.MapMethods("/sync/changes", Reading, sync.ChangesAsync);
        app.MapMethods("/sync/content/{hash}", Reading, sync.ContentAsync);
        app.MapPost("/sync/apply", sync.ApplyAsync);
        app.MapPost("/sync/verify/{hash}", sync.VerifyAsync);

        var events = new EventRoutes(Store, guard, _clock, _stopping.Token);
        app.MapMethods(Prefix + "/events", Reading, events.PublicAsync);
        app.MapMethods("/sync/events", Reading, events.PrivateAsync);
    }

    // Around every request: refusals that are the same for all routes, the status of a failure, and the log entry.
    private async Task GuardAsync(HttpContext context, RequestDelegate next, CanGuard guard)
    {
        var begin = Stopwatch.GetTimestamp();
        string? fault = null;
        try
        {
            // Pages of other sites cannot embed what this service sends.
            context.Response.Headers["Cross-Origin-Resource-Policy"] = "same-site";
            if (guard.Fault(context.Request) is { } refusal) await CanAnswer.RefuseAsync(context, 403, refusal);
            else if (!CanGuard.IsOpen(context.Request.Path) && await IsWithoutKeyAsync(context, guard))
            {
                // It was answered.
            }
            else if (IsOtherCan(context.Request.Path.Value ?? ""))
                await CanAnswer.RefuseAsync(context, 400, "the only container is 0");
            else await AnswerAsync(context, next);
        }
        catch (OperationCanceledException) when (context.RequestAborted.IsCancellationRequested)
        {
            fault = "the client went away";
        }
        catch (BadHttpRequestException e)
        {
            fault = e.Message;
            await FailAsync(context, e.StatusCode, e.Message);
        }
        catch (EdgeSyncException e)
        {
            fault = e.Message;
            await FailAsync(context, CanAnswer.StatusOf(e), e.Message);
        }
        catch (IOException e) when (context.RequestAborted.IsCancellationRequested)
        {
            fault = e.Message;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            fault = e.Message;
            await FailAsync(context, 500, "reading or writing failed; see the log of this service");
        }

        var took = Stopwatch.GetElapsedTime(begin);
        Instruments.CanRequestDuration.Record(took.TotalSeconds);
        var status = context.Response.StatusCode;
        var (method, path) = (context.Request.Method, context.Request.Path.Value ?? "");
        if (fault is not null && status >= 500) _log.CanRequestFailed(method, path, status, fault);
        else _log.CanRequest(method, path, status, took.TotalMilliseconds);
    }

    private static async Task<bool> IsWithoutKeyAsync(HttpContext context, CanGuard guard)
    {
        if (!guard.HasApiKey) return false;

        var check = guard.CheckOf(context);
        if (check.Access != CanAccess.None) return false;

        await (check.Wait > TimeSpan.Zero
            ? CanAnswer.RefuseAsync(context, CanGuard.TooMany(context, check.Wait), CanGuard.TooManyKeys)
            : AskForKeyAsync(context));
        return true;
    }

    // A person gets a form.
    private static Task AskForKeyAsync(HttpContext context)
    {
        var (request, path) = (context.Request, context.Request.Path.Value ?? "");
        var isPage = path is "/" or "/peers" || path.StartsWith("/asset/", StringComparison.Ordinal);
        if (isPage && HttpMethods.IsGet(request.Method))
            return CanPages.RedirectAsync(
                context, "/page/login?next=" + Uri.EscapeDataString(path + request.QueryString.Value));

        // Programs that mount folders know Basic alone.
        context.Response.Headers.WWWAuthenticate = path.StartsWith("/dav", StringComparison.Ordinal)
            ? "Basic realm=\"assets\", charset=\"UTF-8\"" : "Bearer";
        return CanAnswer.RefuseAsync(context, 401, "the api_key of this store is missing or wrong");
    }

    // Routing answers without a body.
    private static async Task AnswerAsync(HttpContext context, RequestDelegate next)
    {
        await next(context);
        if (context.Response is not { HasStarted: false, ContentLength: null, StatusCode: 404 or 405 } response) return;

        await CanAnswer.RefuseAsync(
            context, response.StatusCode,
            response.StatusCode == 404 ? "no such route" : "no such method on this route");
    }

    private static bool IsOtherCan(string path)
    {
        const string Before = "/api/v1/can/";
        if (!path.StartsWith(Before, StringComparison.OrdinalIgnoreCase)) return false;

        var rest = path.AsSpan(Before.Length);
        var end = rest.IndexOf('/');
        return !(end < 0 ? rest : rest[..end]).SequenceEqual("0");
    }

    // Once the reply has begun, only cutting it off tells the client that it is not whole.
    private static Task FailAsync(HttpContext context, int status, string error)
    {
        if (context.Response.HasStarted)
        {
            context.Abort();
            return Task.CompletedTask;
        }

        context.Response.Clear();
        return CanAnswer.RefuseAsync(context, status, error);
    }
}
