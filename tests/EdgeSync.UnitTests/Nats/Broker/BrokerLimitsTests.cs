using System.Text;
using EdgeSync.Nats.Broker;

namespace EdgeSync.UnitTests.Nats.Broker;

/// <summary>Limits of time and memory.</summary>
public sealed class BrokerLimitsTests
{
    private static readonly BrokerOptions Options = new() { ServerName = "test" };

    [Test]
    public void A_silent_client_is_pinged_and_given_up()
    {
        var harness = new BrokerHarness(Options with { PingInterval = TimeSpan.FromSeconds(1) });
        var client = harness.Connect();

        harness.Pass(TimeSpan.FromSeconds(1.3));
        Assert.Equal("PING\r\n", client.Read());
        harness.Pass(TimeSpan.FromSeconds(1));
        Assert.Equal("PING\r\n", client.Read());
        harness.Pass(TimeSpan.FromSeconds(1));

        Assert.Equal("-ERR 'Stale Connection'\r\n", client.Read());
        Assert.Equal(CloseReason.StaleConnection, client.Connection.CloseReason);
    }

    [Test]
    public void Any_byte_shows_that_a_client_lives()
    {
        var harness = new BrokerHarness(Options with { PingInterval = TimeSpan.FromSeconds(1) });
        var client = harness.Connect();

        for (var i = 0; i < 20; i++)
        {
            harness.Pass(TimeSpan.FromSeconds(0.7));
            client.Send("SU"[(i % 2)..(i % 2 + 1)]);   // half a line
            if (i % 2 == 1) client.Send("B a 1\r\n");
        }

        Assert.False(client.IsClosed);
    }

    [Test]
    public void A_talking_client_is_not_pinged_after_the_first_measure()
    {
        var harness = new BrokerHarness();
        var client = harness.Connect();
        harness.Pass(TimeSpan.FromSeconds(3));
        Assert.Equal("PING\r\n", client.Exchange("PONG\r\n"));

        for (var i = 0; i < 10; i++)
        {
            harness.Pass(TimeSpan.FromMinutes(1));
            client.Send("PONG\r\n");
        }

        Assert.Equal("", client.Read());
    }

    [Test]
    public void A_client_that_never_reads_is_closed_without_effect_on_others()
    {
        var harness = new BrokerHarness(Options with { PendingBytesMax = 1000 });
        var (slow, quick, publisher) = (harness.Connect(), harness.Connect(), harness.Connect());
        slow.Send("SUB a 1\r\n");
        quick.Send("SUB a 1\r\n");

        for (var i = 0; i < 200; i++)
        {
            publisher.Send("PUB a 10\r\n0123456789\r\n");
            Assert.Equal("MSG a 1 10\r\n0123456789\r\n", quick.Read());
        }

        Assert.Equal(CloseReason.SlowConsumerPendingBytes, slow.Connection.CloseReason);
        Assert.Equal(1, harness.Core.SlowConsumers);
        Assert.Equal("", slow.Read());
        Assert.Equal(0, slow.Connection.PendingBytes);
    }

    [Test]
    public void Bytes_in_flight_count_as_waiting()
    {
        var harness = new BrokerHarness(Options with { PendingBytesMax = 1000 });
        var (slow, publisher) = (harness.Connect(), harness.Connect());
        slow.Send("SUB a 1\r\n");

        publisher.Send($"PUB a 900\r\n{new string('x', 900)}\r\n");
        harness.Core.TakeOutput(slow.Connection, [], harness.Now);   // and the network does not take it
        publisher.Send($"PUB a 900\r\n{new string('x', 900)}\r\n");

        Assert.Equal(CloseReason.SlowConsumerPendingBytes, slow.Connection.CloseReason);
    }

    [Test]
    public void The_total_memory_limit_closes_the_largest_consumer()
    {
        var harness = new BrokerHarness(Options with { TotalPendingBytesMax = 10_000 });
        var slow = Enumerable.Range(0, 4).Select(_ => harness.Connect()).ToList();
        var publisher = harness.Connect();
        for (var i = 0; i < slow.Count; i++) slow[i].Send($"SUB s.{i} 1\r\n");
        slow[2].Send("SUB s.> 2\r\n");

        for (var i = 0; i < 50; i++)
        {
            publisher.Send($"PUB s.{i % 4} 100\r\n{new string('x', 100)}\r\n");
            harness.Flush();
        }

        Assert.Equal([false, false, true, false], slow.Select(c => c.IsClosed));
        Assert.Equal(CloseReason.SlowConsumerPendingBytes, slow[2].Connection.CloseReason);
        for (var i = 0; i < 10; i++) slow[3].Read();
        foreach (var client in slow) harness.Core.Detach(client.Connection, CloseReason.ClientClosed, harness.Now);
        harness.Flush();
        Assert.Equal(0, harness.Core.PendingBytes);
    }

