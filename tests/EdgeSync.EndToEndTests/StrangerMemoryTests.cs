using System.Net.Sockets;
using System.Text;
using EdgeSync.Tests.Support;

namespace EdgeSync.EndToEndTests;

/// <summary>
/// A stranger with every verb of every port cannot end a node that has little memory, nor keep others out of it. Each
/// sender is bounded in bytes and in time; what the node does not take any more is not sent.
/// </summary>
public sealed class StrangerMemoryTests
{
    private const string Connect = "CONNECT {\"verbose\":false,\"headers\":true,\"no_responders\":true}\r\n";
    private const string LeafConnect =
        "CONNECT {\"version\":\"2.10.0\",\"name\":\"NAME\",\"cluster\":\"NAME\",\"headers\":true}\r\n";
    private const string Upgrade =
        "GET PATH HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: "
            + "13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
    private const string Post = "POST / HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-fossil\r\n";

    private static readonly TimeSpan SendMax = TimeSpan.FromSeconds(2);

    [Test]
    public async Task Flooding_any_port_closes_the_sender_and_not_the_node()
    {
        using var edgesync = new EdgeSyncProgram();
        edgesync.Ok("repo", "new", "a.fossil");
        using var hub = new RunningNode(
            edgesync, "leaf", "--repo", "a.fossil", "--name", "hub", "--nats-client-port", "0", "--nats-leaf-port", "0",
            "--nats-websocket-port", "0", "--memory-limit", "96M");
        edgesync.Ok("repo", "new", "b.fossil");
        using var leaf = new RunningNode(
            edgesync, "leaf", "--repo", "b.fossil", "--name", "other", "--nats", hub.Address("nats-leaf"),
            "--nats-client-port", "0", "--memory-limit", "96M");

        foreach (var (name, port, count, head, lines) in Attacks())
        {
            using var senders = new Senders();
            await senders.SendAsync(new Uri(hub.Address(port)).Port, count, head, lines);
            if (port == "nats") await senders.SendAsync(new Uri(leaf.Address(port)).Port, count, head, lines);

            // While they are still connected.
            await RequireServiceAsync(hub, name);
            await RequireServiceAsync(leaf, name);
            var errors = hub.Errors + leaf.Errors;
            Assert.True(
                !errors.Contains("OutOfMemory", StringComparison.Ordinal), $"'{name}' used up the memory:\n{errors}");
        }

        await leaf.UntilAsync(
            async n => (await n.StatusAsync()).GetProperty("nats").GetProperty("state").GetString() == "connected",
            "the link is there");
        Assert.Equal(0, leaf.Stop());
        Assert.Equal(0, hub.Stop());
    }

