using EdgeSync.Agent;
using EdgeSync.Agent.Announcements;
using EdgeSync.Agent.Schedule;
using static EdgeSync.UnitTests.Agent.AgentDriver;

namespace EdgeSync.UnitTests.Agent;

/// <summary>One sender can be twenty thousand names. It costs it, and not the node.</summary>
public sealed class ForgedPeersTests
{
    [Test]
    public void Many_node_ids_are_accepted_up_to_a_budget_and_dropped_later()
    {
        var driver = new AgentDriver().Do((c, now) => c.OnLinkUp(now));

        for (var i = 0; i < 4_000; i++) driver.Do((c, now) => c.OnPresence(now, Here($"forged{i}", NodeRole.Hub)));

        Assert.Equal(256, driver.Core.StatusAt(driver.Now).Peers.Count);
        Assert.Equal(256, driver.Effects.OfType<AgentEffect.PersistPeer>().Count());
        driver.Pass(2).Do((c, now) => c.OnPresence(now, Here("real")));
        Assert.Contains(driver.Core.StatusAt(driver.Now).Peers, p => p.PeerId == "real");

        driver.Finish(new SyncOutcome(SyncOutcomeKind.NoResponders)).Pass(7_200);
        Assert.DoesNotContain(
            driver.Core.StatusAt(driver.Now).Peers, p => p.PeerId.StartsWith("forged", StringComparison.Ordinal));
    }

    [Test]
    public void Announcements_of_unknown_nodes_start_few_sessions_and_a_commit_takes_precedence()
    {
        var driver = new AgentDriver(
            Options() with { PollInterval = TimeSpan.FromHours(1), PollIntervalMax = TimeSpan.FromHours(1) })
            .Do((c, now) => c.OnLinkUp(now)).Do((c, now) => c.AddTarget(now, SyncTarget.Http("http://server/"))).Pass(5)
                .Finish(SyncOutcome.Ok()).Forget();

        for (var i = 0; i < 20_000; i++)
        {
            var n = i;
            driver.Do((c, now) => c.OnAnnouncement(now, From($"forged{n}", n + 1_000), isHeld: false));
        }

        Assert.Equal(2, driver.Syncs.Count());   // half of the places
        driver.Changed(ChangeOrigin.Local, 11);
        Assert.Contains(driver.Syncs, s => s.Target.Id == "http:http://server/");
    }

    [Test]
    public void A_peer_that_lacks_what_it_announced_is_dropped_as_target()
    {
        var driver = new AgentDriver(
            Options() with { PollInterval = TimeSpan.FromHours(1), PollIntervalMax = TimeSpan.FromHours(1) }).Do(
                (c, now) => c.OnLinkUp(now)).Pass(5);
        driver.Do((c, now) => c.OnPresence(now, Here("liar"))).Pass(5).Finish(SyncOutcome.Ok()).Forget();

        var asked = 0;
        for (var i = 0; i < 100; i++)
        {
            var n = i;
            driver.Do((c, now) => c.OnAnnouncement(now, From("liar", n), isHeld: false));
            asked += driver.Syncs.Count();
            if (driver.Syncs.Any()) driver.Finish(SyncOutcome.Ok());
            driver.Forget().Pass(0.1);
        }

        Assert.InRange(asked, 1, 20);
    }

    [Test]
    public void A_working_hub_is_not_replaced_by_claimed_hubs()
    {
        var driver = new AgentDriver().Do((c, now) => c.OnLinkUp(now)).Pass(3);
        driver.Do((c, now) => c.OnPresence(now, Here("hub", NodeRole.Hub))).Pass(3);
        driver.Finish(SyncOutcome.Ok(), "nats:hub");
        Assert.Equal("hub", driver.Core.Hub);

        for (var i = 0; i < 200; i++) driver.Do((c, now) => c.OnPresence(now, Here($"forged{i}", NodeRole.Hub)));

        Assert.Equal("hub", driver.Core.Hub);
    }
}