    [Test]
    public void A_publisher_pauses_for_a_slow_reader_and_not_for_a_stopped_one()
    {
        var harness = new BrokerHarness(Options with { PauseBytes = 1000 });
        var (slow, publisher) = (harness.Connect(), harness.Connect());
        slow.Send("SUB a 1\r\n");
        publisher.Send("PUB a 900\r\n" + new string('x', 900) + "\r\n");
        Assert.False(harness.Core.IsToPause(publisher.Connection, harness.Now));

        publisher.Send("PUB a 900\r\n" + new string('x', 900) + "\r\n");
        Assert.True(harness.Core.IsToPause(publisher.Connection, harness.Now));
        var size = harness.Core.TakeOutput(slow.Connection, [], harness.Now);
        harness.Pass(TimeSpan.FromMilliseconds(40));
        Assert.True(harness.Core.IsToPause(publisher.Connection, harness.Now));
        harness.Core.OutputSent(slow.Connection, 10, harness.Now);
        harness.Pass(TimeSpan.FromMilliseconds(40));
        Assert.True(harness.Core.IsToPause(publisher.Connection, harness.Now));
        harness.Pass(TimeSpan.FromMilliseconds(20));
        Assert.False(harness.Core.IsToPause(publisher.Connection, harness.Now));

        publisher.Send("PUB a 1\r\nx\r\n");
        harness.Core.OutputSent(slow.Connection, size - 10, harness.Now);
        Assert.False(harness.Core.IsToPause(publisher.Connection, harness.Now));
    }

    [Test]
    public void A_client_that_takes_nothing_within_the_write_deadline_is_closed()
    {
        var harness = new BrokerHarness();
        var (slow, publisher) = (harness.Connect(), harness.Connect());
        slow.Send("SUB a 1\r\n");
        publisher.Send("PUB a 10\r\n0123456789\r\n");
        harness.Core.TakeOutput(slow.Connection, [], harness.Now);

        harness.Pass(TimeSpan.FromSeconds(9));
        Assert.False(slow.IsClosed);
        harness.Core.OutputSent(slow.Connection, 5, harness.Now);   // a little went out: the clock starts again
        harness.Pass(TimeSpan.FromSeconds(9));
        Assert.False(slow.IsClosed);
        harness.Pass(TimeSpan.FromSeconds(3));

        Assert.Equal(CloseReason.SlowConsumerWriteDeadline, slow.Connection.CloseReason);
    }

    [Test]
    public void A_payload_in_pieces_takes_no_more_memory_than_has_arrived()
    {
        var harness = new BrokerHarness();
        var client = harness.Connect();

        client.Send("PUB a 1000000\r\n0123456789");
        Assert.InRange(client.Connection.PartialReadCapacity, 25, 256);
        client.Send(new byte[10_000]);
        Assert.InRange(client.Connection.PartialReadCapacity, 10_000, 40_000);
        client.Send(new byte[1_000_000 - 10_010]);
        client.Send("\r\n");
        Assert.Equal(0, client.Connection.PartialReadCapacity);
    }

    [Test]
    public void A_hundred_thousand_subscriptions_of_one_client_come_and_go()
    {
        var harness = new BrokerHarness();
        var (many, publisher) = (harness.Connect(), harness.Connect());
        var text = new StringBuilder();
        for (var i = 0; i < 100_000; i++)
            text.Append("SUB devices.").Append(i % 1000).Append('.').Append(i).Append(' ').Append(i).Append("\r\n");
        many.Send(text.ToString());
        many.Send("SUB devices.*.77777 wide\r\n");

        publisher.Send("PUB devices.777.77777 1\r\nx\r\n");

        Assert.Equal(100_001, harness.Core.Subscriptions.Count);
        Assert.Equal("MSG devices.777.77777 wide 1\r\nx\r\nMSG devices.777.77777 77777 1\r\nx\r\n", many.Read());
        harness.Core.Detach(many.Connection, CloseReason.ClientClosed, harness.Now);
        Assert.True(harness.Core.Subscriptions.IsEmpty);
    }

    [Test]
    public void In_lame_duck_mode_clients_get_INFO_and_are_closed_one_after_the_other()
    {
        var harness = new BrokerHarness();
        var clients = Enumerable.Range(0, 11).Select(_ => harness.Connect()).ToList();
        var local = harness.Core.AttachLocal("own", harness.Now);
        Assert.False(harness.Core.IsDrained);

        harness.Core.EnterLameDuck(harness.Now);

        Assert.All(clients, c => Assert.Matches("^INFO .*\"ldm\":true.*\r\n$", c.Read()));
        harness.Pass(TimeSpan.FromSeconds(9));
        Assert.Equal(12, harness.Core.ClientCount);
        harness.Pass(TimeSpan.FromSeconds(2));
        Assert.Equal(11, harness.Core.ClientCount);
        harness.Pass(TimeSpan.FromSeconds(50));
        Assert.InRange(harness.Core.ClientCount, 5, 7);
        Assert.False(harness.Core.IsDrained);
        harness.Pass(TimeSpan.FromSeconds(60));
        Assert.Equal(1, harness.Core.ClientCount);
        Assert.All(clients, c => Assert.Equal(CloseReason.ServerShutdown, c.Connection.CloseReason));
        Assert.True(harness.Core.IsDrained);
        Assert.False(local.IsClosed);
    }

    [Test]
    public void Shutdown_closes_all_and_what_was_written_can_still_be_sent()
    {
        var harness = new BrokerHarness();
        var client = harness.Connect();
        client.Send("SUB a 1\r\nPUB a 1\r\nx\r\n");

        harness.Core.Shutdown(harness.Now);

        Assert.Equal("MSG a 1 1\r\nx\r\n", client.Read());
        Assert.Equal(CloseReason.ServerShutdown, client.Connection.CloseReason);
        Assert.Equal(0, harness.Core.ClientCount);
        harness.Pass(TimeSpan.FromMinutes(5));
        Assert.Null(harness.Core.Deadline);
    }
}
