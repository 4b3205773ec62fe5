using EdgeSync.Agent;
using EdgeSync.Agent.Announcements;
using EdgeSync.Agent.Messages;
using EdgeSync.Agent.Schedule;
using EdgeSync.Fossil.Sync;
using EdgeSync.Primitives;
using static EdgeSync.UnitTests.Agent.AgentDriver;

namespace EdgeSync.UnitTests.Agent;

public class AgentCoreTests
{
    private static readonly SyncTarget Server = SyncTarget.Http("http://server/");

    [Test]
    public void A_local_commit_starts_an_exchange_at_once()
    {
        var driver = new AgentDriver().Do((c, now) => c.AddTarget(now, Server)).Pass(1).Finish(SyncOutcome.Ok())
            .Forget();

        driver.Changed(ChangeOrigin.Local, 11);

        var sync = Assert.Single(driver.Syncs);
        Assert.Equal((Server, SyncReason.LocalChange), (sync.Target, sync.Reason));
    }

    [Test]
    public void A_target_reports_when_its_last_session_began()
    {
        var driver = new AgentDriver().Do((c, now) => c.AddTarget(now, Server)).Pass(1);
        var target = Assert.Single(driver.Core.StatusAt(driver.Now).Targets);
        var began = Assert.NotNull(target.LastTry);
        Assert.True(began >= Start && began <= driver.Now, $"{began}");

        driver.Pass(10).Finish(new SyncOutcome(SyncOutcomeKind.Unreachable, "connection refused"));
        target = Assert.Single(driver.Core.StatusAt(driver.Now).Targets);
        Assert.True(target.LastTry == began);
        Assert.Null(target.LastOk);

        driver.Pass(10);
        Assert.True(Assert.Single(driver.Core.StatusAt(driver.Now).Targets).LastTry > began);
    }

    [Test]
    public void Requests_during_a_session_become_one_more_session()
    {
        var driver = new AgentDriver().Do((c, now) => c.AddTarget(now, Server)).Pass(1);
        Assert.Single(driver.Syncs);

        for (var rid = 11; rid < 40; rid++) driver.Do((c, now) => c.SyncNow(now));
        Assert.Single(driver.Syncs);
        driver.Finish(SyncOutcome.Ok());

        Assert.Equal(2, driver.Syncs.Count());
    }

    [Test]
    public void An_idle_server_is_polled_in_its_rhythm()
    {
        var driver = new AgentDriver().Do((c, now) => c.AddTarget(now, Server)).Pass(1).Finish(SyncOutcome.Ok());
        for (var i = 0; i < 100; i++) driver.Pass(1).Finish(SyncOutcome.Ok());

        // 100 s at 5 s with a fifth of jitter.
        Assert.InRange(driver.Syncs.Count(), 15, 27);
    }

    [Test]
    public void Failures_make_pauses_grow_to_a_minute()
    {
        var driver = new AgentDriver().Do((c, now) => c.AddTarget(now, Server)).Pass(1);
        for (var i = 0; i < 3600; i++)
            driver.Finish(new SyncOutcome(SyncOutcomeKind.Unreachable, "connection refused")).Pass(1);

        // Six quick ones, then about one in 45 s.
        Assert.InRange(driver.Syncs.Count(), 60, 130);
        var target = Assert.Single(driver.Core.StatusAt(driver.Now).Targets);
        Assert.Equal(BreakerState.Open, target.Breaker);
    }

    [Test]
    public void A_manual_sync_skips_the_backoff()
    {
        var driver = new AgentDriver().Do((c, now) => c.AddTarget(now, Server)).Pass(1);
        for (var i = 0; i < 200; i++) driver.Finish(new SyncOutcome(SyncOutcomeKind.Unreachable)).Pass(1);
        driver.Finish(new SyncOutcome(SyncOutcomeKind.Unreachable)).Forget();

        driver.Do((c, now) => c.SyncNow(now));

        Assert.Equal(SyncReason.Requested, Assert.Single(driver.Syncs).Reason);
    }

    [Test]
    public void Targets_run_side_by_side_up_to_the_limit()
    {
        var driver = new AgentDriver();
        for (var i = 0; i < 9; i++) driver.Do((c, now) => c.AddTarget(now, SyncTarget.Http($"http://{i}/")));
        driver.Pass(2);

        Assert.Equal(4, driver.Syncs.Count());
        driver.Finish(SyncOutcome.Ok());
        Assert.Equal(8, driver.Syncs.Count());
    }

