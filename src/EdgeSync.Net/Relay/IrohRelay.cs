using System.Globalization;
using System.Net;
using System.Security.Cryptography;
using System.Text;
using EdgeSync.Iroh.Discovery;
using EdgeSync.Iroh.Dns;
using EdgeSync.Iroh.Relay;
using EdgeSync.Net.Discovery;
using EdgeSync.Net.Http;
using EdgeSync.Primitives;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Https;

namespace EdgeSync.Net.Relay;

/// <summary>
/// A relay for iroh endpoints.
/// <code>
/// GET /relay          a WebSocket, with the protocol iroh-relay-v2 or iroh-relay-v1
/// GET /ping           200: what a client needs to adopt the relay
/// GET /generate_204   204, and the answer to a challenge that finds captive portals
/// PUT, GET /pkarr/ID  records of endpoints, which DNS answers, too
/// GET /, /healthz     200, with a sentence
/// GET /metrics        counts, for Prometheus; no ids and no addresses
/// </code>
/// </summary>
public sealed class IrohRelay : IAsyncDisposable
{
    private const string FirstProtocol = "iroh-relay-v1";
    private const string SecondProtocol = "iroh-relay-v2";
    private const string Bearer = "Bearer ";
    private const int ChallengeLengthMax = 63;

    /// <summary>Larger than any pkarr packet, which is the only body.</summary>
    private const int BodyBytesMax = 4096;

    private static readonly TimeSpan UpgradeTimeout = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan TlsHandshakeTimeout = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan StopTimeout = TimeSpan.FromSeconds(3);
    private static readonly TimeSpan RestartIn = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan RestartTryFor = TimeSpan.FromMinutes(1);

    private readonly IrohRelayOptions _options;
    private readonly TimeProvider _clock;
    private readonly ConnectionAdmission _admission;
    private readonly RelayDriver _driver;
    private readonly PkarrEndpoints _records;
    private readonly WebApplication _app;
    private readonly CancellationTokenSource _stopping = new();

    private DnsServer? _dns;
    private AddressService? _addresses;

    private IrohRelay(IrohRelayOptions options, Entropy entropy, TimeProvider clock)
    {
        _options = options;
        _clock = clock;
        _admission = new ConnectionAdmission(options.Limits.ConnectionsMax, options.ConnectionsPerAddressMax);
        Span<byte> seed = stackalloc byte[sizeof(ulong)];
        entropy.Fill(seed);
        var prng = new Prng(BitConverter.ToUInt64(seed));
        _driver = new RelayDriver(new RelayServer(options.Limits, entropy, prng), clock);
        var store = new PkarrStore(options.RecordsMax, options.RecordLifetime);
        _records = new PkarrEndpoints(store, new DnsOrigin(store, options.DnsOrigin), clock);
        _app = WebHost.Create(Configure, options.Loggers);
        _app.UseWebSockets(new WebSocketOptions { KeepAliveInterval = TimeSpan.Zero });
        _app.UseRouting();
        _app.Map("/relay", RelayAsync);
        _records.MapTo(_app);
        _app.MapGet("/ping", PingAsync);
        _app.MapGet("/generate_204", GenerateNothingAsync);
        _app.MapGet("/healthz", context => AnswerAsync(context, 200, "ok\n"));
        _app.MapGet("/", context => AnswerAsync(context, 200, "This is a relay for iroh endpoints.\n"));
        _app.MapGet(
            "/metrics", context => AnswerAsync(context, 200, RelayMetrics.Write(Totals, _records.Count)));
    }

    /// <summary>The listening address, such as <c>http://127.0.0.1:3340</c>, with the assigned port.</summary>
    public string Url { get; private set; } = "";

    /// <summary>Where the zone of records is served; null: nowhere.</summary>
    public IPEndPoint? DnsAddress => _dns?.Address;

    /// <summary>The UDP port at which clients learn the address that they come from; null: none.</summary>
    public int? AddressPort => _addresses?.Port;

    public RelayServerTotals Totals => _driver.Totals;

    /// <param name="options">Addresses and limits.</param>
    /// <param name="entropy">Of challenges.</param>
    /// <param name="clock">Of timeouts.</param>
    /// <param name="cancellationToken">Ends the start, not the relay.</param>
    /// <exception cref="EdgeSyncException">The address is in use or not local; a certificate cannot be
    /// read.</exception>
    public static async Task<IrohRelay> StartAsync(
        IrohRelayOptions options, Entropy entropy, TimeProvider clock, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(entropy);
        ArgumentNullException.ThrowIfNull(clock);
        var relay = new IrohRelay(options, entropy, clock);
        try
        {
            if (options.DnsListen is { } listen) relay._dns = DnsServer.Start(listen, relay._records.Answer);
            await relay._app.StartAsync(cancellationToken);
            if (options.AddressPort is { } port) relay._addresses = relay.StartAddresses(port, entropy);
        }
        catch (Exception e)
        {
            await relay.DisposeAsync();
            if (!WebHost.IsAddressFault(e)) throw;

            throw ListenFault.Of(options.Listen.ToString(), e);
        }

        relay.Url = relay._app.Urls.First();
        return relay;
    }

