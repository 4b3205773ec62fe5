using EdgeSync.Agent;
using EdgeSync.Agent.Announcements;
using EdgeSync.Agent.Messages;
using EdgeSync.Agent.Schedule;
using EdgeSync.Fossil.Sync;
using static EdgeSync.UnitTests.Agent.AgentDriver;

namespace EdgeSync.UnitTests.Agent;

/// <summary>
/// A node whose broker is joined to several hubs, a node that shares its name, and what an announcement requests.
/// </summary>
public sealed class UplinkTests
{
    [Test]
    public void The_hub_of_the_first_uplink_stays_the_one_when_a_second_comes()
    {
        var driver = OfTwoHubs();

        Assert.Equal("west", driver.Core.Hub);
    }

    [Test]
    public void A_lost_uplink_means_the_other_hub_at_once_and_the_return_of_the_first_changes_nothing()
    {
        var driver = OfTwoHubs();

        driver.Forget().Do((c, now) => c.OnUpstreamLost(now, "west")).Pass(1);
        Assert.Equal("east", driver.Core.Hub);
        Assert.Contains(driver.Syncs, s => s.Target.PeerId == "east");

        driver.Do((c, now) => c.OnLinkUp(now, "west")).Do((c, now) => c.OnPresence(now, Here("west", NodeRole.Hub)));
        Assert.Equal("east", driver.Core.Hub);
    }

    [Test]
    public void Leaves_of_a_lost_hub_are_unreachable_too()
    {
        var driver = OfTwoHubs().Do((c, now) => c.OnPresence(now, Here("neighbour", hub: "west")));

        driver.Do((c, now) => c.OnUpstreamLost(now, "west"));

        Assert.Equal(["east"], driver.Core.StatusAt(driver.Now).Peers.Where(p => p.IsPresent).Select(p => p.PeerId));
    }

    [Test]
    public void What_the_other_hub_announces_is_fetched_at_once()
    {
        var driver = OfTwoHubs().Forget();

        driver.Do((c, now) => c.OnAnnouncement(now, From("east", 11, role: NodeRole.Hub), isHeld: false));

        Assert.Equal("east", Assert.Single(driver.Syncs).Target.PeerId);
    }

    [Test]
    public void Artifacts_of_one_hub_are_pushed_to_the_other_unless_it_announced_them()
    {
        foreach (var eastTells in (bool[])[false, true])
        {
            var driver = OfTwoHubs().Forget();
            driver.Do((c, now) => c.OnAnnouncement(now, From("west", 11, role: NodeRole.Hub), isHeld: false));
            driver.News = driver.News with
            {
                MaxRid = new(11),
                Artifacts = [new NewArtifact(new(11), Id(11))],
                Head = Id(11),
                CheckIns = 11
            };
            driver.Finish(SyncOutcome.Ok(received: 1)).Forget();
            if (eastTells)
                driver.Do((c, now) => c.OnAnnouncement(now, From("east", 11, role: NodeRole.Hub), isHeld: true));

            driver.Pass(1.5);

            Assert.Equal(!eastTells, driver.Syncs.Any(s => s.Target.PeerId == "east"));
        }
    }

    [Test]
    public void A_duplicate_node_id_is_logged_once_and_reported_until_it_is_silent()
    {
        var driver = new AgentDriver(Options() with { Instance = "a" }).Do((c, now) => c.OnLinkUp(now)).Forget();
        var duplicate = Here("me") with { Instance = "b", Interval = TimeSpan.FromSeconds(20) };

        for (var i = 0; i < 3; i++) driver.Do((c, now) => c.OnPresence(now, duplicate)).Pass(20);

        Assert.Single(
            driver.Effects.OfType<AgentEffect.Log>(), l =>
                l is { Level: AgentLogLevel.Warning, Event: AgentEvent.DuplicateName duplicate }
            && duplicate.Text.Contains("uses the id me too", StringComparison.Ordinal));
        Assert.Contains(
            "uses the id me too", driver.Core.StatusAt(driver.Now).DuplicateNodeId, StringComparison.Ordinal);
        Assert.Empty(driver.Core.StatusAt(driver.Now).Peers);
        Assert.Equal("a", driver.Presences.First().Instance);

        driver.Pass(60);
        Assert.Null(driver.Core.StatusAt(driver.Now).DuplicateNodeId);
    }

    [Test]
    public void Our_own_messages_are_not_a_duplicate()
    {
        var driver = new AgentDriver(Options() with { Instance = "a" }).Do((c, now) => c.OnLinkUp(now)).Forget();

        driver.Do((c, now) => c.OnPresence(now, Here("me") with { Instance = "a" }));

        Assert.Null(driver.Core.StatusAt(driver.Now).DuplicateNodeId);
    }

    [Test]
    public void A_leave_of_one_duplicate_does_not_remove_the_other()
    {
        var driver = new AgentDriver().Do((c, now) => c.OnLinkUp(now))
            .Do((c, now) => c.OnPresence(now, Here("ship") with { Instance = "b" }))
            .Do((c, now) => c.OnPresence(now, Here("ship") with { Instance = "a", State = PresenceState.Leave }));

        Assert.True(Assert.Single(driver.Core.StatusAt(driver.Now).Peers).IsPresent);
    }

    [Test]
    public void An_announcement_requests_only_its_artifacts_when_the_sender_has_all_ours()
    {
        var driver = OfTwoHubs().Forget();

        driver.Do((c, now) => c.OnAnnouncement(now, From("west", 11, role: NodeRole.Hub), isHeld: false));

        Assert.Equal(SyncActions.Pull, Assert.Single(driver.Syncs).Actions);
    }

    [Test]
    public void An_announcement_leads_both_ways_while_the_teller_lacks_something_of_ours()
    {
        var driver = OfTwoHubs().Forget();
        driver.Changed(ChangeOrigin.Local, 11).Finish(new SyncOutcome(SyncOutcomeKind.TimedOut)).Forget().Pass(1.5)
            .Forget();

        driver.Do((c, now) => c.OnAnnouncement(now, From("west", 12, role: NodeRole.Hub), isHeld: false)).Pass(2);

        Assert.All(driver.Syncs, s => Assert.Equal(SyncActions.Sync, s.Actions));
    }

    /// <summary>Joined to west, then to east; west, its hub, was given everything.</summary>
    private static AgentDriver OfTwoHubs()
    {
        var driver = new AgentDriver(Options(role: NodeRole.Leaf))
            .Do((c, now) => c.OnLinkUp(now))
            .Do((c, now) => c.OnLinkUp(now, "west")).Do((c, now) => c.OnPresence(now, Here("west", NodeRole.Hub)))
            .Do((c, now) => c.OnLinkUp(now, "east")).Do((c, now) => c.OnPresence(now, Here("east", NodeRole.Hub)));
        for (var i = 0; i < 6; i++) driver.Pass(1).Finish(SyncOutcome.Ok());
        return driver;
    }
}
