using System.Net;
using System.Text.Json;
using EdgeSync.Nats.Broker;

namespace EdgeSync.IntegrationTests.Net.Nats;

/// <summary>The monitoring port, read as tools for nats-server read it.</summary>
public sealed class MonitoringTests
{
    private static readonly string[] VarzFields =
    [
        "server_id", "server_name", "version", "proto", "go", "host", "port", "max_connections", "ping_interval",
            "ping_max", "http_host", "http_port",
        "http_base_path", "https_port", "auth_timeout", "max_control_line", "max_payload", "max_pending", "cluster",
            "gateway", "leaf", "mqtt",
        "websocket", "jetstream", "tls_timeout", "write_deadline", "start", "now", "uptime", "mem", "cores",
            "gomaxprocs", "cpu", "connections",
        "total_connections", "routes", "remotes", "leafnodes", "in_msgs", "out_msgs", "in_bytes", "out_bytes",
            "slow_consumers", "subscriptions",
        "http_req_stats", "config_load_time",
    ];

    [Test]
    public async Task Varz_has_the_fields_and_the_numbers()
    {
        await using var test = await StartAsync();
        await using var client = await LineClient.OpenAsync(test.Url);
        await client.SendAsync("SUB a 1\r\nSUB b 2\r\nPUB a 5\r\nhello\r\nPING\r\n");
        while (await client.ReadLineAsync() != "PONG")
        {
        }

        var varz = await GetAsync(test, "/varz");

        Assert.Superset(VarzFields.ToHashSet(), varz.EnumerateObject().Select(p => p.Name).ToHashSet());
        Assert.Equal("test", varz.GetProperty("server_name").GetString());
        Assert.Equal(test.Url.Port, varz.GetProperty("port").GetInt32());
        Assert.Equal(120_000_000_000, varz.GetProperty("ping_interval").GetInt64());
        Assert.Equal(1, varz.GetProperty("connections").GetInt32());
        Assert.Equal(2, varz.GetProperty("subscriptions").GetInt32());
        Assert.Equal(1, varz.GetProperty("in_msgs").GetInt64());
        Assert.Equal(5, varz.GetProperty("out_bytes").GetInt64());
        Assert.True(varz.GetProperty("mem").GetInt64() > 1_000_000);
        Assert.Equal(1, varz.GetProperty("http_req_stats").GetProperty("/varz").GetInt64());
    }

    [Test]
    [Arguments("/routez", "num_routes routes")]
    [Arguments("/gatewayz", "outbound_gateways inbound_gateways")]
    [Arguments("/accountz", "accounts")]
    [
        Arguments(
            "/jsz",
            "disabled config memory storage reserved_memory reserved_storage accounts ha_assets api streams consumers "
                + "messages bytes")]
    public async Task Parts_that_are_not_here_say_so_in_their_usual_shape(string page, string fields)
    {
        await using var test = await StartAsync();

        var report = await GetAsync(test, page);

        Assert.Equal(["server_id", "now", .. fields.Split(' ')], report.EnumerateObject().Select(p => p.Name));
        using var http = new HttpClient();
        Assert.Contains(
            page + "\n",
            await http.GetStringAsync(
                new Uri(test.Broker.MonitoringUrl!, "/"),
                TestContext.Current!.Execution.CancellationToken), StringComparison.Ordinal);
    }

