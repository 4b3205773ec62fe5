using System.Buffers;
using System.Net;
using System.Net.Sockets;
using System.Text;
using EdgeSync.Fossil.Xfer;
using EdgeSync.IntegrationTests.Net.Nats;
using EdgeSync.Nats.Broker;
using EdgeSync.Net.Http;
using EdgeSync.Net.Nats;
using EdgeSync.Node.Repositories;
using EdgeSync.Node.Web;
using EdgeSync.Primitives;
using EdgeSync.Storage;
using EdgeSync.Tests.Support;
using Microsoft.Extensions.Logging.Abstractions;

namespace EdgeSync.IntegrationTests.Net;

/// <summary>
/// One account of failed logins for the three doors of a node. Its clock stands still, so nothing is forgiven by time.
/// </summary>
public sealed class LoginAccountTests
{
    private const string ProjectCode = "0123456789abcdef0123456789abcdef01234567";
    private const string Right = "right";

    [Test]
    [Arguments("http")]
    [Arguments("nats")]
    [Arguments("broker")]
    public async Task Too_many_failed_logins_at_one_port_throttle_all_ports(string door)
    {
        await using var node = await TestNode.StartAsync();
        Assert.Equal("in", await node.TryAsync("http", "ann", Right));
        Assert.Equal("in", await node.TryAsync("nats", "ann", Right));
        Assert.Equal("in", await node.TryAsync("broker", "ann", Right));

        for (var i = 0; i < 10; i++) Assert.Equal("refused", await node.TryAsync(door, "ann", "wrong"));

        Assert.Equal("waits", await node.TryAsync("http", "ann", Right));
        Assert.Equal("waits", await node.TryAsync("nats", "ann", Right));
        // the broker's words are the same for both
        Assert.Equal("refused", await node.TryAsync("broker", "ann", Right));
    }

    [Test]
    public async Task Guesses_at_several_doors_add_up()
    {
        await using var node = await TestNode.StartAsync();

        foreach (var door in (string[])[
            "http", "nats", "broker", "http", "nats", "broker", "http", "nats", "broker", "http"])
            Assert.Equal("refused", await node.TryAsync(door, "ann", "wrong"));

        Assert.Equal("waits", await node.TryAsync("nats", "ann", Right));
    }

    [Test]
    public async Task Another_login_and_another_address_are_accepted()
    {
        await using var node = await TestNode.StartAsync();

        for (var i = 0; i < 10; i++) Assert.Equal("refused", await node.TryAsync("http", "ann", "wrong"));

        Assert.Equal("in", await node.TryAsync("broker", "bob", Right));
        Assert.Equal("in", await node.TryAsync("http", "bob", Right));
        Assert.Equal("in", await node.TryAsync("http", "ann", Right, IPAddress.Parse("127.0.0.2")));
        Assert.Equal("in", await node.TryAsync("broker", "ann", Right, IPAddress.Parse("127.0.0.2")));
    }

    /// <summary>A repository and a broker with the logins ann and bob, on loopback.</summary>
    private sealed class TestNode : IAsyncDisposable
    {
        private readonly TemporaryFolder _folder = new();
        private readonly StoppedClock _clock = new();
        private readonly LoginAccount _logins;
        private RepositoryHost _host = null!;
        private WebServer _web = null!;
        private NatsBroker _broker = null!;

        private TestNode() => _logins = new LoginAccount(_clock);

        public static async Task<TestNode> StartAsync()
        {
            var token = TestContext.Current!.Execution.CancellationToken;
            var node = new TestNode();
            var path = node._folder["a.fossil"];
            using (var repository = Repository.Create(path, new RepositoryCreateOptions { ProjectCode = ProjectCode }))
            {
                repository.Users.Add("ann", "gio", Right);
                repository.Users.Add("bob", "gio", Right);
            }

            var log = NullLogger.Instance;
            node._host = await RepositoryHost.OpenAsync(path, new RepositoryHostOptions(), node._clock, log, token);
            var web = new NodeWeb(node._logins, log);
            web.Serve([node._host]);
            node._web = await WebServer.StartAsync(
                new WebServerOptions { Listen = [new IPEndPoint(IPAddress.Loopback, 0)] }, web, _ => { }, node._clock,
                token);
            node._broker = await NatsBroker.StartAsync(
                new NatsBrokerOptions
                {
                    Broker = new BrokerOptions
                    {
                        ServerName = "test",
                        Users = [
                            new BrokerUser { Name = "ann", Password = Right },
                            new BrokerUser { Name = "bob", Password = Right }]
                    },
                    Entropy = new SeededEntropy(7),
                    ClientListen = new IPEndPoint(IPAddress.Loopback, 0),
                    Logins = node._logins.Throttle,
                },
                node._clock, null, token);
            return node;
        }