    [Test]
    public void Only_the_hub_is_synced_with()
    {
        var driver = new AgentDriver().Do((c, now) => c.OnLinkUp(now));
        for (var i = 0; i < 50; i++) driver.Do((c, now) => c.OnPresence(now, Here($"leaf{i}", NodeRole.Leaf, "hub")));
        driver.Do((c, now) => c.OnPresence(now, Here("hub", NodeRole.Hub)));

        for (var i = 0; i < 60; i++) driver.Pass(1).Finish(SyncOutcome.Ok());
        driver.Changed(ChangeOrigin.Local, 11);

        Assert.Equal("hub", driver.Core.Hub);
        Assert.All(driver.Syncs.Skip(1), s => Assert.Equal("nats:hub", s.Target.Id));
        Assert.Equal("hub", Assert.Single(driver.Announcements).Hub);
    }

    [Test]
    public void A_lost_announcement_is_made_up_for_by_the_next_heartbeat()
    {
        var driver = WithHub().Forget();
        var heartbeat = Here("hub", NodeRole.Hub) with { Head = Id(77), CheckIns = 2 };

        driver.Do((c, now) => c.OnPresence(now, heartbeat, holdsHead: false));
        var sync = Assert.Single(driver.Syncs);
        Assert.Equal(("nats:hub", SyncReason.Announcement), (sync.Target.Id, sync.Reason));
        Assert.Equal([Id(77)], sync.Wanted);

        // What the session did not bring is not asked for again, and what is here not at all.
        driver.Finish(SyncOutcome.Ok()).Forget();
        driver.Do((c, now) => c.OnPresence(now, heartbeat, holdsHead: false));
        driver.Do((c, now) => c.OnPresence(now, heartbeat with { Head = Id(78) }, holdsHead: true));
        Assert.Empty(driver.Syncs);
    }

    /// <summary>What a leaf has comes by the hub; where there is none, another session may be bringing it.</summary>
    [Test]
    public void A_heartbeat_of_an_equal_is_not_followed_at_once()
    {
        var withHub = WithHub().Do((c, now) => c.OnPresence(now, Here("leaf", NodeRole.Leaf, "hub"))).Forget();
        withHub.Do((c, now) => c.OnPresence(
            now, Here("leaf", NodeRole.Leaf, "hub") with { Head = Id(77), CheckIns = 2 }, holdsHead: false));
        Assert.Empty(withHub.Syncs);
        Assert.Equal(0, withHub.Core.StatusAt(withHub.Now).Wanted);

        var alone = new AgentDriver().Do((c, now) => c.OnLinkUp(now)).Do((c, now) => c.OnPresence(now, Here("other")))
            .Pass(5).Finish(SyncOutcome.Ok()).Forget();
        alone.Do((c, now) => c.OnPresence(now, Here("other") with { Head = Id(77), CheckIns = 2 }, holdsHead: false));
        Assert.Empty(alone.Syncs);
        alone.Pass(5);
        Assert.Equal("nats:other", Assert.Single(alone.Syncs).Target.Id);
    }

    [Test]
    public void A_heartbeat_of_what_was_announced_starts_no_second_session()
    {
        var driver = WithHub().Forget();
        driver.Do((c, now) => c.OnAnnouncement(now, From("hub", 77, role: NodeRole.Hub), isHeld: false));
        driver.Do((c, now) => c.OnPresence(
            now, Here("hub", NodeRole.Hub) with { Head = Id(77), CheckIns = 2 }, holdsHead: false));

        driver.Finish(SyncOutcome.Ok(1)).Pass(1);

        Assert.Single(driver.Syncs);
    }

    [Test]
    public void Announced_artifacts_and_their_files_are_requested_by_name()
    {
        var driver = WithHub().Forget();

        driver.Do(
            (c, now) => c.OnAnnouncement(
                now, From("hub", 77, role: NodeRole.Hub) with { Files = [Id(78).ToString()] }, isHeld: false));
        Assert.Equal([Id(77), Id(78)], Assert.Single(driver.Syncs).Wanted);

        driver.Finish(SyncOutcome.Ok(2)).Forget().Do((c, now) => c.SyncNow(now));
        Assert.Empty(Assert.Single(driver.Syncs).Wanted);
    }

