using TUnit.Core.Interfaces;
using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.RegularExpressions;
using EdgeSync.Nats.Broker;
using EdgeSync.Net.Nats;
using EdgeSync.Primitives;
using EdgeSync.Tests.Support;

namespace EdgeSync.InteropTests.Nats;

/// <summary>The same bytes to our broker and to the real nats-server: the same answers.</summary>
public sealed partial class BrokerBesideStockTests : IAsyncInitializer, IAsyncDisposable
{
    private static readonly string[] Pieces =
    [
        "PUB a 1\r\nx\r\n", "PUB a.b r 2\r\nxy\r\n", "PUB a.b.c 0\r\n\r\n", "HPUB a 12 13\r\nNATS/1.0\r\n\r\nx\r\n",
            "HPUB a.b r.x 15 15\r\nNATS/1.0\r\na:\r\n\r\n",
        "SUB a 1\r\n", "SUB a.* 2\r\n", "SUB a.> 3\r\n", "SUB a..b 4\r\n", "SUB a.*.c 5\r\n", "SUB *.b 6\r\n",
            "SUB r.* 7\r\n", "SUB a q 8\r\n",
        "UNSUB 1\r\n", "UNSUB 2 1\r\n", "UNSUB 3 5\r\n", "UNSUB 8 2\r\n", "UNSUB 9\r\n", "PING\r\n", "PONG\r\n",
        "CONNECT {\"echo\":false}\r\n", "CONNECT {\"echo\":true}\r\n", "CONNECT {\"verbose\":true}\r\n",
        "CONNECT {\"verbose\":false}\r\n",
        "CONNECT {\"pedantic\":true}\r\n", "CONNECT {\"no_responders\":false}\r\n", "PUB a.* 1\r\nw\r\n",
        "PUB nobody r.1 0\r\n\r\n", "PUB a $JS.ACK.x 0\r\n\r\n",
    ];

    /// <summary>For each id that a script may have used.</summary>
    private static readonly string EverySubscriptionEnds =
        string.Concat(Enumerable.Range(1, 99).Select(id => $"UNSUB {id}\r\n"));

    private readonly StockNats _stock = StockNats.Start();
    private NatsBroker _ours = null!;

    public async Task InitializeAsync() => _ours = await NatsBroker.StartAsync(
        new NatsBrokerOptions
        {
            Broker = new BrokerOptions { ServerName = "ours" },
            Entropy = new SeededEntropy(1),
            ClientListen = new IPEndPoint(IPAddress.Loopback, 0),
        },
        TimeProvider.System, null, TestContext.Current!.Execution.CancellationToken);

    public async ValueTask DisposeAsync()
    {
        await _ours.DisposeAsync();
        _stock.Dispose();
    }

    [Test]
    public void Every_transcript_matches_the_real_server()
    {
        foreach (var row in NatsTranscripts.Staying())
        {
            var (sent, expected) = row;
            Assert.Equal(Sorted(expected), Sorted(AsOlder(Play(_stock.Port, sent))));
            Assert.Equal(Sorted(expected), Sorted(Play(_ours.ClientUrl!.Port, sent)));
        }
    }

    [Test]
    public void Every_fatal_transcript_ends_the_same_way()
    {
        foreach (var (sent, expected, _) in NatsTranscripts.Closing)
        {
            Assert.Equal((sent, expected), (sent, Play(_stock.Port, sent)));
            Assert.Equal((sent, expected), (sent, Play(_ours.ClientUrl!.Port, sent)));
        }
    }

    [Test]
    public void Random_conversations_are_the_same()
    {
        // A second CONNECT makes 2.15 drop the subscriptions; up to 2.10 it keeps them, and so do we.
        var pieces = StockNats.Release < new Version(2, 11)
            ? Pieces
            : [.. Pieces.Where(piece => !piece.StartsWith("CONNECT", StringComparison.Ordinal))];
        Property.Check(prng =>
        {
            var script = new StringBuilder();
            for (var i = prng.NextInt32(5, 30); i > 0; i--) script.Append(prng.Pick<string>(pieces));
            var sent = script.ToString();

            Assert.Equal(
                (sent, Sorted(AsOlder(Play(_stock.Port, sent)))), (sent, Sorted(Play(_ours.ClientUrl!.Port, sent))));
        }, runs: 150);
    }

    // 2.15 has the subject without subscribers in a header.
    private static string AsOlder(string said) => StockNats.Release < new Version(2, 11)
        ? said
        : SubjectOfNobody().Replace(said, "HMSG $1 16 16\r\nNATS/1.0 503\r\n\r\n");

    [GeneratedRegex(@"HMSG (\S+ \S+) (\d+) \2\r\nNATS/1\.0 503\r\nNats-Subject: [^\r]*\r\n\r\n")]
    private static partial Regex SubjectOfNobody();

    /// <summary>Everything that the server sends until its reply to the last line, or its close.</summary>
    private static string Play(int port, string sent)
    {
        // A refusal of its own kind marks the end, whatever was subscribed to and switched on before.
        const string LastWords = "-ERR 'Permissions Violation for Publish to \"_GR_.last.words\"'\r\n";
        using var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true, ReceiveTimeout = 10_000 };
        socket.Connect(IPAddress.Loopback, port);
        using var stream = new NetworkStream(socket);
        var received = "";
        ReadUntil(stream, ref received, " \r\n");
        received = "";
        Write("CONNECT {\"verbose\":false,\"pedantic\":false,\"headers\":true,\"no_responders\":true}\r\nPING\r\n");
        ReadUntil(stream, ref received, "PONG\r\n");
        received = "";
        Write(sent);

        // Echo may be off by now, so the mark comes from a second connection once the first has sent all.
        Write("PUB _GR_.last.words 0\r\n\r\n");
        ReadUntil(stream, ref received, LastWords);
        var said = received.Replace(LastWords, "", StringComparison.Ordinal);

        // A server handles a close in its own time; until then a subscription that is left would get messages of the
        // next script: as a member of the queue group, and as a responder.
        Write(EverySubscriptionEnds);
        Write("PUB _GR_.last.words 0\r\n\r\n");
        received = "";
        ReadUntil(stream, ref received, LastWords);
        return said;

        void Write(string text)
        {
            try
            {
                stream.Write(Encoding.Latin1.GetBytes(text));
            }
            catch (IOException)
            {
                // Closed meanwhile; what it sent before is still to be read.
            }
        }
    }

    private static void ReadUntil(NetworkStream stream, ref string received, string end)
    {
        var buffer = new byte[64 * 1024];
        while (!received.Contains(end, StringComparison.Ordinal))
        {
            int size;
            try
            {
                size = stream.Read(buffer);
            }
            catch (IOException)
            {
                return;
            }

            if (size == 0) return;
            received += Encoding.Latin1.GetString(buffer, 0, size);
        }
    }

    private static string Sorted(string text) => string.Join('\n', text.Split("\r\n").Order(StringComparer.Ordinal));
}