        /// <summary><c>in</c>, <c>refused</c>, or <c>waits</c>.</summary>
        public Task<string> TryAsync(string door, string login, string password, IPAddress? from = null) => door switch
        {
            "http" => OverHttpAsync(login, password, from ?? IPAddress.Loopback),
            "nats" => OverNatsAsync(login, password),
            _ => AtBrokerAsync(login, password, from ?? IPAddress.Loopback),
        };

        public async ValueTask DisposeAsync()
        {
            await _web.DisposeAsync();
            await _broker.DisposeAsync();
            await _host.DisposeAsync();
            _folder.Dispose();
        }

        private async Task<string> OverHttpAsync(string login, string password, IPAddress from)
        {
            var token = TestContext.Current!.Execution.CancellationToken;
            using var handler = new SocketsHttpHandler
            {
                ConnectCallback = async (context, cancellationToken) =>
                    new NetworkStream(
                        await ConnectAsync(from, context.DnsEndPoint.Port, cancellationToken), ownsSocket: true),
            };
            using var http = new HttpClient(handler);
            using var content = new ByteArrayContent(Pull(login, password));
            content.Headers.ContentType = new("application/x-fossil-uncompressed");
            using var reply = await http.PostAsync(new Uri(_web.Addresses[0]), content, token);
            if (reply.StatusCode == HttpStatusCode.TooManyRequests) return "waits";

            Assert.Equal(HttpStatusCode.OK, reply.StatusCode);
            return Verdict(await reply.Content.ReadAsStringAsync(token));
        }

        // As an exchange does whose request came to the embedded broker from loopback.
        private async Task<string> OverNatsAsync(string login, string password)
        {
            using var reply = new PooledBytes();
            var gate = _logins.GateOf("127.0.0.1", _host.FilePath);
            var outcome = await _host.AnswerAsync(
                Pull(login, password), "nats:x", gate, reply, long.MaxValue, default,
                TestContext.Current!.Execution.CancellationToken);
            return outcome.LoginMustWait ? "waits" : Verdict(Encoding.UTF8.GetString(reply.Written.Span));
        }

        private async Task<string> AtBrokerAsync(string login, string password, IPAddress from)
        {
            var socket = await ConnectAsync(from, _broker.ClientUrl!.Port, LineClient.Patience);
            await using var client = new LineClient(new NetworkStream(socket, ownsSocket: true));
            await client.ReadLineAsync();
            await client.SendAsync(
                $"CONNECT {{\"verbose\":false,\"user\":\"{login}\",\"pass\":\"{password}\"}}\r\nPING\r\n");
            return await client.ReadLineAsync() switch
            {
                "PONG" => "in",
                "-ERR 'Authorization Violation'" => "refused",
                var other => other
            };
        }

        private static async Task<Socket> ConnectAsync(IPAddress from, int port, CancellationToken cancellationToken)
        {
            var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
            socket.Bind(new IPEndPoint(from, 0));
            await socket.ConnectAsync(IPAddress.Loopback, port, cancellationToken);
            return socket;
        }

        private static string Verdict(string reply) =>
            reply.Contains("login failed", StringComparison.Ordinal)
            || reply.Contains("login\\sfailed", StringComparison.Ordinal)
            ? "refused"
            : "in";

        private static byte[] Pull(string login, string password)
        {
            var cards = new ArrayBufferWriter<byte>();
            new XferWriter(cards).Pull("89abcdef0123456789abcdef0123456789abcdef", ProjectCode);
            var whole = new ArrayBufferWriter<byte>();
            XferLogin.Write(
                new XferWriter(whole), login, XferLogin.SharedSecret(ProjectCode, login, password), cards.WrittenSpan);
            whole.Write(cards.WrittenSpan);
            return whole.WrittenSpan.ToArray();
        }
    }

    /// <summary>The time does not pass; timers run.</summary>
    private sealed class StoppedClock : TimeProvider
    {
        public override DateTimeOffset GetUtcNow() => new(2026, 11, 28, 12, 0, 0, TimeSpan.Zero);
    }
}