    [Test]
    public void An_announcement_names_the_files_unless_they_are_many()
    {
        var driver = new AgentDriver().Do((c, now) => c.OnLinkUp(now)).Forget();
        driver.News = driver.News with { Files = [Id(12)] };
        driver.Changed(ChangeOrigin.Local, 11);
        Assert.Equal([Id(12).ToString()], Assert.Single(driver.Announcements).Files);

        driver.Forget().News = driver.News with { Files = [.. Enumerable.Range(14, 30).Select(Id)] };
        driver.Changed(ChangeOrigin.Local, 13);
        Assert.Empty(Assert.Single(driver.Announcements).Files);
    }

    [Test]
    public void A_change_is_announced_at_once_among_few_peers()
    {
        var driver = WithHub().Pass(5).Forget();
        driver.News = driver.News with { CheckIns = 5 };
        driver.Changed(ChangeOrigin.Local, 11).Pass(1);
        Assert.Equal(5, Assert.Single(driver.Presences).CheckIns);

        for (var i = 0; i < 50; i++) driver.Do((c, now) => c.OnPresence(now, Here($"leaf{i}", NodeRole.Leaf, "hub")));
        driver.Pass(2).Forget();
        driver.News = driver.News with { CheckIns = 6 };
        driver.Changed(ChangeOrigin.Local, 12).Pass(1);
        Assert.Empty(driver.Presences);
    }

    [Test]
    public void What_another_leaf_announces_is_awaited_from_the_hub()
    {
        var driver = WithHub().Forget();

        driver.Do((c, now) => c.OnAnnouncement(now, From("leaf1", 77, hub: "hub"), isHeld: false)).Pass(1);
        Assert.Empty(driver.Syncs);
        driver.Do((c, now) => c.OnAnnouncement(now, From("hub", 77, role: NodeRole.Hub), isHeld: false));

        var sync = Assert.Single(driver.Syncs);
        Assert.Equal(("nats:hub", SyncReason.Announcement), (sync.Target.Id, sync.Reason));
    }

    [Test]
    public void A_silent_hub_is_synced_with_after_a_pause()
    {
        var driver = WithHub().Forget();

        driver.Do((c, now) => c.OnAnnouncement(now, From("leaf1", 77, hub: "hub"), isHeld: false)).Pass(5);

        Assert.Equal("nats:hub", Assert.Single(driver.Syncs).Target.Id);
    }

    [Test]
    public void Artifacts_received_by_another_route_are_not_requested()
    {
        var driver = WithHub().Forget();

        driver.Do((c, now) => c.OnAnnouncement(now, From("leaf1", 77, hub: "hub"), isHeld: false));
        driver.Changed(ChangeOrigin.Pushed, 77).Forget().Pass(4);

        Assert.Empty(driver.Syncs);
    }

    [Test]
    public void Artifacts_left_to_another_session_are_requested_again_soon_by_name()
    {
        var driver = WithHub().Forget();
        driver.Do((c, now) => c.OnAnnouncement(now, From("hub", 77, role: NodeRole.Hub), isHeld: false));

        driver.Finish(SyncOutcome.Ok() with { LeftToOthers = true }, "nats:hub").Forget().Pass(9);
        Assert.Empty(driver.Syncs);
        driver.Pass(2);

        Assert.Equal([Id(77)], Assert.Single(driver.Syncs, s => s.Target.Id == "nats:hub").Wanted);
    }

    [Test]
    public void Own_nameless_and_held_announcements_do_nothing()
    {
        var driver = new AgentDriver().Do((c, now) => c.OnLinkUp(now)).Pass(0.01).Forget();

        driver.Do((c, now) => c.OnAnnouncement(now, From("me", 77), isHeld: false));
        driver.Do((c, now) => c.OnAnnouncement(now, From(null, 77), isHeld: false));
        driver.Do((c, now) => c.OnAnnouncement(now, From("other", 77), isHeld: true));

        Assert.Empty(driver.Syncs);
    }

    [Test]
    public void Without_a_hub_the_announcer_is_the_target()
    {
        var driver = new AgentDriver().Do((c, now) => c.OnLinkUp(now)).Do((c, now) => c.OnPresence(now, Here("other")))
            .Forget();

        driver.Do((c, now) => c.OnAnnouncement(now, From("other", 77), isHeld: false));

        Assert.Equal("nats:other", Assert.Single(driver.Syncs).Target.Id);
        driver.Finish(SyncOutcome.Ok(received: 3)).Forget().Pass(3);
        Assert.Empty(driver.Announcements);
    }

