using System.Text;
using EdgeSync.Primitives;

namespace EdgeSync.FleetTests.Hostile;

/// <summary>
/// Clients that mean harm, or are broken, against the broker inside the shipped program: it refuses or drops them,
/// stays within its memory, and serves all others as before.
/// </summary>
[ClassDataSource<BrokerFixture>(Shared = SharedType.PerClass)]
public sealed class HostileClientTests(BrokerFixture broker) : IDisposable
{
    private const string Hello = "CONNECT {\"verbose\":false}\r\n";

    internal static readonly byte[] Kilobyte = [
        .. Encoding.Latin1.GetBytes("PUB flood 1024\r\n"), .. new byte[1024], .. "\r\n"u8];

    /// <summary>What an idle leaf may hold (40 MB), and room for what the tests left to the collector.</summary>
    private const double CalmMbMax = 160;

    // After every test: alive, and quick to a newcomer.
    public void Dispose()
    {
        Assert.True(broker.IsAlive, broker.Log);
        using var newcomer = RawClient.Polite(broker.ClientPort);
        newcomer.Send("SUB calm 1\r\nPUB calm 5\r\nhello\r\n");
        newcomer.Await("MSG calm 1 5\r\nhello\r\n");
        Assert.InRange(broker.MemoryMb, 1, CalmMbMax);
    }

    [Test]
    public void A_subscriber_that_never_reads_is_closed_and_delays_no_other()
    {
        using var deaf = RawClient.Polite(broker.ClientPort);
        deaf.Send("SUB flood 1\r\n");
        using var attentive = RawClient.Polite(broker.ClientPort);
        attentive.Send("SUB flood 1\r\nPING\r\n");
        attentive.Await("PONG\r\n");
        using var publisher = RawClient.Polite(broker.ClientPort);
        var (most, heard) = (0.0, 0L);

        // 120 MB in steps, so that only the deaf one falls behind.
        for (var i = 0; i < 120; i++)
        {
            for (var j = 0; j < 1000; j++) Assert.True(publisher.TrySend(Kilobyte));
            heard += attentive.Drain(1000 * "MSG flood 1 1024\r\n\r\n".Length + 1000 * 1024);
            most = Math.Max(most, broker.MemoryMb);
        }

        Assert.True(heard >= 120_000L * 1024, $"the attentive one heard {heard} bytes");
        Assert.InRange(most, 1, 64 + CalmMbMax);
        Assert.True(IsDropped(deaf), "the deaf one is still there");
    }

    [Test]
    public void Unread_pongs_do_not_accumulate()
    {
        using var client = new RawClient(broker.ClientPort, receiveBytes: 4096);
        client.Send(Hello);
        var pings = Encoding.Latin1.GetBytes(string.Concat(Enumerable.Repeat("PING\r\n", 10_000)));
        var most = 0.0;

        for (var i = 0; i < 200 && TrySendFor(client, pings); i++) most = Math.Max(most, broker.MemoryMb);

        Assert.InRange(most, 0, 64 + CalmMbMax);
    }

    /// <summary>As nats-server does: other protocols are disconnected, small faults get an error.</summary>
    [Test]
    [Arguments("PUB flood 99999999999999999999\r\n", "")]
    [Arguments("PUB flood 2000000000\r\n", "")]
    [Arguments("PUB flood 2000000\r\n", "-ERR 'Maximum Payload Violation'\r\n")]
    [Arguments("PUB flood -1\r\n", "")]
    [Arguments("HPUB flood 12 2000000000\r\n", "")]
    [Arguments("HPUB flood 100 10\r\n", "")]
    [Arguments("GET / HTTP/1.1\r\nHost: x\r\n\r\n", "-ERR 'Unknown Protocol Operation'\r\n")]
    [Arguments("\x16\x03\x01\x02\0\x01\0\x01", "-ERR 'Unknown Protocol Operation'\r\n")]
    [Arguments("CONNECT {\"verbose\":\r\n", "")]
    public void A_claim_or_a_line_that_is_nonsense_ends_its_connection(string line, string answer)
    {
        using var client = new RawClient(broker.ClientPort);
        client.Await("\r\n");   // INFO
        if (!line.StartsWith("CONNECT", StringComparison.Ordinal)) client.Send(Hello);
        client.TrySend(line);

        Assert.Equal(answer, client.AwaitEnd());
    }

    [Test]
    public void Incomplete_lines_take_little_memory()
    {
        var before = broker.MemoryMb;
        var prng = new Prng(3);
        var crowd = Enumerable.Range(0, 300).Select(_ => new RawClient(broker.ClientPort)).ToList();
        var whole = Hello + "SUB half 1\r\nPUB half 4\r\nhalf\r\nPING\r\n";
        foreach (var client in crowd) client.Send(whole[..prng.NextInt32(1, whole.Length - 1)]);

        Assert.InRange(broker.MemoryMb, 0, before + 64);

        foreach (var client in crowd) client.Dispose();
    }

