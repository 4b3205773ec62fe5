using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net;
using System.Text;
using EdgeSync.Nats.Broker;
using EdgeSync.Nats.Broker.Monitoring;
using EdgeSync.Net.Http;
using EdgeSync.Primitives;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace EdgeSync.Net.Nats;

/// <summary>
/// The monitoring port: <c>/healthz /varz /connz /subsz /leafz</c> as nats-server answers them, so that its tools work here too,
/// and <see cref="AbsentParts"/>. Tells
/// everything to everybody who reaches it, and changes nothing: bind it to where only operators are.
/// </summary>
// Spec: nats-server monitoring: `?callback=f` wraps the answer, a number that is none is 400, another path 404.
internal sealed class MonitoringServer : IAsyncDisposable
{
    private static readonly TimeSpan StopPatience = TimeSpan.FromSeconds(5);

    private readonly BareKestrel _kestrel;
    private readonly BrokerDriver _driver;
    private readonly Func<ServerFacts> _facts;
    private readonly ConcurrentDictionary<string, long> _requests = new();
    private readonly TimeSpan _cpuAtStart = Process.GetCurrentProcess().TotalProcessorTime;
    private readonly long _startedAt;

    private MonitoringServer(IPEndPoint endpoint, BrokerDriver driver, Func<ServerFacts> facts)
    {
        _driver = driver;
        _facts = facts;
        _startedAt = driver.Clock.GetTimestamp();

        _kestrel = new BareKestrel(
            kestrel =>
            {
                kestrel.Limits.MaxConcurrentConnections = 100;
                kestrel.Limits.MaxRequestBodySize = 0;
                kestrel.Listen(endpoint, listen => listen.Protocols = HttpProtocols.Http1);
            },
            AnswerAsync);
    }

    /// <summary>Such as <c>http://127.0.0.1:8222</c>, with the port that was picked.</summary>
    public Uri Url { get; private set; } = null!;

    /// <exception cref="EdgeSyncException">The address is taken or not ours.</exception>
    public static async Task<MonitoringServer> StartAsync(
        IPEndPoint endpoint, BrokerDriver driver, Func<ServerFacts> facts, CancellationToken cancellationToken)
    {
        var server = new MonitoringServer(endpoint, driver, facts);
        try
        {
            await server._kestrel.StartAsync(cancellationToken);
        }
        catch (Exception e) when (BareKestrel.IsAddressFault(e))
        {
            await server.DisposeAsync();
            throw ListenFault.Of(endpoint.ToString(), e);
        }

        server.Url = new Uri(server._kestrel.Addresses[0]);
        return server;
    }

    public async ValueTask DisposeAsync()
    {
        using var patience = new CancellationTokenSource(StopPatience);
        await _kestrel.StopAsync(patience.Token);
        await _kestrel.DisposeAsync();
    }

    private Task AnswerAsync(HttpContext context)
    {
        var path = context.Request.Path.Value ?? "/";
        if (path is "/" or "/healthz" or "/varz" or "/connz" or "/subsz" or "/subscriptionsz" or "/leafz" || AbsentParts.Has(path))
            _requests.AddOrUpdate(path, 1, (_, count) => count + 1);

        var query = context.Request.Query.ToDictionary(q => q.Key, q => q.Value.ToString(), StringComparer.Ordinal);
        if (!ConnectionQuery.TryParse(query, out var asked, out var error)) return WriteTextAsync(context, 400, error);

        return path switch
        {
            "/" => WriteTextAsync(context, 200, "/healthz\n/varz\n/connz\n/subsz\n/leafz\n/routez\n/gatewayz\n/accountz\n/jsz\n"),
            "/healthz" => HealthAsync(context, query),
            "/varz" => VarzAsync(context, query),
            "/connz" => WriteAsync(context, query, Read((core, now) => BrokerMonitor.Connz(core, asked, now))),
            "/subsz" or "/subscriptionsz" =>
                WriteAsync(context, query, Read((core, now) => BrokerMonitor.Subsz(core, asked, now))),
            "/leafz" => WriteAsync(context, query, Read((core, now) => BrokerMonitor.Leafz(core, asked, now))),
            _ when AbsentParts.Has(path) => WriteAsync(context, query, Read((core, now) => AbsentParts.Report(core, now, path))),
            _ => WriteTextAsync(context, 404, "404 page not found"),
        };
    }

    private T Read<T>(Func<BrokerCore, Instant, T> read) => _driver.Call(read);

    private Task HealthAsync(HttpContext context, Dictionary<string, string> query)
    {
        var health = Read((core, _) => BrokerMonitor.Healthz(core));
        if (health.Error is not null) context.Response.StatusCode = 503;
        return WriteAsync(context, query, health);
    }

    private Task VarzAsync(HttpContext context, Dictionary<string, string> query)
    {
        using var process = Process.GetCurrentProcess();
        var elapsed = _driver.Clock.GetElapsedTime(_startedAt);
        var facts = _facts() with
        {
            HttpHost = Url.Host,
            HttpPort = Url.Port,
            MemoryBytes = process.WorkingSet64,
            Cores = Environment.ProcessorCount,
            Cpu = elapsed > TimeSpan.Zero ? Math.Round((process.TotalProcessorTime - _cpuAtStart) / elapsed * 100, 1) : 0,
            RequestCounts = new SortedDictionary<string, long>(_requests, StringComparer.Ordinal),
        };
        return WriteAsync(context, query, Read((core, now) => BrokerMonitor.Varz(core, facts, now)));
    }

    private static Task WriteAsync(HttpContext context, Dictionary<string, string> query, object report)
    {
        var json = MonitoringJson.Write(report);
        if (!query.TryGetValue("callback", out var callback)) return WriteBodyAsync(context, "application/json", json);

        // It becomes code in somebody's page: a name and nothing else.
        return callback.Length is > 0 and < 100 && callback.All(c => char.IsAsciiLetterOrDigit(c) || c is '_' or '.' or '$')
            ? WriteBodyAsync(context, "application/javascript", $"{callback}({json})")
            : WriteTextAsync(context, 400, "the callback is no name");
    }

    private static Task WriteTextAsync(HttpContext context, int status, string text)
    {
        context.Response.StatusCode = status;
        return WriteBodyAsync(context, "text/plain; charset=utf-8", text);
    }

    private static Task WriteBodyAsync(HttpContext context, string type, string text)
    {
        var body = Encoding.UTF8.GetBytes(text);
        context.Response.ContentType = type;
        context.Response.Headers.ContentLength = body.Length;
        return HttpMethods.IsHead(context.Request.Method) ? Task.CompletedTask : context.Response.Body.WriteAsync(body, 0, body.Length);
    }
}
