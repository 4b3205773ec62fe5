using System.Net;
using System.Net.Sockets;
using System.Text;
using EdgeSync.Net.Http;
using EdgeSync.Tests.Support;

namespace EdgeSync.IntegrationTests.Net;

/// <summary>
/// What one address takes of an HTTP port, it takes from itself. Strangers and others come from addresses of loopback.
/// </summary>
public sealed class StrangerShareTests
{
    private const string Head = "POST / HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-fossil-uncompressed\r\n";
    private static readonly IPAddress Stranger = IPAddress.Parse("127.0.0.2");
    private static readonly IPAddress Other = IPAddress.Parse("127.0.0.3");

    [Test]
    public async Task Endless_bodies_do_not_block_other_clients()
    {
        await using var server = await TestServer.StartAsync(o => o with { ConcurrentExchangesMax = 4 });
        using var crowd = new Crowd();
        for (var i = 0; i < 70; i++)
            await crowd.OpenAsync(Stranger, server, $"{Head}Content-Length: 1000000\r\n\r\n{new string('a', 130)}");

        Assert.EndsWith("abc", await AskAsync(Other, server, "abc"), StringComparison.Ordinal);
        Assert.EndsWith("abc", await AskAsync(Stranger, server, "abc"), StringComparison.Ordinal);
    }

    [Test]
    public async Task An_address_makes_room_among_its_own_connections()
    {
        await using var server = await TestServer.StartAsync(
            o => o with { ConnectionsMax = 20, ConnectionsPerAddressMax = 10 });
        using var others = new Crowd();
        var kept = await others.OpenAsync(Other, server, "");
        using var crowd = new Crowd();
        for (var i = 0; i < 30; i++) await crowd.OpenAsync(Stranger, server, "");

        Assert.EndsWith("abc", await AskAsync(Stranger, server, "abc"), StringComparison.Ordinal);
        Assert.Equal(0, await EndOfAsync(crowd[0]));
        await kept.SendAsync(Encoding.ASCII.GetBytes("GET /healthz HTTP/1.0\r\n\r\n"));
        Assert.NotEqual(0, await EndOfAsync(kept));
    }

    [Test]
    public async Task A_full_port_closes_the_oldest_idle_connection_of_the_busiest_address()
    {
        await using var server = await TestServer.StartAsync(
            o => o with { ConnectionsMax = 20, ConnectionsPerAddressMax = 20 });
        using var others = new Crowd();
        var kept = await others.OpenAsync(Other, server, "");
        using var crowd = new Crowd();
        for (var i = 0; i < 19; i++) await crowd.OpenAsync(Stranger, server, "");

        Assert.EndsWith("abc", await AskAsync(Other, server, "abc"), StringComparison.Ordinal);
        Assert.Equal(0, await EndOfAsync(crowd[0]));
        await kept.SendAsync(Encoding.ASCII.GetBytes("GET /healthz HTTP/1.0\r\n\r\n"));
        Assert.NotEqual(0, await EndOfAsync(kept));
    }

    [Test]
    public async Task Memory_is_reclaimed_from_the_address_with_most_unfinished_bytes()
    {
        var budget = new ByteBudget(1_000_000);
        await using var server = await TestServer.StartAsync(o => o with { Memory = budget });
        using var crowd = new Crowd();
        for (var i = 0; i < 7; i++)
            await crowd.OpenAsync(Stranger, server, $"{Head}Content-Length: 400000\r\n\r\n{new string('a', 120_000)}");
        await Patience.UntilAsync(
            () => budget.Taken >= 7 * 120_000, TimeSpan.FromMinutes(1), () => $"{budget.Taken} bytes are taken");

        Assert.EndsWith("b", await AskAsync(Other, server, new string('b', 300_000)), StringComparison.Ordinal);
        Assert.InRange(budget.Taken, 1, 1_000_000);
    }

    [Test]
    public async Task Clients_that_do_not_read_replies_block_no_other()
    {
        await using var server = await TestServer.StartAsync(
            o => o with { ConcurrentExchangesMax = 4, Memory = new ByteBudget(100_000_000) });
        server.Answer = (request, _) =>
            ValueTask.FromResult(new XferHttpReply(200, request.ContentType, new byte[8 << 20]));
        using var crowd = new Crowd();
        for (var i = 0; i < 40; i++) await crowd.OpenAsync(Stranger, server, $"{Head}Content-Length: 1\r\n\r\na");
        await Patience.UntilAsync(
            () => server.Requests.Count >= 12, TimeSpan.FromMinutes(1), () => $"{server.Requests.Count} requests");

        server.Answer = (request, _) =>
            ValueTask.FromResult(new XferHttpReply(200, request.ContentType, request.Body.ToArray()));

        Assert.EndsWith("abc", await AskAsync(Other, server, "abc"), StringComparison.Ordinal);
    }

    private static async Task<string> AskAsync(IPAddress from, TestServer server, string body)
    {
        using var crowd = new Crowd();
        var socket = await crowd.OpenAsync(
            from, server, $"{Head}Connection: close\r\nContent-Length: {body.Length}\r\n\r\n{body}");
        using var reply = new MemoryStream();
        await using var stream = new NetworkStream(socket);
        await stream.CopyToAsync(reply, TestContext.Current!.Execution.CancellationToken)
            .WaitAsync(TimeSpan.FromSeconds(60), TestContext.Current!.Execution.CancellationToken);
        return Encoding.ASCII.GetString(reply.ToArray());
    }

    // 0: closed, with or without a reset.
    private static async Task<int> EndOfAsync(Socket socket)
    {
        try
        {
            return await socket.ReceiveAsync(new byte[100])
                .WaitAsync(TimeSpan.FromSeconds(60), TestContext.Current!.Execution.CancellationToken);
        }
        catch (SocketException)
        {
            return 0;
        }
    }

    /// <summary>Sockets that are closed together.</summary>
    private sealed class Crowd : IDisposable
    {
        private readonly List<Socket> _sockets = [];

        public Socket this[int index] => _sockets[index];

        /// <summary>
        /// Ends when the server has seen the connection: they enter in the order in which they are opened.
        /// </summary>
        public async Task<Socket> OpenAsync(IPAddress from, TestServer server, string says)
        {
            var seen = server.ConnectionsSeen;
            var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
            _sockets.Add(socket);
            socket.Bind(new IPEndPoint(from, 0));
            await socket.ConnectAsync(
                IPAddress.Loopback, server.Port, TestContext.Current!.Execution.CancellationToken);
            await Patience.UntilAsync(
                () => server.ConnectionsSeen > seen, TimeSpan.FromMinutes(1), () => "the connection is not accepted");
            if (says.Length > 0)
                await socket.SendAsync(Encoding.ASCII.GetBytes(says), TestContext.Current!.Execution.CancellationToken);
            return socket;
        }

        public void Dispose()
        {
            foreach (var socket in _sockets) socket.Dispose();
        }
    }
}
