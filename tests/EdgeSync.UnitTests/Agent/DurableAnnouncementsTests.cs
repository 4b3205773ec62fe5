using EdgeSync.Agent;
using EdgeSync.Agent.Announcements;
using EdgeSync.Primitives;

namespace EdgeSync.UnitTests.Agent;

public class DurableAnnouncementsTests
{
    private static readonly Instant Now = AgentDriver.Start;

    [Test]
    public void Without_JetStream_nothing_happens_until_the_next_link()
    {
        var durable = new DurableAnnouncements(7);
        durable.OnLinkUp(Now);
        var wanted = Take(durable);

        durable.OnRead(Now, wanted.ReadId, null);

        Assert.Equal((7UL, DurableAnnouncements.MissedMax), (wanted.After, wanted.CountMax));
        Assert.False(durable.TryTake(out _));
        Assert.False(durable.IsAvailable);
        Assert.Equal(7UL, durable.Sequence);
    }

    [Test]
    public void The_first_look_takes_the_present_as_its_start()
    {
        var durable = new DurableAnnouncements(0);
        durable.OnLinkUp(Now);

        durable.OnRead(Now, Take(durable).ReadId, new StreamTail(40, []));

        Assert.True(durable.TryTake(out var effect));
        Assert.Equal(new AgentEffect.PersistSequence(40), effect);
        Assert.False(durable.TryTake(out _));
        Assert.True(durable.IsAvailable);
    }

    [Test]
    public void What_was_missed_is_handed_on_and_the_place_kept()
    {
        var durable = new DurableAnnouncements(100);
        durable.OnLinkUp(Now);

        durable.OnRead(
            Now, Take(durable).ReadId,
            new StreamTail(300, [.. Enumerable.Range(200, 101).Select(Payload), "no announcement"u8.ToArray()]));

        var rids = new List<long>();
        while (durable.TryTake(out var effect) && effect is AgentEffect.CheckAnnouncement missed)
            rids.Add(missed.Announcement.Rid);
        Assert.Equal(Enumerable.Range(238, 63).Select(i => (long)i), rids);
        Assert.Equal(300UL, durable.Sequence);
    }

    [Test]
    public void A_stream_that_was_made_anew_counts_from_one_again()
    {
        var durable = new DurableAnnouncements(100);
        durable.OnLinkUp(Now);

        durable.OnRead(Now, Take(durable).ReadId, new StreamTail(3, []));

        Assert.True(durable.TryTake(out var effect));
        Assert.Equal(new AgentEffect.PersistSequence(3), effect);
    }

    [Test]
    public void An_answer_to_an_earlier_link_is_dropped()
    {
        var durable = new DurableAnnouncements(10);
        durable.OnLinkUp(Now);
        var first = Take(durable);
        durable.OnLinkDown();
        durable.OnRead(Now, first.ReadId, new StreamTail(20, [Payload(20)]));
        durable.OnLinkUp(Now);
        var second = Take(durable);

        durable.OnRead(Now, first.ReadId, new StreamTail(20, [Payload(20)]));

        Assert.Equal(10UL, second.After);
        Assert.False(durable.TryTake(out _));
        Assert.Equal(10UL, durable.Sequence);
    }

    [Test]
    public void It_reads_the_stream_again_after_an_interval()
    {
        var durable = new DurableAnnouncements(10);
        durable.OnLinkUp(Now);
        var first = Take(durable);
        Assert.Null(durable.Deadline);
        durable.OnRead(Now, first.ReadId, new StreamTail(10, []));

        durable.OnDeadline(durable.Deadline!.Value);

        Assert.Equal(10UL, Take(durable).After);
    }

    [Test]
    public void The_core_has_missed_ones_looked_up()
    {
        var driver = new AgentDriver(
            AgentDriver.Options() with { UseDurableAnnouncements = true },
            new AgentMemory { PublishedRid = new RecordId(10), DurableSequence = 4 });
        driver.Do((c, now) => c.OnLinkUp(now));
        var wanted = driver.Effects.OfType<AgentEffect.ReadMissed>().Last();

        driver.Do(
            (c, now) => c.OnMissedRead(
                now, wanted.ReadId, new StreamTail(5, [AgentDriver.From("other", 77).ToBytes()])));

        Assert.Equal(4UL, wanted.After);
        Assert.Equal("other", driver.Effects.OfType<AgentEffect.CheckAnnouncement>().Single().Announcement.PeerId);
    }

    private static ReadOnlyMemory<byte> Payload(int rid) => AgentDriver.From("p", rid).ToBytes();

    private static AgentEffect.ReadMissed Take(DurableAnnouncements durable)
    {
        Assert.True(durable.TryTake(out var effect));
        return Assert.IsType<AgentEffect.ReadMissed>(effect);
    }
}
