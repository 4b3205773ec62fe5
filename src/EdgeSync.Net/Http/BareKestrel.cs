using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;

namespace EdgeSync.Net.Http;

/// <summary>
/// Kestrel and one function that answers: no host, container, configuration, routing or middleware, of which nothing here has
/// need, and which are more than a megabyte of program. It stays silent; signals and logs are the program's business.
/// </summary>
internal sealed class BareKestrel : IHttpApplication<HttpContext>, IAsyncDisposable
{
    private readonly Func<HttpContext, Task> _answer;
    private readonly KestrelServer _server;

    public BareKestrel(Action<KestrelServerOptions> configure, Func<HttpContext, Task> answer)
    {
        _answer = answer;
        // A line ends with CRLF: a proxy in front may not take a bare LF for an end.
        AppContext.SetSwitch("Microsoft.AspNetCore.Server.Kestrel.DisableHttp1LineFeedTerminators", true);
        var options = new KestrelServerOptions { AddServerHeader = false, RequestHeaderEncodingSelector = LengthDigits.For };
        configure(options);
        var transport = new SocketTransportFactory(Options.Create(new SocketTransportOptions()), NullLoggerFactory.Instance);
        _server = new KestrelServer(Options.Create(options), transport, NullLoggerFactory.Instance);
    }

    /// <summary>Where it listens, with the ports that were picked.</summary>
    public IReadOnlyList<string> Addresses => [.. _server.Features.Get<IServerAddressesFeature>()?.Addresses ?? []];

    /// <summary>Whether a start failed for a reason that the operator can mend: an address that is taken or not ours.</summary>
    public static bool IsAddressFault(Exception e) => e is IOException or System.Net.Sockets.SocketException or AddressInUseException;

    public Task StartAsync(CancellationToken cancellationToken) => _server.StartAsync(this, cancellationToken);

    /// <summary>No new requests; those in flight may finish until the token says otherwise.</summary>
    public Task StopAsync(CancellationToken cancellationToken) => _server.StopAsync(cancellationToken);

    /// <summary>Ends what is still in flight.</summary>
    public async ValueTask DisposeAsync()
    {
        await _server.StopAsync(new CancellationToken(canceled: true));
        _server.Dispose();
    }

    HttpContext IHttpApplication<HttpContext>.CreateContext(IFeatureCollection contextFeatures) => new DefaultHttpContext(contextFeatures);

    Task IHttpApplication<HttpContext>.ProcessRequestAsync(HttpContext context) => _answer(context);

    void IHttpApplication<HttpContext>.DisposeContext(HttpContext context, Exception? exception)
    {
    }
}
