using System.Net;
using System.Net.WebSockets;
using System.Text;
using EdgeSync.Nats.Broker;

namespace EdgeSync.IntegrationTests.Net.Nats;

public sealed class NatsBrokerWebSocketTests
{
    private const string Upgrade =
        "GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: "
            + "dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n";

    [Test]
    public async Task The_protocol_runs_inside_frames_cut_anywhere()
    {
        await using var test = await StartAsync();
        using var client = await OpenAsync(test.Broker.WebSocketUrl!);

        await SendAsync(client, "CONNECT {\"verbose\":false}\r\nSUB a 1\r\nPU", WebSocketMessageType.Binary);
        await SendAsync(client, "B a 5\r\nhel", WebSocketMessageType.Text);
        await SendAsync(client, "lo\r\n", WebSocketMessageType.Binary);

        Assert.Equal("MSG a 1 5\r\nhello\r\n", await ReadAsync(client));
        await client.CloseAsync(WebSocketCloseStatus.NormalClosure, null, LineClient.Patience);
        await TestBroker.UntilAsync(() => test.Broker.ClientCount == 0, "the client is gone");
    }

    [Test]
    public async Task The_answer_to_the_upgrade_is_the_one_of_the_standard()
    {
        await using var test = await StartAsync();
        await using var client = await LineClient.ConnectAsync(test.Broker.WebSocketUrl!);

        await client.SendAsync(Upgrade + "\r\n");

        Assert.Equal("HTTP/1.1 101 Switching Protocols", await client.ReadLineAsync());
        Assert.Equal("Upgrade: websocket", await client.ReadLineAsync());
        Assert.Equal("Connection: Upgrade", await client.ReadLineAsync());
        Assert.Equal("Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=", await client.ReadLineAsync());
    }

    [Test]
    [Arguments("GET / HTTP/1.1\r\nHost: x\r\n\r\n", "HTTP/1.1 400 Bad Request")]
    [Arguments("POST / HTTP/1.1\r\nHost: x\r\n\r\n", "HTTP/1.1 405 Method Not Allowed")]
    [Arguments("GET /mqtt HTTP/1.1\r\nHost: x\r\n\r\n", "HTTP/1.1 404 Not Found")]
    [Arguments("GET /leafnode HTTP/1.1\r\nHost: x\r\n\r\n", "HTTP/1.1 404 Not Found")]
    [Arguments(Upgrade + "Origin: http://evil.example\r\n\r\n", "HTTP/1.1 403 Forbidden")]
    [Arguments(Upgrade + "Origin: http://good.example\r\n\r\n", "HTTP/1.1 101 Switching Protocols")]
    public async Task Other_requests_are_answered_with_a_status(string request, string expected)
    {
        await using var test = await StartAsync();
        await using var client = await LineClient.ConnectAsync(test.Broker.WebSocketUrl!);

        await client.SendAsync(request);

        Assert.Equal(expected, await client.ReadLineAsync());
    }

    [Test]
    public async Task Frames_without_a_mask_end_the_connection()
    {
        await using var test = await StartAsync();
        await using var client = await LineClient.ConnectAsync(test.Broker.WebSocketUrl!);
        await client.SendAsync(Upgrade + "\r\n");

        await client.SendAsync([0x82, 0x04, (byte)'P', (byte)'I', (byte)'N', (byte)'G']);

        await client.ReadToEndAsync();
        await TestBroker.UntilAsync(() => test.Broker.ClientCount == 0, "the client is gone");
    }

    [Test]
    [Arguments("")]
    [Arguments("GET / HTTP/1.1\r\n")]
    public async Task A_request_that_does_not_end_in_time_is_cut(string begin)
    {
        await using var test = await TestBroker.StartAsync(
            new BrokerOptions { ServerName = "test", AuthenticationTimeout = TimeSpan.FromMilliseconds(200) },
            o => o with { WebSocketListen = new IPEndPoint(IPAddress.Loopback, 0) });
        await using var client = await LineClient.ConnectAsync(test.Broker.WebSocketUrl!);

        await client.SendAsync(begin);

        await client.ReadToEndAsync();
        await TestBroker.UntilAsync(() => test.Refused.Count == 1, "it was reported");
    }

    [Test]
    public async Task An_address_has_no_more_places_here_than_at_the_other_ports()
    {
        await using var test = await TestBroker.StartAsync(
            new BrokerOptions { ServerName = "test" },
            o => o with
            {
                WebSocketListen = new IPEndPoint(IPAddress.Loopback, 0),
                ConnectionsPerAddressMax = 1,
            });
        using var client = await OpenAsync(test.Broker.WebSocketUrl!);
        await SendAsync(client, "CONNECT {\"verbose\":false}\r\nSUB a 1\r\nPING\r\n", WebSocketMessageType.Binary);
        Assert.Equal("PONG\r\n", await ReadAsync(client));

        await using var second = await LineClient.ConnectAsync(test.Broker.WebSocketUrl!);

        Assert.Equal("-ERR 'maximum connections exceeded'", await second.ReadLineAsync());
        await TestBroker.UntilAsync(() => test.Refused.Count == 1, "it was reported");
        Assert.Equal(["maximum connections exceeded"], test.Refused);
    }