    [Test]
    public void The_originals_hub_is_addressed_by_its_name()
    {
        var driver = new AgentDriver().Do((c, now) => c.OnLinkUp(now)).Pass(0.01).Forget();

        driver.Do((c, now) => c.OnAnnouncement(now, From("old.hub", 77, role: null), isHeld: false));

        Assert.Equal(Subjects.Sync + ".old.hub", Assert.Single(driver.Syncs).Target.Address);
        Assert.True(driver.Core.StatusAt(driver.Now).Peers.Single().IsForeign);
    }

    [Test]
    public void A_hub_announces_what_it_received()
    {
        var driver = new AgentDriver(Options("hub", NodeRole.Hub)).Do((c, now) => c.OnLinkUp(now)).Forget();

        driver.Changed(ChangeOrigin.Pushed, 11, 12);

        Assert.Equal([Id(11).ToString(), Id(12).ToString()], driver.Announcements.Select(a => a.Uuid));
        Assert.Equal(new RecordId(12), driver.Effects.OfType<AgentEffect.PersistWatermark>().Last().PublishedRid);
        Assert.Empty(driver.Syncs);
    }

    /// <summary>Names come a round before their texts, so a commit's rid may lie below what is there already.</summary>
    [Test]
    public void A_filled_phantom_is_announced_once()
    {
        var driver = new AgentDriver(Options("hub", NodeRole.Hub)).Do((c, now) => c.OnLinkUp(now)).Forget();
        driver.News = driver.News with { MaxRid = new RecordId(15), FirstPhantom = new RecordId(12) };
        driver.Do((c, now) => c.OnChanged(now, ChangeOrigin.Pushed));
        Assert.Empty(driver.Announcements);

        driver.News = driver.News with { FirstPhantom = new RecordId(13) };
        driver.Changed(ChangeOrigin.Pushed, 12, 15);
        driver.News = driver.News with { FirstPhantom = default };
        driver.Changed(ChangeOrigin.Pushed, 12, 13, 15);
        driver.Changed(ChangeOrigin.Pushed, 12, 13, 15);

        Assert.Equal([12, 15, 13], driver.Announcements.Select(a => a.Rid));
        Assert.Equal(
            [11, 12, 15], driver.Effects.OfType<AgentEffect.PersistWatermark>().Select(m => m.PublishedRid.Value));
    }

    [Test]
    public void Of_a_large_batch_only_the_newest_are_announced()
    {
        var driver = new AgentDriver(Options("hub", NodeRole.Hub)).Do((c, now) => c.OnLinkUp(now)).Forget();

        driver.Changed(ChangeOrigin.Pushed, [.. Enumerable.Range(11, 200)]);

        Assert.Equal(AnnouncementPlanner.AnnouncementsMax, driver.Announcements.Count());
        Assert.Equal(Id(210).ToString(), driver.Announcements.Last().Uuid);
    }

    [Test]
    public void Changes_during_a_link_loss_are_announced_later()
    {
        var driver = new AgentDriver(Options("hub", NodeRole.Hub));

        driver.Changed(ChangeOrigin.Local, 11);
        Assert.Empty(driver.Announcements);
        Assert.Empty(driver.Effects.OfType<AgentEffect.PersistWatermark>());
        driver.Do((c, now) => c.OnLinkUp(now));

        Assert.Equal(Id(11).ToString(), Assert.Single(driver.Announcements).Uuid);
    }

    [Test]
    public void The_first_start_announces_no_old_artifacts()
    {
        var driver = new AgentDriver(memory: new AgentMemory());

        driver.Do((c, now) => c.OnLinkUp(now));

        Assert.Empty(driver.Announcements);
        Assert.Equal(new RecordId(10), driver.Effects.OfType<AgentEffect.PersistWatermark>().Single().PublishedRid);
    }

    [Test]
    public void Fetched_artifacts_are_announced_unless_others_have_announced_them()
    {
        AgentDriver Fetch()
        {
            var driver = new AgentDriver().Do((c, now) => c.AddTarget(now, Server)).Do((c, now) => c.OnLinkUp(now))
                .Do((c, now) => c.OnPresence(now, Here("other"))).Pass(0.6);
            driver.News = driver.News with
            {
                MaxRid = new RecordId(11),
                Artifacts = [new NewArtifact(new RecordId(11), Id(11))]
            };
            return driver.Finish(SyncOutcome.Ok(received: 1), Server.Id).Forget();
        }

        var alone = Fetch().Pass(1.1);
        var second = Fetch().Do((c, now) => c.OnAnnouncement(now, From("other", 11), isHeld: true)).Pass(1.1);

        Assert.Equal(Id(11).ToString(), Assert.Single(alone.Announcements).Uuid);
        Assert.Empty(second.Announcements);
    }