    private static IEnumerable<(
        string Name, string Port, int Count, Func<int, string> Head, Func<int, int, string?> Lines)> Attacks()
    {
        const int Many = 250_000;
        yield return ("SUB, a literal each", "nats", 4, _ => Connect, (_, i) => i < Many ? $"SUB s.{i} {i}\r\n" : null);
        yield return (
            "SUB, a wildcard each", "nats", 4, _ => Connect, (_, i) => i < Many ? $"SUB w.{i}.> {i}\r\n" : null);
        yield return (
            "SUB, a queue each", "nats", 4, _ => Connect, (_, i) => i < Many ? $"SUB one q{i} {i}\r\n" : null);
        var deep = string.Join('.', Enumerable.Repeat("a", 1_900));
        yield return (
            "SUB, two thousand tokens", "nats", 4, _ => Connect,
            (_, i) => i < 5_000 ? $"SUB {deep}.{i} {i}\r\n" : null);
        yield return (
            "SUB and UNSUB for ever", "nats", 4, _ => Connect,
            (_, i) => i < Many ? $"SUB u.{i} {i}\r\nUNSUB {i}\r\n" : null);
        yield return (
            "PUB that does not end", "nats", 300, _ => Connect,
            (_, i) => i == 0 ? $"PUB a 1000000\r\n{new string('x', 700_000)}" : null);
        yield return (
            "PUB to its own deaf self", "nats", 20, _ => Connect + "SUB > 1\r\n",
            (_, i) => i < 50 ? $"PUB a 500000\r\n{new string('x', 500_000)}\r\n" : null);
        yield return (
            "PUB to thousands of subjects", "nats", 2,
            _ => Connect + string.Concat(Enumerable.Range(0, 3_000).Select(n => $"SUB > {n}\r\n")),
            (_, i) => i < 5_000 ? $"PUB p.{i} 0\r\n\r\n" : null);
        yield return (
            "HPUB with long headers", "nats", 8, _ => Connect,
            (_, i) => i < 30 ? $"HPUB h 400020 400020\r\nNATS/1.0\r\nA: {new string('h', 400_003)}\r\n\r\n\r\n" : null);
        yield return ("PING without reading", "nats", 20, _ => Connect, (_, i) => i < 200_000 ? "PING\r\n" : null);
        yield return (
            "CONNECT again and again", "nats", 4, _ => Connect,
            (_, i) => i < 5_000 ? $"CONNECT {{\"name\":\"{new string('n', 3_000)}\"}}\r\n" : null);
        yield return (
            "A line that does not end", "nats", 100, _ => Connect, (_, i) => i < 100 ? new string('s', 1_000) : null);
        yield return (
            "Requests for a reply", "nats", 4, _ => Connect,
            (_, i) => i < 50_000 ? $"PUB n.{i} _INBOX.{i} 0\r\n\r\n" : null);
        yield return ("Connections that say nothing", "nats", 800, _ => "", (_, _) => null);

        yield return (
            "LS+, a literal each", "nats-leaf", 3, i => LeafConnect.Replace("NAME", $"n{i}", StringComparison.Ordinal),
            (_, i) => i < Many ? $"LS+ s.{i}\r\n" : null);
        yield return (
            "LS+ with queues", "nats-leaf", 3, i => LeafConnect.Replace("NAME", $"n{i}", StringComparison.Ordinal),
            (_, i) => i < Many ? $"LS+ one q{i} 5\r\n" : null);
        yield return (
            "LS+ and LS-", "nats-leaf", 3, i => LeafConnect.Replace("NAME", $"n{i}", StringComparison.Ordinal),
            (_, i) => i < Many ? $"LS+ l.{i}\r\nLS- l.{i}\r\n" : null);
        yield return (
            "Loop marks", "nats-leaf", 3, i => LeafConnect.Replace("NAME", $"n{i}", StringComparison.Ordinal),
            (_, i) => i < Many ? $"LS+ $LDS.{i}\r\n" : null);
        yield return (
            "LMSG that does not end", "nats-leaf", 200,
            i => LeafConnect.Replace("NAME", $"n{i}", StringComparison.Ordinal),
            (_, i) => i == 0 ? $"LMSG a 1000000\r\n{new string('x', 700_000)}" : null);
        yield return (
            "LMSG to a deaf link", "nats-leaf", 6,
            i => LeafConnect.Replace("NAME", $"n{i}", StringComparison.Ordinal) + "LS+ >\r\n",
            (_, i) => i < 50 ? $"LMSG a 500000\r\n{new string('x', 500_000)}\r\n" : null);

        yield return (
            "WebSocket: SUB", "websocket", 4, _ => Upgrade.Replace("PATH", "/", StringComparison.Ordinal),
            (_, i) => i == 0 ? Frame(Connect) : i < 100_000 ? Frame($"SUB v.{i} {i}\r\n") : null);
        yield return (
            "WebSocket: a frame of a gigabyte", "websocket", 50,
            _ => Upgrade.Replace("PATH", "/", StringComparison.Ordinal),
            (_, i) => i == 0 ? "\u0082\u00ff\0\0\0\0\u0040\0\0\0\0\0\0\0" + new string('x', 500_000) : null);
        yield return (
            "WebSocket: LS+", "websocket", 3, _ => Upgrade.Replace("PATH", "/leafnode", StringComparison.Ordinal),
            (_, i) => i == 0 ? Frame(
                LeafConnect.Replace(
                    "NAME", "w", StringComparison.Ordinal)) : i < 100_000 ? Frame($"LS+ v.{i}\r\n") : null);
        yield return (
            "WebSocket: a request that does not end", "websocket", 300, _ => "GET / HTTP/1.1\r\n",
            (_, i) => i < 15 ? $"A{i}: {new string('a', 1_000)}\r\n" : null);

        yield return (
            "HTTP: bodies that do not end", "http", 200, _ => $"{Post}Content-Length: 200000000\r\n\r\n",
            (_, i) => i < 10 ? new string('a', 100_000) : null);
        yield return (
            "HTTP: chunks that do not end", "http", 100, _ => $"{Post}Transfer-Encoding: chunked\r\n\r\n",
            (_, i) => i < 20 ? $"186a0\r\n{new string('a', 100_000)}\r\n" : null);
        yield return (
            "HTTP: headers that do not end", "http", 300, _ => "GET / HTTP/1.1\r\nHost: x\r\n",
            (_, i) => i < 200 ? $"A{i}: {new string('a', 100)}\r\n" : null);
        yield return (
            "HTTP: pages without reading", "http", 50, _ => "",
            (_, i) => i < 5_000 ? "GET /status HTTP/1.1\r\nHost: x\r\n\r\n" : null);
        yield return (
            "HTTP: bombs", "http", 20, _ => "",
            (_, i) => i < 5 ? $"{Post}Content-Length: 500000\r\n\r\n\u0001\u0040\0\0{new string('\0', 499_996)}"
                : null);
        yield return ("HTTP: connections that say nothing", "http", 1_100, _ => "", (_, _) => null);
    }

