using System.Net;
using EdgeSync.Primitives;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Logging;

namespace EdgeSync.Net.Http;

/// <summary>Addresses and limits of a <see cref="ServiceServer"/>.</summary>
public sealed record ServiceServerOptions
{
    /// <summary>Port 0 picks a free one.</summary>
    public required IPEndPoint Listen { get; init; }

    /// <summary>Where the server logs; null: nowhere.</summary>
    public ILoggerFactory? Loggers { get; init; }

    public int ConnectionsMax { get; init; } = 1024;

    /// <summary>Of one address; of IPv6, of a network of 64 bits.</summary>
    public int ConnectionsPerAddressMax { get; init; } = 512;

    /// <summary>A body or a reader slower than this, after the grace, is closed.</summary>
    public double BytesPerSecondMin { get; init; } = 100;

    public TimeSpan SlownessGrace { get; init; } = TimeSpan.FromSeconds(10);

    public TimeSpan HeadersTimeout { get; init; } = TimeSpan.FromSeconds(15);
}

/// <summary>
/// An HTTP port for one service, which maps its own routes. Bodies have no limit here: the service sets its own, and
/// streams what is large.
/// </summary>
public sealed class ServiceServer : IAsyncDisposable
{
    private readonly ServiceServerOptions _options;
    private readonly TimeProvider _clock;
    private readonly ConnectionAdmission _admission;
    private readonly WebApplication _app;

    private ServiceServer(ServiceServerOptions options, Action<WebApplication> map, TimeProvider clock)
    {
        _options = options;
        _clock = clock;
        _admission = new ConnectionAdmission(options.ConnectionsMax, options.ConnectionsPerAddressMax);
        _app = WebHost.Create(Configure, options.Loggers);
        _app.Use(RecordAsync);
        map(_app);
    }

    /// <summary>The listening address, such as <c>http://127.0.0.1:3210</c>, with the assigned port.</summary>
    public string Url { get; private set; } = "";

    /// <param name="options">Addresses and limits.</param>
    /// <param name="map">Adds middleware and routes.</param>
    /// <param name="clock">For limits on connections.</param>
    /// <param name="cancellationToken">Ends the start, not the server.</param>
    /// <exception cref="EdgeSyncException">The address is in use or not local.</exception>
    public static async Task<ServiceServer> StartAsync(
        ServiceServerOptions options, Action<WebApplication> map, TimeProvider clock,
        CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(map);
        ArgumentNullException.ThrowIfNull(clock);
        var server = new ServiceServer(options, map, clock);
        try
        {
            await server._app.StartAsync(cancellationToken);
        }
        catch (Exception e)
        {
            await server.DisposeAsync();
            if (!WebHost.IsAddressFault(e)) throw;

            throw ListenFault.Of(options.Listen.ToString(), e);
        }

        server.Url = server._app.Urls.First();
        return server;
    }

    /// <summary>No new requests; those in flight may finish until the token is cancelled.</summary>
    public Task StopAsync(CancellationToken cancellationToken) => _app.StopAsync(cancellationToken);

    /// <summary>Ends what is still in flight.</summary>
    public ValueTask DisposeAsync() => _app.DisposeAsync();

    // A connection whose request is being served is not closed to make room for others.
    private static async Task RecordAsync(HttpContext context, RequestDelegate next)
    {
        var connection = context.Features.Get<HttpAdmittedConnection>();
        connection?.Touch();
        connection?.BeginWork();
        try
        {
            await next(context);
        }
        finally
        {
            connection?.EndWork();
        }
    }

    private void Configure(KestrelServerOptions kestrel)
    {
        kestrel.AllowSynchronousIO = false;
        var limits = kestrel.Limits;
        limits.MaxRequestBodySize = null;
        limits.MaxConcurrentConnections = null;   // ConnectionAdmission limits them: Kestrel would reject the latest
        limits.MaxRequestBufferSize = 1 << 20;
        limits.RequestHeadersTimeout = _options.HeadersTimeout;
        limits.MinRequestBodyDataRate = new MinDataRate(_options.BytesPerSecondMin, _options.SlownessGrace);
        limits.MinResponseDataRate = new MinDataRate(_options.BytesPerSecondMin, _options.SlownessGrace);
        kestrel.Listen(_options.Listen, listen =>
        {
            listen.Protocols = HttpProtocols.Http1;
            listen.Use(next => connection => HttpAdmittedConnection.ServeAsync(_admission, connection, _clock, next));
        });
    }
}
