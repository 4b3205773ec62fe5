using EdgeSync.Nats.Broker;
using EdgeSync.Primitives;

namespace EdgeSync.UnitTests.Nats.Broker;

public sealed class SegmentPoolTests
{
    [Test]
    [Arguments(1, 1024)]
    [Arguments(1024, 1024)]
    [Arguments(1025, 4096)]
    [Arguments(9000, 16384)]
    [Arguments(65536, 65536)]
    [Arguments(65537, 65537)]
    public void A_segment_has_the_next_of_four_sizes(int wanted, int expected) =>
        Assert.Equal(expected, new SegmentPool(1 << 20).Rent(wanted).Length);

    [Test]
    public void What_came_back_is_rented_again()
    {
        var pool = new SegmentPool(1 << 20);
        var first = pool.Rent(4096);

        pool.Return(first);

        Assert.Equal(4096, pool.FreeBytes);
        Assert.Same(first, pool.Rent(2000));
        Assert.Equal(0, pool.FreeBytes);
    }

    [Test]
    public void It_keeps_no_more_than_its_limit_and_nothing_of_odd_sizes()
    {
        var pool = new SegmentPool(100_000);
        var all = Enumerable.Range(0, 10).Select(_ => pool.Rent(65536)).ToList();

        foreach (var segment in all) pool.Return(segment);
        pool.Return(pool.Rent(70_000));

        Assert.Equal(65536, pool.FreeBytes);
        pool.Trim();
        Assert.Equal(0, pool.FreeBytes);

        // By reference: two segments are equal to xunit when their bytes are, and fresh memory is often all zeros.
        var fresh = pool.Rent(65536);
        Assert.DoesNotContain(all, segment => ReferenceEquals(segment, fresh));
    }
}

public sealed class BurstWatchTests
{
    private static readonly Instant Start = new(0);
    private readonly BurstWatch _watch = new(32 << 20);

    [Test]
    public void A_burst_ends_once_after_a_quiet_second()
    {
        _watch.Observe(40 << 20, Start);
        Assert.Null(_watch.Deadline);
        _watch.Observe(0, Start);

        Assert.Equal(Start + TimeSpan.FromSeconds(1), _watch.Deadline);
        Assert.False(_watch.OnDeadline(Start));
        Assert.True(_watch.OnDeadline(Start + TimeSpan.FromSeconds(1)));
        Assert.False(_watch.OnDeadline(Start + TimeSpan.FromSeconds(2)));
        Assert.Null(_watch.Deadline);
    }

    [Test]
    public void A_burst_that_goes_on_is_not_over()
    {
        _watch.Observe(40 << 20, Start);
        _watch.Observe(0, Start);
        _watch.Observe(2 << 20, Start);

        Assert.Null(_watch.Deadline);
        Assert.False(_watch.OnDeadline(Start + TimeSpan.FromSeconds(5)));
    }

    [Test]
    public void Little_output_is_not_a_burst()
    {
        _watch.Observe(30 << 20, Start);
        _watch.Observe(0, Start);

        Assert.Null(_watch.Deadline);
    }
}

public sealed class BrokerBurstTests
{
    [Test]
    public void After_a_burst_the_pool_is_empty_and_reported_once()
    {
        var harness = new BrokerHarness();
        var (deaf, publisher) = (harness.Connect(), harness.Connect());
        deaf.Send("SUB a 1\r\n");
        var message = $"PUB a 500000\r\n{new string('x', 500_000)}\r\n";
        for (var i = 0; i < 80; i++)
        {
            publisher.Send(message);
            harness.Flush();
        }

        Assert.False(harness.Core.TryTakeBurstEnd());
        harness.Core.Detach(deaf.Connection, CloseReason.ClientClosed, harness.Now);
        Assert.InRange(harness.Core.Segments.FreeBytes, 1, 24 << 20);
        harness.Pass(TimeSpan.FromSeconds(1));

        Assert.Equal(0, harness.Core.Segments.FreeBytes);
        Assert.True(harness.Core.TryTakeBurstEnd());
        Assert.False(harness.Core.TryTakeBurstEnd());
    }
}
