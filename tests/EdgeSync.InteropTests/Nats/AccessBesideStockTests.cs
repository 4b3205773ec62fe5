using System.Net;
using System.Net.Sockets;
using System.Text;
using EdgeSync.Nats.Broker;
using EdgeSync.Net.Nats;
using EdgeSync.Storage;
using EdgeSync.Tests.Support;

namespace EdgeSync.InteropTests.Nats;

/// <summary>
/// Users with hashed passwords and with leave to answer: our broker and the real nats-server reply alike.
/// </summary>
public sealed class AccessBesideStockTests
{
    private const string Hash = "$2b$08$BFZgAc7ZA8pUJxclud0FWeQz.VezimdE0KBqxsILaLuShdR1uMP5y";   // s3cr3t

    private const string StockUsers = $$"""
        authorization { users: [
          { user: asker, password: "{{Hash}}" }
          { user: once, password: x, permissions: { subscribe: ["svc", "_test"], allow_responses: true } }
          { user: thrice, password: x, permissions: { publish: { allow: ["log.>"], deny: ["inbox.>"] }, allow_responses: { max: 3, expires: "1m" } } }
        ] }
        """;

    private static readonly BrokerOptions OurUsers = new()
    {
        ServerName = "ours",
        Users =
        [
            new BrokerUser { Name = "asker", Password = Hash },
            new BrokerUser
            {
                Name = "once",
                Password = "x",
                Subscribe = new SubjectPermissions(["svc", "_test"], []),
                Responses = new ResponsePermission()
            },
            new BrokerUser
            {
                Name = "thrice",
                Password = "x",
                Publish = new SubjectPermissions(["log.>"], ["inbox.>"]),
                Responses = new ResponsePermission { MessagesMax = 3, Expires = TimeSpan.FromMinutes(1) },
            },
        ],
    };

    [Test]
    [Arguments("asker", "s3cr3t")]
    [Arguments("asker", "secret")]
    [Arguments("asker", "")]
    [Arguments("asker", Hash)]
    [Arguments("once", "x")]
    public async Task Logins_are_judged_the_same(string user, string password)
    {
        await using var brokers = await Both.StartAsync();

        var answers = brokers.Ports.Select(port =>
        {
            using var client = new Talk(port);
            return client.Say(
                $"CONNECT {{\"verbose\":false,\"user\":\"{user}\",\"pass\":\"{password}\"}}\r\nPING\r\n", "\r\n");
        }).ToList();

        Assert.Equal(answers[0], answers[1]);
    }

    [Test]
    [Arguments("once")]
    [Arguments("thrice")]
    public async Task Answers_are_allowed_the_same(string service)
    {
        await using var brokers = await Both.StartAsync();

        var said = brokers.Ports.Select(port =>
        {
            using var asker = new Talk(port, "asker", "s3cr3t");
            using var answerer = new Talk(port, service, "x");
            answerer.Say("SUB svc 1\r\nPING\r\n", "PONG\r\n");
            asker.Say("SUB inbox.* 2\r\nPUB svc inbox.1 1\r\n?\r\nPING\r\n", "PONG\r\n");
            var text = answerer.Say("", "?\r\n");
            text += answerer.Say(
                string.Concat(
                    Enumerable.Repeat(
                        "PUB inbox.1 1\r\n!\r\n",
                        5)) + "PUB inbox.2 0\r\n\r\nPUB log.a 0\r\n\r\nPUB svc 0\r\n\r\nPING\r\n", "PONG\r\n");
            return text + asker.Say("PING\r\n", "PONG\r\n");
        }).ToList();

        Assert.Equal(said[0], said[1]);
    }

    /// <summary>The real server and our broker, with the same users.</summary>
    private sealed class Both(StockNats stock, NatsBroker ours) : IAsyncDisposable
    {
        public int[] Ports => [stock.Port, ours.ClientUrl!.Port];

        public static async Task<Both> StartAsync() => new(
            StockNats.Start(StockUsers),
            await NatsBroker.StartAsync(
                new NatsBrokerOptions
                {
                    Broker = OurUsers,
                    Entropy = SystemEntropy.Instance,
                    ClientListen = new IPEndPoint(IPAddress.Loopback, 0)
                },
                TimeProvider.System, null, TestContext.Current!.Execution.CancellationToken));

        public async ValueTask DisposeAsync()
        {
            await ours.DisposeAsync();
            stock.Dispose();
        }
    }

    private sealed class Talk : IDisposable
    {
        private readonly Socket _socket = new(SocketType.Stream, ProtocolType.Tcp)
        {
            NoDelay = true,
            ReceiveTimeout = 10_000
        };

        public Talk(int port)
        {
            _socket.Connect(IPAddress.Loopback, port);
            Say("", "\r\n");
        }

        public Talk(int port, string user, string password)
            : this(port) =>
                Say(
                    $"CONNECT {{\"verbose\":false,\"user\":\"{user}\",\"pass\":\"{password}\"}}\r\nPING\r\n",
                    "PONG\r\n");

        /// <summary>What is answered, up to an end or the other side's.</summary>
        public string Say(string text, string end)
        {
            _socket.Send(Encoding.ASCII.GetBytes(text));
            var received = "";
            var buffer = new byte[16 * 1024];
            while (!received.EndsWith(end, StringComparison.Ordinal) && _socket.Receive(buffer) is > 0 and var size)
                received += Encoding.ASCII.GetString(buffer, 0, size);
            return received;
        }

        public void Dispose() => _socket.Dispose();
    }
}
