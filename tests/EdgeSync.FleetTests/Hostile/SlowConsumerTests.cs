using System.Diagnostics;

namespace EdgeSync.FleetTests.Hostile;

/// <summary>A broker of its own: what a crowd made it hold, it gives back when the crowd is gone.</summary>
[ClassDataSource<BrokerFixture>(Shared = SharedType.PerClass)]
public sealed class SlowConsumerTests(BrokerFixture broker)
{
    private const double AtMostMb = 500;
    private const double AfterwardsMb = 160;

    [Test]
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
        var least = double.MaxValue;
        var patience = Stopwatch.StartNew();
        while (least > AfterwardsMb && patience.Elapsed < TimeSpan.FromSeconds(15))
        {
            publisher.Send("PING\r\n");
            publisher.Await("PONG\r\n");
            least = Math.Min(least, broker.MemoryMb);
            Thread.Sleep(100);   // nobody tells when a page goes back to the system
        }

        // 24 times 64 MiB would be one and a half GB; the budget of all together is 192 MiB.
        Assert.InRange(most, 1, AtMostMb);
        Assert.InRange(least, 1, AfterwardsMb);
        using var newcomer = RawClient.Polite(broker.ClientPort);
    }
}
