using System.Text;
using EdgeSync.Nats.Broker;
using EdgeSync.Primitives;
using EdgeSync.Tests.Support;

namespace EdgeSync.UnitTests.Nats.Broker;

/// <summary>Whatever clients send: no exception, others are served, nothing is left behind.</summary>
public sealed class BrokerFuzzTests
{
    private static readonly string[] Pieces =
    [
        "PUB a 1\r\nx\r\n", "PUB a.b r 2\r\nxy\r\n", "PUB  ", "HPUB a 12 13\r\nNATS/1.0\r\n\r\nx\r\n", "SUB a 1\r\n",
            "SUB a.* q 2\r\n", "SUB > 3\r\n",
        "SUB a..b 4\r\n", "UNSUB 1\r\n", "UNSUB 2 1\r\n", "UNSUB 3 5\r\n", "PING\r\n", "PONG\r\n", "CONNECT {}\r\n",
        "CONNECT {\"verbose\":false,\"headers\":true,\"no_responders\":true}\r\n", "CONNECT {\"echo\":false}\r\n",
        "CONNECT [1]\r\n", "-ERR 'x'\r\n",
        "\r\n", "\n", " ", "INFO {}\r\n", "+OK\r\n", "PUB a 999999999\r\n", "PUB a 99\r\n", "MSG a 1 1\r\nx\r\n",
        "LS+ a\r\n", "\0\0\0\0", "ÿ",
    ];

    [Test]
    public void No_client_breaks_the_broker() => Property.Check(prng =>
    {
        var harness = new BrokerHarness(
            new BrokerOptions
            {
                ServerName = "test",
                PendingBytesMax = 4000,
                SubscriptionsMax = 20,
                ClosedConnectionsMax = 5
            }, prng.NextUInt64());
        var clients = new List<TestClient>();
        for (var step = 0; step < 60; step++)
        {
            if (clients.Count < 4) clients.Add(prng.Chance(0.5) ? harness.Connect() : harness.Attach());
            var client = clients[prng.NextInt32(clients.Count)];
            client.Send(Mutated(prng));
            if (prng.Chance(0.3)) client.Read();
            if (prng.Chance(0.1)) harness.Pass(TimeSpan.FromSeconds(prng.NextInt32(40)));
            if (!client.IsClosed && prng.Chance(0.9)) continue;

            harness.Core.Detach(client.Connection, CloseReason.ClientClosed, harness.Now);
            clients.Remove(client);
        }

        foreach (var client in clients) harness.Core.Detach(client.Connection, CloseReason.ClientClosed, harness.Now);
        Assert.Equal(0, harness.Core.ClientCount);
        Assert.True(harness.Core.Subscriptions.IsEmpty);
        var witness = harness.Connect();
        Assert.Equal("MSG w 1 2\r\nok\r\n", witness.Exchange("SUB w 1\r\nPUB w 2\r\nok\r\n"));
    });

    [Test]
    public void The_same_seed_gives_the_same_bytes() => Property.Check(
        prng =>
        {
            var seed = prng.NextUInt64();
            Assert.Equal(Run(seed), Run(seed));
        },
        runs: 20);

    private static string Run(ulong seed)
    {
        var (prng, harness) = (new Prng(seed), new BrokerHarness(seed: seed));
        var (one, other) = (harness.Attach(), harness.Attach());
        var text = new StringBuilder();
        for (var step = 0; step < 50; step++)
        {
            var client = prng.Chance(0.5) ? one : other;
            client.Send(Pieces[prng.NextInt32(8)]);
            harness.Pass(TimeSpan.FromMilliseconds(prng.NextInt32(1000)));
            text.Append(one.Read()).Append('|').Append(other.Read());
        }

        return text.ToString();
    }

    private static byte[] Mutated(Prng prng)
    {
        var text = new StringBuilder();
        for (var i = prng.NextInt32(6); i >= 0; i--) text.Append(prng.Pick<string>(Pieces));
        var bytes = Encoding.Latin1.GetBytes(text.ToString());
        if (prng.Chance(0.4)) bytes[prng.NextInt32(bytes.Length)] = (byte)prng.NextInt32(256);
        return prng.Chance(0.2) ? bytes[..prng.NextInt32(bytes.Length)] : bytes;
    }
}