    /// <summary>Announces the restart to the clients, and closes everything.</summary>
    public async ValueTask DisposeAsync()
    {
        _driver.Restart(RestartIn, RestartTryFor);
        using (var patience = new CancellationTokenSource(StopTimeout))
        {
            _stopping.CancelAfter(StopTimeout);
            await _app.StopAsync(patience.Token);
        }

        if (_dns is not null) await _dns.DisposeAsync();
        if (_addresses is not null) await _addresses.DisposeAsync();
        await _app.DisposeAsync();
        _driver.Dispose();
        _stopping.Dispose();
    }

    private void Configure(KestrelServerOptions kestrel)
    {
        var limits = kestrel.Limits;
        limits.MaxRequestBodySize = BodyBytesMax;
        limits.MaxConcurrentConnections = null;   // ConnectionAdmission limits them: Kestrel would reject the latest
        limits.MaxConcurrentUpgradedConnections = null;
        limits.RequestHeadersTimeout = UpgradeTimeout;
        kestrel.Listen(_options.Listen, listen =>
        {
            listen.Protocols = HttpProtocols.Http1;
            // Before TLS: a handshake that does not end takes a place, too.
            listen.Use(next => connection => HttpAdmittedConnection.ServeAsync(_admission, connection, _clock, next));
            if (_options.TlsCertificateFile is null) return;

            var tls = ServerCertificate.Read(_options.TlsCertificateFile, _options.TlsKeyFile);
            listen.UseHttps(new TlsHandshakeCallbackOptions
            {
                OnConnection = _ => ValueTask.FromResult(tls),
                HandshakeTimeout = TlsHandshakeTimeout,
            });
        });
    }

    private async Task RelayAsync(HttpContext context)
    {
        var offered = context.WebSockets.WebSocketRequestedProtocols;
        var protocol = offered.Contains(SecondProtocol) ? SecondProtocol
            : offered.Contains(FirstProtocol) ? FirstProtocol : null;
        if (!context.WebSockets.IsWebSocketRequest || protocol is null)
        {
            await AnswerAsync(context, 400, "A WebSocket with the protocol iroh-relay-v2 or iroh-relay-v1, please.\n");
            return;
        }

        using var socket = await context.WebSockets.AcceptWebSocketAsync(protocol);
        var connection = context.Features.Get<HttpAdmittedConnection>();
        connection?.BeginWork();
        try
        {
            await _driver.ServeAsync(socket, protocol == SecondProtocol, DenialOf(context.Request), _stopping.Token);
        }
        finally
        {
            connection?.EndWork();
        }
    }

    // Sent after the login: endpoints report that text, but not the body of a refused upgrade.
    private string? DenialOf(HttpRequest request)
    {
        if (_options.Token is not { } token) return null;

        var given = request.Headers.Authorization.ToString();
        given = given.StartsWith(Bearer, StringComparison.OrdinalIgnoreCase) ? given[Bearer.Length..]
            : request.Query["token"].ToString();
        return given.Length == 0 ? "this relay needs a token and got none"
            : IsSame(given, token) ? null : "the token is not the one of this relay";
    }

    private static bool IsSame(string given, string token) => CryptographicOperations.FixedTimeEquals(
        SHA256.HashData(Encoding.UTF8.GetBytes(given)), SHA256.HashData(Encoding.UTF8.GetBytes(token)));

    private AddressService StartAddresses(int port, Entropy entropy)
    {
        var certificate = _options.TlsCertificateFile is { } file
            ? ServerCertificate.ReadTls(file, _options.TlsKeyFile)
            : null;
        var options = new AddressServiceOptions(new IPEndPoint(_options.Listen.Address, port))
        {
            MayMove = _options.MayMoveAddressPort,
            Certificate = certificate,
        };
        try
        {
            return AddressService.Start(options, entropy, _clock);
        }
        catch
        {
            certificate?.Dispose();
            throw;
        }
    }

    private Task PingAsync(HttpContext context)
    {
        if (AddressPort is { } port)
            context.Response.Headers[RelayProbe.AddressPortHeader] = port.ToString(CultureInfo.InvariantCulture);
        return AnswerAsync(context, 200, "");
    }

    private static Task GenerateNothingAsync(HttpContext context)
    {
        var challenge = context.Request.Headers["X-Iroh-Challenge"].ToString();
        if (challenge.Length is > 0 and <= ChallengeLengthMax
            && challenge.All(c => char.IsAsciiLetterOrDigit(c) || c is '.' or '_' or '-'))
            context.Response.Headers["X-Iroh-Response"] = $"response {challenge}";
        context.Response.StatusCode = 204;
        return Task.CompletedTask;
    }

    private static Task AnswerAsync(HttpContext context, int status, string text)
    {
        // Endpoints in browsers request it, too.
        context.Response.Headers.AccessControlAllowOrigin = "*";
        context.Response.StatusCode = status;
        var body = Encoding.UTF8.GetBytes(text);
        context.Response.ContentLength = body.Length;
        if (body.Length == 0) return Task.CompletedTask;

        context.Response.ContentType = "text/plain; charset=utf-8";
        return context.Response.Body.WriteAsync(body, 0, body.Length);
    }
}