    [Test]
    public void One_byte_at_a_time_is_still_a_client()
    {
        using var client = new RawClient(broker.ClientPort);
        foreach (var letter in Hello + "SUB drip 1\r\nPUB drip 3\r\nabc\r\nPING\r\n") client.Send(letter.ToString());

        client.Await("MSG drip 1 3\r\nabc\r\n");
        client.Await("PONG\r\n");
    }

    [Test]
    public void A_line_without_end_ends_its_connection()
    {
        using var client = new RawClient(broker.ClientPort);
        client.Send(Hello);
        var part = new string('a', 60_000);
        for (var i = 0; i < 100 && client.TrySend(i == 0 ? "SUB " + part : part); i++) { }

        Assert.Contains("Maximum Control Line", client.AwaitEnd(), StringComparison.OrdinalIgnoreCase);
    }

    [Test]
    public void Giant_sids_and_deep_subjects_stay_within_the_line()
    {
        using var client = RawClient.Polite(broker.ClientPort);
        var sid = new string('9', 4000);
        client.Send($"SUB giant {sid}\r\nPUB giant 2\r\nhi\r\n");
        client.Await($"MSG giant {sid} 2\r\nhi\r\n");

        var deep = string.Join('.', Enumerable.Repeat("a", 2000));
        client.Send($"SUB {deep} 1\r\nSUB {deep.Replace('a', '*')} 2\r\nPUB {deep} 2\r\nhi\r\nPING\r\n");
        client.Await("hi\r\n");
        client.Await("hi\r\n");
        client.Await("PONG\r\n");
        client.Send("SUB " + new string('b', 5000) + " 3\r\n");

        Assert.Contains("Maximum Control Line", client.AwaitEnd(), StringComparison.OrdinalIgnoreCase);
    }

    [Test]
    public void A_hundred_thousand_subscriptions_of_one_client_go_with_it()
    {
        var before = broker.MemoryMb;
        using (var client = RawClient.Polite(broker.ClientPort))
        {
            var lines = new StringBuilder();
            for (var i = 0; i < 100_000; i++)
                lines.Append("SUB many.").Append(i % 317).Append('.').Append(i).Append(' ').Append(i + 1)
                    .Append("\r\n");
            client.Send(lines.Append("PING\r\n").ToString());
            client.Await("PONG\r\n");
            // Those within its share of the memory are there; how many that are depends on the machine.
            client.Send("PUB many.0.0 2\r\nhi\r\n");
            client.Await("MSG many.0.0 1 2\r\nhi\r\n");

            Assert.InRange(broker.MemoryMb, 0, before + 120);
        }

        // Gone without a message; the next publisher finds no subscriber.
        using var other = RawClient.Polite(broker.ClientPort);
        other.Send("PUB many.0.0 2\r\nhi\r\nPING\r\n");
        other.Await("PONG\r\n");
    }

    [Test]
    public void A_storm_of_reconnects_passes()
    {
        var before = broker.MemoryMb;
        Parallel.For(0, 3000, new ParallelOptions { MaxDegreeOfParallelism = 24 }, i =>
        {
            using var client = new RawClient(broker.ClientPort);
            if (i % 3 == 0) return;                                   // before it was greeted
            client.TrySend(Hello + $"SUB storm.{i} 1\r\n");
            if (i % 3 == 1) return;                                   // in the middle of what it says
            client.TrySend("PING\r\n");
            client.Await("PONG\r\n");
        });

        Assert.InRange(broker.MemoryMb, 0, before + 100);
    }

    [Test]
    [Arguments("LeafPort")]
    [Arguments("WebSocketPort")]
    public void Chance_bytes_are_refused_on_every_port(string port)
    {
        var prng = new Prng(11);
        for (var i = 0; i < 60; i++)
        {
            using var client = new RawClient(port == "LeafPort" ? broker.LeafPort : broker.WebSocketPort);
            var start = prng.Pick<string>(
                [
                    "", "CONNECT {", "CONNECT {}\r\nLS+ ", "GET / HTTP/1.1\r\n", "LMSG a.b 999999999\r\n", "INFO {\r\n",
                    "PING\r\n"]);
            client.TrySend([.. Encoding.Latin1.GetBytes(start), .. prng.NextBytes(prng.NextInt32(1, 3000))]);
        }
    }

    /// <summary>Whether the broker has closed the connection; what had been written before is read first.</summary>
    private static bool IsDropped(RawClient client)
    {
        while (client.Drain(1 << 20) > 0) { }
        return !client.TrySend("PING\r\n") || !client.TrySend("PING\r\n") || client.Drain(1) == 0;
    }

    private static bool TrySendFor(RawClient client, byte[] bytes)
    {
        var sending = Task.Run(() => client.TrySend(bytes));
        return sending.Wait(TimeSpan.FromMilliseconds(500)) && sending.Result;
    }
}
