using EdgeSync.Primitives;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Routing;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Https;

namespace EdgeSync.Net.Http;

/// <summary>
/// The HTTP ports of a node. Requests of Fossil clients are recognized by content type alone, whatever the path; all
/// others go by routes, which the caller maps.
/// <code>
/// POST *  application/x-fossil…     the exchange, always with a Content-Length (older clients need it)
/// mapped routes                     pages and endpoints; bodies of at most 4 KiB, unless the endpoint sets a limit
/// POST *  anything else             415
/// GET, HEAD *                       404; another method 405
/// </code>
/// Each request leaves one entry in the host's log.
/// </summary>
public sealed class WebServer : IAsyncDisposable
{
    /// <summary>Of a request to an endpoint without its own limit (<c>IRequestSizeLimitMetadata</c>).</summary>
    private const int EndpointBytesMax = 4096;

    private static readonly TimeSpan TlsHandshakeTimeout = TimeSpan.FromSeconds(10);

    private readonly WebServerOptions _options;
    private readonly TimeProvider _clock;
    private readonly ConnectionAdmission _admission;
    private readonly XferExchanges _exchanges;
    private readonly WebApplication _app;

    private WebServer(WebServerOptions options, IXferHost host, Action<IEndpointRouteBuilder> map, TimeProvider clock)
    {
        _options = options;
        _clock = clock;
        _admission = new ConnectionAdmission(options.ConnectionsMax, options.ConnectionsPerAddressMax);
        _exchanges = new XferExchanges(options, host);
        _app = WebHost.Create(Configure, options.Loggers);
        _app.Use(new RequestRecorder(host, options.Proxies).ServeAsync);
        _app.Use(_exchanges.ServeAsync);
        _app.Use(LimitBody);
        _app.UseRouting();
        map(_app);
        _app.Map("/{**path}", NotHereAsync).Add(endpoint => ((RouteEndpointBuilder)endpoint).Order = int.MaxValue);
    }

    /// <summary>
    /// The listening addresses, such as <c>http://127.0.0.1:8080</c>, with the assigned ports; those without TLS first.
    /// </summary>
    public IReadOnlyList<string> Addresses { get; private set; } = [];

    /// <summary>Connections accepted so far, including rejected ones.</summary>
    internal long ConnectionsSeen => _admission.SeenCount;

    /// <param name="options">Addresses and limits.</param>
    /// <param name="host">Handles sync requests, and receives the log.</param>
    /// <param name="map">Adds the routes of pages and endpoints.</param>
    /// <param name="clock">For limits on connections.</param>
    /// <param name="cancellationToken">Ends the start, not the server.</param>
    /// <exception cref="EdgeSyncException">The address is in use or not local; a certificate cannot be
    /// read.</exception>
    public static async Task<WebServer> StartAsync(
        WebServerOptions options, IXferHost host, Action<IEndpointRouteBuilder> map, TimeProvider clock,
        CancellationToken cancellationToken)
    {
        var server = new WebServer(options, host, map, clock);
        try
        {
            await server._app.StartAsync(cancellationToken);
        }
        catch (Exception e)
        {
            await server.DisposeAsync();
            if (!WebHost.IsAddressFault(e)) throw;

            throw ListenFault.Of(string.Join(", ", [.. options.Listen, .. options.TlsListen]), e);
        }

        server.Addresses = [.. server._app.Urls];
        return server;
    }

    /// <summary>No new requests; those in flight may finish until the token is cancelled.</summary>
    public Task StopAsync(CancellationToken cancellationToken) => _app.StopAsync(cancellationToken);

    /// <summary>Ends what is still in flight.</summary>
    public async ValueTask DisposeAsync()
    {
        await _app.DisposeAsync();
        _exchanges.Dispose();
    }

    private void Configure(KestrelServerOptions kestrel)
    {
        kestrel.AllowSynchronousIO = false;
        var limits = kestrel.Limits;
        // Our own limits instead (XferExchanges, LimitBody). Past its own, Kestrel closes with bytes unread, which
        // resets the connection and loses the reply; what the application leaves unread it discards, for at most five
        // seconds.
        limits.MaxRequestBodySize = null;
        limits.MaxConcurrentConnections = null;   // ConnectionAdmission limits them: Kestrel would reject the latest
        // Twice that for a body in chunks, for each connection, before any of it is counted.
        limits.MaxRequestBufferSize = Math.Clamp(
            GC.GetGCMemoryInfo().TotalAvailableMemoryBytes / 2048, 32 << 10, 1 << 20);
        limits.RequestHeadersTimeout = _options.HeadersTimeout;
        limits.KeepAliveTimeout = _options.KeepAliveTimeout;
        limits.MinRequestBodyDataRate = new MinDataRate(_options.BytesPerSecondMin, _options.SlownessGrace);
        limits.MinResponseDataRate = new MinDataRate(_options.BytesPerSecondMin, _options.SlownessGrace);

        foreach (var endpoint in _options.Listen) kestrel.Listen(endpoint, Limit);
        if (_options.TlsListen.Count == 0) return;

        var tls = ServerCertificate.Read(_options.TlsCertificateFile!, _options.TlsKeyFile);
        foreach (var endpoint in _options.TlsListen)
        {
            kestrel.Listen(endpoint, listen =>
            {
                Limit(listen);
                listen.UseHttps(new TlsHandshakeCallbackOptions
                {
                    // Called at each handshake: a certificate could be chosen here by name, or after a renewal.
                    OnConnection = _ => ValueTask.FromResult(tls),
                    HandshakeTimeout = TlsHandshakeTimeout,
                });
            });
        }
    }

    // Before TLS: a handshake that does not end takes a place, too.
    private void Limit(ListenOptions listen)
    {
        listen.Protocols = HttpProtocols.Http1;
        listen.Use(next => connection => HttpAdmittedConnection.ServeAsync(_admission, connection, _clock, next));
    }

    private static Task LimitBody(HttpContext context, RequestDelegate next)
    {
        if (context.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } limit)
            limit.MaxRequestBodySize = EndpointBytesMax;
        return next(context);
    }

    private static Task NotHereAsync(HttpContext context)
    {
        var method = context.Request.Method;
        if (HttpMethods.IsPost(method))
            return WebAnswer.RefuseAsync(
                context, 415, "Cards are sent as application/x-fossil or application/x-fossil-uncompressed.");
        if (HttpMethods.IsGet(method) || HttpMethods.IsHead(method))
            return WebAnswer.TextAsync(
                context, 404, "Not found. See / for the repositories; a Fossil client may use any path.");

        context.Response.Headers.Allow = "GET, HEAD, POST";
        return WebAnswer.TextAsync(context, 405, "GET, HEAD or POST.");
    }
}
