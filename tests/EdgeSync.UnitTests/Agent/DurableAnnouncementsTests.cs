using System.Globalization;
using System.Text;
using EdgeSync.Agent;
using EdgeSync.Primitives;

namespace EdgeSync.UnitTests.Agent;

public class DurableAnnouncementsTests
{
    private static readonly Instant Now = AgentDriver.Start;

    [Test]
    public void Without_JetStream_nothing_happens()
    {
        var durable = Durable(7);
        durable.OnLinkUp(Now);
        var asked = Take(durable);

        durable.OnResponse(Now, asked.RequestId, null, null);

        Assert.StartsWith("$JS.API.STREAM.INFO.EDGESYNC_fossil_", asked.Subject, StringComparison.Ordinal);
        Assert.False(durable.TryTake(out _));
        Assert.False(durable.IsAvailable);
    }

    [Test]
    public void A_missing_stream_is_made()
    {
        var durable = Durable(0);
        durable.OnLinkUp(Now);

        Answer(durable, Take(durable), """{"type":"x","error":{"code":404,"err_code":10059,"description":"stream not found"}}""");
        var create = Take(durable);
        Answer(durable, create, """{"config":{"name":"S"},"state":{"messages":0,"first_seq":0,"last_seq":0}}""");

        Assert.Contains("STREAM.CREATE", create.Subject, StringComparison.Ordinal);
        Assert.Contains(AgentDriver.Subjects.Commit, Encoding.UTF8.GetString(create.Payload), StringComparison.Ordinal);
        Assert.False(durable.TryTake(out _));
        Assert.True(durable.IsAvailable);
    }

    [Test]
    public void The_first_look_takes_the_present_as_its_start()
    {
        var durable = Durable(0);
        durable.OnLinkUp(Now);

        Answer(durable, Take(durable), Info(1, 40));

        Assert.True(durable.TryTake(out var effect));
        Assert.Equal(new AgentEffect.PersistSequence(40), effect);
    }

    [Test]
    public void What_was_missed_is_read_in_batches_and_the_place_kept()
    {
        var durable = Durable(100, domain: "hub");
        durable.OnLinkUp(Now);
        Answer(durable, Take(durable), Info(1, 300));
        var consumer = Take(durable);
        Answer(durable, consumer, """{"type":"y","stream_name":"S","name":"c7","config":{"name":"no"}}""");
        Assert.Equal("$JS.hub.API.CONSUMER.CREATE." + "EDGESYNC_fossil_" + AgentDriver.Subjects.ProjectCode, consumer.Subject);
        Assert.Contains("\"opt_start_seq\":101", Encoding.UTF8.GetString(consumer.Payload), StringComparison.Ordinal);

        var batches = 0;
        for (var at = 101; at <= 300;)
        {
            var next = Take(durable);
            Assert.EndsWith(".c7", next.Subject, StringComparison.Ordinal);
            batches++;
            for (var i = 0; i < next.RepliesMax && at <= 300; i++, at++)
                durable.OnResponse(
                    Now, next.RequestId, string.Create(CultureInfo.InvariantCulture, $"$JS.ACK.S.c7.1.{at}.1.2.3"), AgentDriver.From("p", at).ToBytes());
        }

        Assert.Equal(2, batches);
        Assert.True(durable.TryTake(out var effect));
        Assert.Equal(new AgentEffect.PersistSequence(300), effect);
        var missed = 0;
        while (durable.TryTakeMissed(out var announcement)) Assert.Equal(300 - DurableAnnouncements.MissedMax + ++missed, announcement.Rid);
        Assert.Equal(DurableAnnouncements.MissedMax, missed);
    }

    [Test]
    public void An_outage_in_the_middle_starts_again_where_it_was()
    {
        var durable = Durable(10);
        durable.OnLinkUp(Now);
        Answer(durable, Take(durable), Info(1, 20));
        Answer(durable, Take(durable), """{"name":"c"}""");
        var next = Take(durable);
        durable.OnResponse(Now, next.RequestId, "$JS.ACK.domain.hash.S.c.1.15.1.2.3.token", AgentDriver.From("p", 15).ToBytes());

        durable.OnLinkDown();
        durable.OnResponse(Now, next.RequestId, "$JS.ACK.S.c.1.16.1.2.3", AgentDriver.From("p", 16).ToBytes());
        durable.OnLinkUp(Now);
        Answer(durable, Take(durable), Info(1, 20));

        Assert.Equal(15UL, durable.Sequence);
        Assert.Contains("\"opt_start_seq\":16", Encoding.UTF8.GetString(Take(durable).Payload), StringComparison.Ordinal);
    }

    [Test]
    public void The_core_has_missed_ones_looked_up()
    {
        var driver = new AgentDriver(
            AgentDriver.Options() with { UseDurableAnnouncements = true },
            new AgentMemory { PublishedRid = new RecordId(10), DurableSequence = 4 });
        driver.Do((c, now) => c.OnLinkUp(now));
        AgentEffect.Request Last() => driver.Effects.OfType<AgentEffect.Request>().Last();

        driver.Do((c, now) => c.OnResponse(now, Last().RequestId, null, Encoding.UTF8.GetBytes(Info(1, 5))));
        driver.Do((c, now) => c.OnResponse(now, Last().RequestId, null, Encoding.UTF8.GetBytes("""{"name":"c"}""")));
        driver.Do((c, now) => c.OnResponse(now, Last().RequestId, "$JS.ACK.S.c.1.5.1.2.3", AgentDriver.From("other", 77).ToBytes()));

        Assert.Equal("other", driver.Effects.OfType<AgentEffect.CheckAnnouncement>().Single().Announcement.PeerId);
    }

    private static DurableAnnouncements Durable(ulong sequence, string? domain = null) => new(AgentDriver.Subjects, domain, sequence);

    private static string Info(int first, int last) => string.Create(
        CultureInfo.InvariantCulture, $$"""{"type":"io","config":{"name":"S","state":"x"},"created":"","state":{"messages":3,"first_seq":{{first}},"last_seq":{{last}} } }""");

    private static void Answer(DurableAnnouncements durable, AgentEffect.Request request, string json) =>
        durable.OnResponse(Now, request.RequestId, null, Encoding.UTF8.GetBytes(json));

    private static AgentEffect.Request Take(DurableAnnouncements durable)
    {
        Assert.True(durable.TryTake(out var effect));
        return Assert.IsType<AgentEffect.Request>(effect);
    }
}
