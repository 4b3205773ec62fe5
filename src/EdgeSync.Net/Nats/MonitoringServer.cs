using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net;
using System.Text;
using EdgeSync.Nats.Broker;
using EdgeSync.Nats.Broker.Monitoring;
using EdgeSync.Net.Http;
using EdgeSync.Primitives;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace EdgeSync.Net.Nats;

/// <summary>
/// The monitoring port: <c>/healthz /varz /connz /subsz /leafz</c> as in nats-server, so that its tools work here too,
/// and <see cref="AbsentParts"/>. It needs no login and changes nothing: bind it to an address for operators only.
/// </summary>
// Spec: nats-server monitoring: `?callback=f` wraps the reply, an invalid number is 400, another path 404.
internal sealed class MonitoringServer : IAsyncDisposable
{
    private static readonly TimeSpan StopPatience = TimeSpan.FromSeconds(5);

    private readonly WebApplication _app;
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
        _app = WebHost.Create(kestrel =>
        {
            kestrel.Limits.MaxConcurrentConnections = 100;
            kestrel.Limits.MaxRequestBodySize = 0;
            kestrel.Listen(endpoint, listen => listen.Protocols = HttpProtocols.Http1);
        });
        MapPages();
    }

    /// <summary>Such as <c>http://127.0.0.1:8222</c>, with the assigned port.</summary>
    public Uri Url { get; private set; } = null!;

    /// <exception cref="EdgeSyncException">The address is in use or not local.</exception>
    public static async Task<MonitoringServer> StartAsync(
        IPEndPoint endpoint, BrokerDriver driver, Func<ServerFacts> facts, CancellationToken cancellationToken)
    {
        var server = new MonitoringServer(endpoint, driver, facts);
        try
        {
            await server._app.StartAsync(cancellationToken);
        }
        catch (Exception e) when (WebHost.IsAddressFault(e))
        {
            await server.DisposeAsync();
            throw ListenFault.Of(endpoint.ToString(), e);
        }

        server.Url = new Uri(server._app.Urls.First());
        return server;
    }

    public async ValueTask DisposeAsync()
    {
        using var patience = new CancellationTokenSource(StopPatience);
        await _app.StopAsync(patience.Token);
        await _app.DisposeAsync();
    }

    private void MapPages()
    {
        Map(
            "/",
            (context, _, _) => WriteTextAsync(
                context, 200, "/healthz\n/varz\n/connz\n/subsz\n/leafz\n/routez\n/gatewayz\n/accountz\n/jsz\n"));
        Map("/healthz", (context, query, _) => HealthAsync(context, query));
        Map("/varz", (context, query, _) => VarzAsync(context, query));
        Map(
            "/connz",
            (context, query, asked) => WriteAsync(
                context, query, Read((core, now) => BrokerMonitor.Connz(core, asked, now))));
        foreach (var path in (string[])["/subsz", "/subscriptionsz"])
            Map(
                path,
                (context, query, asked) => WriteAsync(
                    context, query, Read((core, now) => BrokerMonitor.Subsz(core, asked, now))));
        Map(
            "/leafz",
            (context, query, asked) => WriteAsync(
                context, query, Read((core, now) => BrokerMonitor.Leafz(core, asked, now))));
        foreach (var path in AbsentParts.Paths)
            Map(
                path,
                (context, query, _) => WriteAsync(
                    context, query, Read((core, now) => AbsentParts.Report(core, now, path))));
        _app.Map("/{**path}", context => WriteTextAsync(context, 404, "404 page not found"));
    }

    private void Map(string path, Func<HttpContext, Dictionary<string, string>, ConnectionQuery, Task> answer) =>
        _app.Map(path, context =>
    {
        _requests.AddOrUpdate(path, 1, (_, count) => count + 1);
        var query = context.Request.Query.ToDictionary(q => q.Key, q => q.Value.ToString(), StringComparer.Ordinal);
        return ConnectionQuery.TryParse(query, out var asked, out var error)
            ? answer(context, query, asked)
            : WriteTextAsync(context, 400, error);
    });

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
            Cpu = elapsed > TimeSpan.Zero
            ? Math.Round((process.TotalProcessorTime - _cpuAtStart) / elapsed * 100, 1)
            : 0,
            RequestCounts = new SortedDictionary<string, long>(_requests, StringComparer.Ordinal),
        };
        return WriteAsync(context, query, Read((core, now) => BrokerMonitor.Varz(core, facts, now)));
    }

    private static Task WriteAsync(HttpContext context, Dictionary<string, string> query, object report)
    {
        var json = MonitoringJson.Write(report);
        if (!query.TryGetValue("callback", out var callback)) return WriteBodyAsync(context, "application/json", json);

        // It becomes code in a web page: a name and nothing else.
        return callback.Length is > 0 and < 100
            && callback.All(c => char.IsAsciiLetterOrDigit(c) || c is '_' or '.' or '$')
            ? WriteBodyAsync(context, "application/javascript", $"{callback}({json})")
            : WriteTextAsync(context, 400, "invalid callback name");
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
        return HttpMethods.IsHead(context.Request.Method)
            ? Task.CompletedTask
            : context.Response.Body.WriteAsync(body, 0, body.Length);
    }
}