    [Test]
    public void A_lost_hub_is_replaced_and_taken_back()
    {
        var driver = WithHub();
        driver.Do((c, now) => c.OnPresence(now, Here("second", NodeRole.Hub)));
        Assert.Equal("hub", driver.Core.Hub);

        for (var i = 0; i < 20; i++)
        {
            driver.Finish(new SyncOutcome(SyncOutcomeKind.TimedOut), "nats:hub").Pass(5);
            driver.Do((c, now) => c.OnPresence(now, Here("hub", NodeRole.Hub)))
                .Do((c, now) => c.OnPresence(now, Here("second", NodeRole.Hub)));
        }

        Assert.Equal("second", driver.Core.Hub);
        driver.Do((c, now) => c.OnPresence(now, Here("second", NodeRole.Hub) with { State = PresenceState.Leave }));
        Assert.Null(driver.Core.Hub);
    }

    [Test]
    public void Silent_peers_are_absent_and_their_good_bye_counts_at_once()
    {
        var driver = new AgentDriver().Do((c, now) => c.OnLinkUp(now)).Do((c, now) => c.OnPresence(now, Here("a")))
            .Do((c, now) => c.OnPresence(now, Here("b")));

        driver.Do((c, now) => c.OnPresence(now, Here("b") with { State = PresenceState.Leave }));
        Assert.Equal(["a"], driver.Core.StatusAt(driver.Now).Peers.Where(p => p.IsPresent).Select(p => p.PeerId));
        driver.Pass(70);

        Assert.DoesNotContain(driver.Core.StatusAt(driver.Now).Peers, p => p.IsPresent);
    }

    [Test]
    public void New_peers_share_one_heartbeat()
    {
        var driver = new AgentDriver().Do((c, now) => c.OnLinkUp(now)).Pass(5).Forget();

        for (var i = 0; i < 40; i++)
            driver.Do((c, now) => c.OnPresence(now, Here($"p{i}") with { State = PresenceState.Join }));
        driver.Pass(2);

        Assert.Single(driver.Presences);
    }

    [Test]
    public void Peers_beyond_the_bound_make_room()
    {
        var driver = new AgentDriver(Options() with { PeersMax = 10 }).Do((c, now) => c.OnLinkUp(now));

        for (var i = 0; i < 100; i++) driver.Pass(0.01).Do((c, now) => c.OnPresence(now, Here($"p{i}")));

        Assert.Equal(10, driver.Core.StatusAt(driver.Now).Peers.Count);
        Assert.Equal(90, driver.Effects.OfType<AgentEffect.ForgetPeer>().Count());
    }

    [Test]
    public void Behind_always_has_a_reason()
    {
        var driver = new AgentDriver().Do((c, now) => c.AddTarget(now, Server)).Pass(1);
        driver.Finish(new SyncOutcome(SyncOutcomeKind.Unreachable, "connection refused"));

        var behind = driver.Core.StatusAt(driver.Now);
        driver.Pass(2).Finish(SyncOutcome.Ok());
        var well = driver.Core.StatusAt(driver.Now);

        Assert.Equal(AgentState.Behind, behind.State);
        Assert.Contains("connection refused", behind.Reasons[0], StringComparison.Ordinal);
        Assert.Equal((AgentState.InSync, 0), (well.State, well.Reasons.Count));
    }

    [Test]
    public void Failures_are_errors_unless_benign_or_beside_a_success()
    {
        var alone = new AgentDriver().Do((c, now) => c.AddTarget(now, Server)).Pass(1)
            .Finish(new SyncOutcome(SyncOutcomeKind.Unreachable));
        var benign = new AgentDriver().Do((c, now) => c.AddTarget(now, Server)).Pass(1)
            .Finish(new SyncOutcome(SyncOutcomeKind.NoResponders));
        var beside = new AgentDriver().Do((c, now) => c.AddTarget(now, Server))
            .Do((c, now) => c.AddTarget(now, SyncTarget.Http("http://b/"))).Pass(1)
            .Finish(SyncOutcome.Ok(), "http:http://b/").Finish(new SyncOutcome(SyncOutcomeKind.Unreachable), Server.Id);

        var ours = new AgentDriver().Do((c, now) => c.AddTarget(now, Server))
            .Do((c, now) => c.AddTarget(now, SyncTarget.Http("http://b/"))).Pass(1)
            .Finish(SyncOutcome.Ok(), "http:http://b/").Finish(
                new SyncOutcome(SyncOutcomeKind.LocalFailed, "the disk is full"), Server.Id);

        Assert.Equal(
            [AgentLogLevel.Error, AgentLogLevel.Debug, AgentLogLevel.Debug, AgentLogLevel.Error],
            new[] { alone, benign, beside, ours }.Select(LevelOfFailure));
    }

