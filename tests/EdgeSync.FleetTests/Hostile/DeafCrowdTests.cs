namespace EdgeSync.FleetTests.Hostile;

/// <summary>A broker of its own: what a crowd made it hold, it gives back only when it needs the room.</summary>
public sealed class DeafCrowdTests(BrokerFixture broker) : IClassFixture<BrokerFixture>
{
    [Fact]
    public void Many_that_never_read_share_one_budget()
    {
        var crowd = Enumerable.Range(0, 24).Select(_ => RawClient.Polite(broker.ClientPort)).ToList();
        foreach (var deaf in crowd)
        {
            deaf.Send("SUB flood 1\r\nPING\r\n");
            deaf.Await("PONG\r\n");
        }

        using var publisher = RawClient.Polite(broker.ClientPort);
        var most = 0.0;
        for (var i = 0; i < 80; i++)
        {
            for (var j = 0; j < 1000; j++) Assert.True(publisher.TrySend(HostileClientTests.Kilobyte));
            publisher.Send("PING\r\n");
            publisher.Await("PONG\r\n");
            most = Math.Max(most, broker.MemoryMb);
        }

        foreach (var deaf in crowd) deaf.Dispose();
        // 24 times 64 MiB would be one and a half GB; the budget of all together is 256 MiB, and twice that with its pools.
        Assert.InRange(most, 1, 600);
        using var newcomer = RawClient.Polite(broker.ClientPort);
    }
}