    [Test]
    public async Task Browsers_get_short_frames()
    {
        await using var test = await StartAsync();
        using var client = await OpenAsync(test.Broker.WebSocketUrl!, "Mozilla/5.0");
        await SendAsync(client, "CONNECT {\"verbose\":false}\r\nSUB a 1\r\n", WebSocketMessageType.Binary);

        await SendAsync(client, $"PUB a 10000\r\n{new string('x', 10_000)}\r\n", WebSocketMessageType.Binary);

        var buffer = new byte[64 * 1024];
        var size = 0;
        while (size < 10_000)
        {
            var frame = await client.ReceiveAsync(buffer.AsMemory(), LineClient.Patience);
            Assert.InRange(frame.Count, 1, 4096);
            size += frame.Count;
        }
    }

    [Test]
    public async Task An_error_is_sent_before_the_close_frame()
    {
        await using var test = await StartAsync();
        using var client = await OpenAsync(test.Broker.WebSocketUrl!);

        await SendAsync(client, "PUB a 99999999\r\n", WebSocketMessageType.Binary);

        Assert.Equal("-ERR 'Maximum Payload Violation'\r\n", await ReadAsync(client));
        Assert.Equal("", await ReadAsync(client));
        Assert.Equal(WebSocketCloseStatus.MessageTooBig, client.CloseStatus);
    }

    [Test]
    [Arguments(true, true)]
    [Arguments(true, false)]
    [Arguments(false, true)]
    public async Task Messages_are_compressed_if_both_sides_support_it(bool offered, bool asked)
    {
        await using var test = await StartAsync(compresses: offered);
        await using var client = await LineClient.ConnectAsync(test.Broker.WebSocketUrl!);

        await client.SendAsync(
            Upgrade + (
                asked ? "Sec-WebSocket-Extensions: foo, permessage-deflate; client_max_window_bits\r\n\r\n" : "\r\n"));
        var answer = "";
        for (var line = await client.ReadLineAsync(); line.Length > 0; line = await client.ReadLineAsync())
            answer += line + "\n";

        const string Extension =
            "Sec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover; client_no_context_takeover\n";
        Assert.Equal(offered && asked, answer.Contains(Extension, StringComparison.Ordinal));
    }

    [Test]
    public async Task Compressed_messages_arrive_whole_both_ways()
    {
        await using var test = await StartAsync(compresses: true);
        using var client = new ClientWebSocket();
        client.Options.DangerousDeflateOptions = new WebSocketDeflateOptions();
        await client.ConnectAsync(test.Broker.WebSocketUrl!, LineClient.Patience);
        await ReadAsync(client);
        var text = string.Concat(Enumerable.Range(0, 3000).Select(i => $"line {i} "));

        await SendAsync(client, "CONNECT {\"verbose\":false}\r\nSUB a 1\r\n", WebSocketMessageType.Binary);
        await SendAsync(client, $"PUB a {text.Length}\r\n{text}\r\nPUB a 2\r\nhi\r\n", WebSocketMessageType.Binary);

        var expected = $"MSG a 1 {text.Length}\r\n{text}\r\nMSG a 1 2\r\nhi\r\n";
        var received = "";
        while (received.Length < expected.Length) received += await ReadAsync(client);
        Assert.Equal(expected, received);
    }

    /// <summary>
    /// Without a list a page may talk to the broker of its own host and port; a program sends no origin (S13).
    /// </summary>
    [Test]
    [Arguments("http://evil.example", false)]
    [Arguments("null", false)]
    [Arguments("http://{host}", true)]
    [Arguments(null, true)]
    public async Task Pages_of_other_hosts_are_refused_unless_they_are_listed(string? origin, bool isAllowed)
    {
        await using var test = await TestBroker.StartAsync(
            new BrokerOptions { ServerName = "test" },
            o => o with { WebSocketListen = new IPEndPoint(IPAddress.Loopback, 0) });
        using var client = new ClientWebSocket();
        var url = test.Broker.WebSocketUrl!;
        if (origin is not null)
            client.Options.SetRequestHeader(
                "Origin", origin.Replace("{host}", url.Authority, StringComparison.Ordinal));

        var attempt = client.ConnectAsync(url, LineClient.Patience);

        if (isAllowed) await attempt;
        else await Assert.ThrowsAsync<WebSocketException>(() => attempt);
    }

    private static Task<TestBroker> StartAsync(bool compresses = false) => TestBroker.StartAsync(
        new BrokerOptions { ServerName = "test" },
        o => o with
        {
            WebSocketListen = new IPEndPoint(IPAddress.Loopback, 0),
            WebSocketOrigins = ["http://good.example"],
            WebSocketCompression = compresses
        });

    private static async Task<ClientWebSocket> OpenAsync(Uri url, string? userAgent = null)
    {
        var client = new ClientWebSocket();
        if (userAgent is not null) client.Options.SetRequestHeader("User-Agent", userAgent);
        await client.ConnectAsync(url, LineClient.Patience);
        Assert.StartsWith("INFO {", await ReadAsync(client), StringComparison.Ordinal);
        return client;
    }

    private static async Task SendAsync(ClientWebSocket client, string text, WebSocketMessageType type) =>
        await client.SendAsync(Encoding.UTF8.GetBytes(text), type, endOfMessage: true, LineClient.Patience);

    private static async Task<string> ReadAsync(ClientWebSocket client)
    {
        var buffer = new byte[64 * 1024];
        var frame = await client.ReceiveAsync(buffer.AsMemory(), LineClient.Patience);
        return Encoding.UTF8.GetString(buffer, 0, frame.Count);
    }
}