    [Test]
    [Arguments(AutosyncMode.On, SyncActions.Sync)]
    [Arguments(AutosyncMode.PullOnly, SyncActions.Pull)]
    public void Autosync_decides_the_actions_of_a_session(AutosyncMode mode, SyncActions actions)
    {
        var driver = new AgentDriver(Options() with { Autosync = mode }).Do((c, now) => c.AddTarget(now, Server))
            .Pass(1);

        Assert.Equal(actions, Assert.Single(driver.Syncs).Actions);
    }

    [Test]
    public void A_bridge_is_behind_by_nothing_once_it_was_given_everything_and_never_by_a_number()
    {
        var bridge = Here("bridge") with { Capabilities = [AgentOptions.BridgeCapability] };
        var driver = new AgentDriver
        {
            News = new RepositoryChanges { MaxRid = new RecordId(10), CheckIns = 12 }
        }.Do((c, now) => c.OnLinkUp(now)).Do((c, now) => c.OnPresence(now, bridge));
        Assert.Null(driver.Core.StatusAt(driver.Now).Peers.Single().LagBehind(12));
        Assert.False(HasAll());

        driver.Pass(10).Finish(SyncOutcome.Ok());
        Assert.True(HasAll());
        driver.Changed(ChangeOrigin.Local, 11);
        Assert.False(HasAll());

        bool HasAll() => driver.Core.StatusAt(driver.Now).Targets.Any(t => t.Target.PeerId == "bridge" && t.HasAll);
    }

    [Test]
    public void Waiting_for_a_first_peer_is_not_a_failure()
    {
        var driver = new AgentDriver().Do((c, now) => c.OnLinkUp(now)).Pass(5)
            .Finish(new SyncOutcome(SyncOutcomeKind.NoResponders));

        Assert.True(Assert.Single(driver.Core.StatusAt(driver.Now).Targets).IsAwaited);
    }

    [Test]
    public void With_autosync_off_only_a_request_syncs()
    {
        var driver = new AgentDriver(
            Options() with { Autosync = AutosyncMode.Off }).Do((c, now) => c.AddTarget(now, Server))
            .Do((c, now) => c.OnLinkUp(now)).Pass(100).Changed(ChangeOrigin.Local, 11).Pass(100);
        Assert.Empty(driver.Syncs);

        driver.Do((c, now) => c.SyncNow(now));

        Assert.NotEmpty(driver.Syncs);
    }

    [Test]
    public void Without_EdgeSync_peers_the_project_subject_is_used()
    {
        var driver = new AgentDriver().Do((c, now) => c.OnLinkUp(now)).Pass(3);

        Assert.Equal("nats", Assert.Single(driver.Syncs).Target.Id);
    }

    [Test]
    public void Same_calls_same_effects()
    {
        static List<AgentEffect> Run()
        {
            var driver = new AgentDriver(seed: 7).Do((c, now) => c.OnLinkUp(now))
                .Do((c, now) => c.OnPresence(now, Here("hub", NodeRole.Hub)));
            for (var i = 0; i < 50; i++)
                driver.Changed(ChangeOrigin.Local, 11 + i).Pass(3)
                    .Finish(i % 3 == 0 ? new SyncOutcome(SyncOutcomeKind.TimedOut) : SyncOutcome.Ok(1));
            return driver.Effects;
        }

        Assert.Equal(
            Run().Select(e => e is AgentEffect.Publish p ? Convert.ToHexString(p.Payload) : e.ToString()),
            Run().Select(e => e is AgentEffect.Publish p ? Convert.ToHexString(p.Payload) : e.ToString()));
    }

    private static AgentDriver WithHub()
    {
        var driver = new AgentDriver(Options() with { Hub = "hub" }).Do((c, now) => c.OnLinkUp(now))
            .Do((c, now) => c.OnPresence(now, Here("hub", NodeRole.Hub)));
        return driver.Pass(0.6).Finish(SyncOutcome.Ok());
    }

    private static AgentLogLevel LevelOfFailure(AgentDriver driver) =>
        driver.Effects.OfType<AgentEffect.Log>().Last(l => l.Event is AgentEvent.SyncFailed).Level;
}