    [Test]
    public async Task Connz_lists_open_and_closed_connections()
    {
        await using var test = await StartAsync(
            new BrokerOptions { ServerName = "test", Users = [new BrokerUser { Name = "ann", Password = "p" }] });
        await using var client = await LineClient.ConnectAsync(test.Url);
        await client.OpenAsync(
            "\"user\":\"ann\",\"pass\":\"p\",\"name\":\"desk\",\"lang\":\"test\",\"version\":\"1.2\"");
        await client.SendAsync("SUB a.> 1\r\nSUB b q 2\r\nUNSUB 2 7\r\nPING\r\n");
        await client.ReadLineAsync();
        await using (var gone = await LineClient.ConnectAsync(test.Url))
        {
            await gone.SendAsync("PING\r\n");
            await gone.ReadToEndAsync();
        }

        await TestBroker.UntilAsync(() => test.Broker.ClientCount == 1, "the stranger is gone");

        var open = (await GetAsync(test, "/connz?subs=detail&auth=1")).GetProperty("connections").EnumerateArray()
            .Single();
        Assert.Equal("desk", open.GetProperty("name").GetString());
        Assert.Equal("ann", open.GetProperty("authorized_user").GetString());
        Assert.Equal("nats", open.GetProperty("type").GetString());
        Assert.Equal("127.0.0.1", open.GetProperty("ip").GetString());
        Assert.Equal(2, open.GetProperty("subscriptions").GetInt32());
        var queue = open.GetProperty("subscriptions_list_detail").EnumerateArray()
            .Single(s => s.GetProperty("sid").GetString() == "2");
        Assert.Equal("q", queue.GetProperty("qgroup").GetString());
        Assert.Equal(7, queue.GetProperty("max").GetInt32());

        var closed = (await GetAsync(test, "/connz?state=closed")).GetProperty("connections").EnumerateArray().Single();
        Assert.Equal("Authentication Failure", closed.GetProperty("reason").GetString());
        Assert.Equal(2, (await GetAsync(test, "/connz?state=all&sort=bytes_to")).GetProperty("total").GetInt32());
        Assert.Equal(0, (await GetAsync(test, "/connz?user=bob")).GetProperty("num_connections").GetInt32());
        var subjects = (await GetAsync(test, "/connz?subs=1")).GetProperty("connections")[0]
            .GetProperty("subscriptions_list");
        Assert.Equal(["a.>", "b"], subjects.EnumerateArray().Select(s => s.GetString()!).Order());
    }

    [Test]
    public async Task Subsz_counts_the_trie()
    {
        await using var test = await StartAsync();
        await using var client = await LineClient.OpenAsync(test.Url);
        await client.SendAsync("SUB a 1\r\nSUB b 2\r\nUNSUB 2\r\nPUB a 0\r\n\r\nPING\r\n");
        while (await client.ReadLineAsync() != "PONG")
        {
        }

        var counts = await GetAsync(test, "/subsz");
        var list = await GetAsync(test, "/subsz?subs=1");

        Assert.Equal(1, counts.GetProperty("num_subscriptions").GetInt32());
        Assert.Equal(2, counts.GetProperty("num_inserts").GetInt64());
        Assert.Equal(1, counts.GetProperty("num_removes").GetInt64());
        Assert.Equal(1, counts.GetProperty("max_fanout").GetInt32());
        Assert.False(counts.TryGetProperty("subscriptions_list", out _));
        Assert.Equal("a", list.GetProperty("subscriptions_list")[0].GetProperty("subject").GetString());
    }

    [Test]
    public async Task Health_leaves_callbacks_and_wrong_requests()
    {
        await using var test = await StartAsync();
        using var http = new HttpClient { BaseAddress = test.Broker.MonitoringUrl };
        var token = TestContext.Current!.Execution.CancellationToken;

        Assert.Equal("ok", (await GetAsync(test, "/healthz")).GetProperty("status").GetString());
        Assert.Equal(0, (await GetAsync(test, "/leafz")).GetProperty("leafnodes").GetInt32());
        Assert.StartsWith(
            "f({", await http.GetStringAsync(new Uri("/healthz?callback=f", UriKind.Relative), token),
            StringComparison.Ordinal);
        Assert.Equal(
            HttpStatusCode.BadRequest,
            (await http.GetAsync(new Uri("/healthz?callback=a(b)", UriKind.Relative), token)).StatusCode);
        Assert.Equal(
            HttpStatusCode.BadRequest,
            (await http.GetAsync(new Uri("/connz?limit=x", UriKind.Relative), token)).StatusCode);
        Assert.Equal(
            HttpStatusCode.BadRequest,
            (await http.GetAsync(new Uri("/connz?sort=x", UriKind.Relative), token)).StatusCode);
        Assert.Equal(
            HttpStatusCode.NotFound, (await http.GetAsync(new Uri("/nope", UriKind.Relative), token)).StatusCode);

        await test.Broker.EnterLameDuckAsync();
        Assert.Equal(
            HttpStatusCode.ServiceUnavailable,
            (await http.GetAsync(new Uri("/healthz", UriKind.Relative), token)).StatusCode);
    }

    private static Task<TestBroker> StartAsync(BrokerOptions? options = null) =>
        TestBroker.StartAsync(options, o => o with { MonitoringListen = new IPEndPoint(IPAddress.Loopback, 0) });

    private static async Task<JsonElement> GetAsync(TestBroker test, string path)
    {
        using var http = new HttpClient { BaseAddress = test.Broker.MonitoringUrl };
        var text = await http.GetStringAsync(
            new Uri(path, UriKind.Relative), TestContext.Current!.Execution.CancellationToken);
        return JsonDocument.Parse(text).RootElement;
    }
}