    // RFC 6455 §5.2, with a mask of zeros.
    private static string Frame(string text) =>
        text.Length < 126
        ? $"\u0082{(char)(0x80 | text.Length)}\0\0\0\0{text}"
        : $"\u0082\u00fe{(char)(text.Length >> 8)}{(char)(text.Length & 0xff)}\0\0\0\0{text}";

    /// <summary>From another address than the stranger's: a message goes round, and the pages answer.</summary>
    private static async Task RequireServiceAsync(RunningNode node, string after)
    {
        var token = TestContext.Current!.Execution.CancellationToken;
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(token);
        patience.CancelAfter(TimeSpan.FromSeconds(60));
        try
        {
            using var client = Senders.Open("127.0.0.3");
            await client.ConnectAsync("127.0.0.1", new Uri(node.Address("nats")).Port, patience.Token);
            await client.SendAsync(
                Encoding.ASCII.GetBytes(Connect + "SUB round.trip 1\r\nPUB round.trip 5\r\nhello\r\n"), patience.Token);
            await ReadUntilAsync(client, "MSG round.trip 1 5\r\nhello\r\n", patience.Token);

            using var web = Senders.Open("127.0.0.3");
            await web.ConnectAsync("127.0.0.1", new Uri(node.Address("http")).Port, patience.Token);
            await web.SendAsync("GET /healthz HTTP/1.0\r\n\r\n"u8.ToArray(), patience.Token);
            await ReadUntilAsync(web, "ok", patience.Token);
        }
        catch (Exception e) when (e is SocketException or OperationCanceledException or IOException)
        {
            Assert.Fail($"after '{after}' the node does not serve others: {e.Message}\n{node.Errors}");
        }
    }

    private static async Task ReadUntilAsync(Socket socket, string wanted, CancellationToken cancellationToken)
    {
        var (all, buffer) = (new StringBuilder(), new byte[4096]);
        while (!all.ToString().Contains(wanted, StringComparison.Ordinal))
        {
            var read = await socket.ReceiveAsync(buffer, cancellationToken);
            if (read == 0) throw new IOException($"closed after: {all}");
            all.Append(Encoding.Latin1.GetString(buffer, 0, read));
        }
    }

    /// <summary>Connections that send and never read, until they are disposed.</summary>
    private sealed class Senders : IDisposable
    {
        private readonly List<Socket> _sockets = [];

        public static Socket Open(string from)
        {
            var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
            socket.Bind(new System.Net.IPEndPoint(System.Net.IPAddress.Parse(from), 0));
            return socket;
        }

        public async Task SendAsync(int port, int count, Func<int, string> head, Func<int, int, string?> lines)
        {
            using var limit = CancellationTokenSource.CreateLinkedTokenSource(
                TestContext.Current!.Execution.CancellationToken);
            limit.CancelAfter(SendMax);
            var sockets = Enumerable.Range(0, count).Select(_ => Open("127.0.0.2")).ToList();
            _sockets.AddRange(sockets);
            await Task.WhenAll(
                sockets.Select(
                    (socket, index) => SendAsync(socket, port, head(index), i => lines(index, i), limit.Token)));
        }

        public void Dispose()
        {
            foreach (var socket in _sockets) socket.Dispose();
        }

        private static async Task SendAsync(
            Socket socket, int port, string head, Func<int, string?> lines, CancellationToken cancellationToken)
        {
            try
            {
                await socket.ConnectAsync("127.0.0.1", port, cancellationToken);
                var batch = new StringBuilder(head);
                for (var i = 0; lines(i) is { } line; i++)
                {
                    batch.Append(line);
                    if (batch.Length < 64 * 1024) continue;

                    await WriteAsync(socket, batch, cancellationToken);
                }

                await WriteAsync(socket, batch, cancellationToken);
            }
            catch (Exception e) when (e is SocketException or OperationCanceledException)
            {
                // Closed by the node, or it takes no more: both are its right.
            }
        }

        private static async Task WriteAsync(Socket socket, StringBuilder batch, CancellationToken cancellationToken)
        {
            ReadOnlyMemory<byte> bytes = Encoding.Latin1.GetBytes(batch.ToString());
            batch.Clear();
            while (!bytes.IsEmpty) bytes = bytes[await socket.SendAsync(bytes, cancellationToken)..];
        }
    }
}
