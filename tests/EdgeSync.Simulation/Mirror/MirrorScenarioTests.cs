using EdgeSync.Can.Assets;
using EdgeSync.Can.Sync.Passphrase;
using EdgeSync.Can.Sync.Peers;
using EdgeSync.Can.Sync.Records;
using EdgeSync.Can.Sync.Transfer;
using EdgeSync.Can.Sync.Wire;

namespace EdgeSync.Simulation.Mirror;

public sealed class MirrorScenarioTests
{
    private static readonly TimeSpan Minute = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan Long = TimeSpan.FromMinutes(10);

    [Test]
    public void A_connection_of_a_peer_that_is_elsewhere_is_given_up_when_nothing_comes_on_it()
    {
        var world = Connected(2);
        var (here, there) = (world.Peers[0], world.Peers[1]);
        var answered = here.Reports.Count;
        world.Tell(here, (node, at) => node.OnPeerMoved(at, there.Id));
        world.Run(TimeSpan.FromSeconds(4));
        Assert.Equal(answered, here.Reports.Count);

        // What is sent comes nowhere from now on, as when the machine was switched off.
        world.Spoil = (_, send) => send.Lane == 0 ? ReadOnlyMemory<byte>.Empty : send.Bytes;
        world.Run(TimeSpan.FromSeconds(1));
        world.Tell(here, (node, at) => node.OnPeerMoved(at, there.Id));
        world.Run(TimeSpan.FromSeconds(4));

        Assert.Contains("can.peer_closed", here.Reports.Skip(answered));
    }

    [Test]
    public void Stores_that_had_the_same_assets_before_they_met_send_no_record_of_them()
    {
        var world = new MirrorWorld(3, 2, hasRealProofs: false);
        var contents = Enumerable.Range(0, 500).Select(_ => world.Prng.NextBytes(50)).ToList();
        foreach (var peer in world.Peers)
        {
            peer.ClockError = TimeSpan.FromDays(400 * peer.Number);
            for (var i = 0; i < contents.Count; i++) world.Add(peer, contents[i], i, updatedAtMs: 2 * i);
        }

        Assert.True(world.RunUntil(world.IsEqual, Long));

        // Each tells of itself, and nothing else.
        Assert.InRange(world.ControlBytes, 1, 3000);
        Assert.Equal(502, world.Peers[0].Node!.Replica.Index.Count);
    }

    [Test]
    public void A_store_with_another_passphrase_learns_nothing()
    {
        var wrong = SyncKeys.Derive("another", cost: new StretchCost(8, 1));
        var world = new MirrorWorld(1, 2, othersKeys: wrong);
        world.Add(world.Peers[0], [1, 2, 3], 5);

        world.Run(Long);

        Assert.Empty(world.Peers[0].Node!.Peers());
        Assert.Single(world.Peers[1].Store.Records());
        Assert.Contains("can.peer_closed", world.Peers[1].Reports);
        // A proof is 130 bytes, and nothing but proofs was sent.
        Assert.DoesNotContain((byte)MirrorFrame.Records, world.Frames.Keys);
    }

    [Test]
    public void A_change_goes_to_the_peer_once_and_does_not_come_back()
    {
        var world = Connected(2);
        var before = world.Frames.GetValueOrDefault((byte)MirrorFrame.Records);

        var hash = world.Add(world.Peers[0], [1], 5);
        Assert.True(world.RunUntil(() => world.Peers[1].Store.HasContent(hash), Minute));
        world.Run(Minute);

        Assert.Equal(1, world.Frames[(byte)MirrorFrame.Records] - before);
    }

    [Test]
    public void Both_sides_see_within_seconds_that_they_are_in_sync()
    {
        var world = Connected(2);
        var seconds = TimeSpan.FromSeconds(3);
        bool IsInSync() => world.Peers.All(p => p.Node!.Peers().ToArray() is [{ IsInSync: true, Missing: 0 }]);

        // More than a number of groups, so that the content comes in more than one step.
        var hash = world.Add(world.Peers[0], world.Prng.NextBytes(3 * ContentTree.GroupBytes), 5);
        Assert.True(world.RunUntil(() => world.Peers[1].Store.HasContent(hash), Minute));

        Assert.True(world.RunUntil(IsInSync, seconds));

        // Nothing differs at the next connection.
        world.BreakConnections();
        Assert.True(world.RunUntil(() => world.Peers.All(p => !p.Node!.Peers().Any()), Minute));
        Assert.True(world.RunUntil(() => world.Peers.All(p => p.Node!.Peers().Any()), Long));
        Assert.True(world.RunUntil(IsInSync, seconds));
    }

    [Test]
    public void A_broken_transfer_goes_on_where_it_stopped()
    {
        var world = Connected(2);
        var (source, target) = (world.Peers[0], world.Peers[1]);
        var content = world.Prng.NextBytes((10 * ContentTree.GroupBytes) + 7);
        var hash = world.Add(source, content, 5);

        foreach (var groups in new[] { 3, 6, 9 })
        {
            Assert.True(world.RunUntil(() => target.Store.GroupsWritten >= groups, Long));
            world.BreakConnections();
            world.Kill(target);
            world.StartNode(target);
        }

        Assert.True(world.RunUntil(world.IsEqual, Long));
        Assert.True(target.Store.ContentOf(hash).AsSpan().SequenceEqual(content));
        Assert.Equal(11, target.Store.GroupsWritten);
    }

    [Test]
    public void Content_that_went_bad_at_its_source_is_repaired_from_another_store()
    {
        var world = Connected(3);
        world.Kill(world.Peers[1]);
        var content = world.Prng.NextBytes(5000);
        var hash = world.Add(world.Peers[0], content, 5);
        Assert.True(world.RunUntil(() => world.Peers[2].Store.HasContent(hash), Long));
        world.Peers[0].Store.Spoil(hash, 17);
        world.StartNode(world.Peers[1]);

        Assert.True(world.RunUntil(() => world.IsEqual() && world.Peers[1].Store.HasContent(hash), Long));
        world.Run(Minute);

        Assert.True(world.Peers[1].Store.ContentOf(hash).AsSpan().SequenceEqual(content));
    }

    [Test]
    public void Content_that_is_not_the_asset_is_refused_and_fetched_from_another_store()
    {
        var world = Connected(3);
        var content = world.Prng.NextBytes(5000);
        var hash = AssetHash.Of(5, content);
        // The first store lies: it has a tree of other content.
        world.Peers[0].Store.Put(hash, world.Prng.NextBytes(5000));
        world.Tell(world.Peers[0], (node, at) => node.Add(at, hash, 5, 5000, 5, []));
        Assert.True(world.RunUntil(() => world.Peers[1].Reports.Contains("can.identity_mismatch"), Long));
        Assert.False(world.Peers[1].Store.HasContent(hash));

        world.Add(world.Peers[2], content, 5);

        Assert.True(world.RunUntil(() => world.Peers[1].Store.HasContent(hash), Long));
        Assert.True(world.Peers[1].Store.ContentOf(hash).AsSpan().SequenceEqual(content));
    }

    [Test]
    [Arguments(true)]
    [Arguments(false)]
    public void A_mass_deletion_of_a_peer_waits_for_a_person(bool isMeant)
    {
        var world = Connected(2);
        var hashes = AddMany(world, 100);
        Assert.True(world.RunUntil(world.IsEqual, Long));
        var (source, target) = (world.Peers[0], world.Peers[1]);

        world.Tell(source, (node, at) => node.Answer(at, SyncQuestion.LocalDeletes, isMeant: true));
        foreach (var hash in hashes) world.Tell(source, (node, at) => node.Purge(at, hash));
        world.Run(Minute);

        Assert.Equal(SyncQuestion.PeerDeletes, Assert.Single(target.Questions).Question);
        Assert.Equal(50, target.Store.Contents().Count());

        world.Tell(target, (node, at) => node.Answer(at, SyncQuestion.PeerDeletes, isMeant));
        Assert.True(world.RunUntil(world.IsEqual, Long));
        Assert.Equal(isMeant ? 0 : 50, source.Store.Contents().Count());
        Assert.Equal(isMeant ? 0 : 50, target.Store.Contents().Count());
        // What came back has its details.
        Assert.All(
            source.Store.Records().Where(r => r.Kind == RecordKind.Asset && !r.IsPurged),
            r => Assert.Equal("a", r[RecordField.FileName]));
    }

    // A restart forgot what was counted, so a program that deletes and a service that crashes emptied every store.
    [Test]
    public void A_restart_lets_no_more_deletions_pass()
    {
        var world = Connected(2);
        var hashes = AddMany(world, 100);
        Assert.True(world.RunUntil(world.IsEqual, Long));
        var (source, target) = (world.Peers[0], world.Peers[1]);
        var made = 0;
        foreach (var part in hashes.Chunk(20))
        {
            foreach (var hash in part)
            {
                world.Tell(source, (node, at) =>
                {
                    if (node.Purge(at, hash) == LocalOutcome.Changed) made++;
                });
            }

            world.Run(Minute);
            world.Kill(source);
            world.Kill(target);
            world.StartNode(source);
            world.StartNode(target);
        }

        Assert.Equal(50, made);
        Assert.Equal(50, target.Store.Contents().Count());
        // Whoever decides is asked again.
        Assert.Equal(SyncQuestion.LocalDeletes, source.Questions[^1].Question);
    }

    [Test]
    public void A_program_that_deletes_everything_is_stopped()
    {
        var world = Connected(2);
        var hashes = AddMany(world, 100);
        var outcomes = new List<LocalOutcome>();
        foreach (var hash in hashes)
            world.Tell(world.Peers[0], (node, at) => outcomes.Add(node.Purge(at, hash)));

        Assert.Equal(50, outcomes.Count(o => o == LocalOutcome.Changed));
        Assert.Equal(LocalOutcome.Stopped, outcomes[^1]);
        Assert.Equal(SyncQuestion.LocalDeletes, Assert.Single(world.Peers[0].Questions).Question);
    }

    [Test]
    public void An_emptied_folder_is_filled_again_when_a_person_says_so()
    {
        var world = Connected(2);
        var hashes = AddMany(world, 100);
        Assert.True(world.RunUntil(world.IsEqual, Long));
        var empty = world.Peers[1];
        foreach (var hash in hashes) empty.Store.Lose(hash);
        world.Tell(empty, (node, at) => node.OnContentLost(at, hashes));
        world.Run(Minute);

        Assert.Empty(empty.Store.Contents());
        Assert.Equal(SyncQuestion.MissingContent, Assert.Single(empty.Questions).Question);
        Assert.Equal(100, world.Peers[0].Store.Contents().Count());

        world.Tell(empty, (node, at) => node.Answer(at, SyncQuestion.MissingContent, isMeant: true));
        Assert.True(world.RunUntil(() => empty.Store.Contents().Count() == 100, Long));
    }

    [Test]
    public void A_limit_holds_and_small_assets_pass_large_ones()
    {
        var world = Connected(2);
        var (source, target) = (world.Peers[0], world.Peers[1]);
        world.Tell(source, (node, at) => node.SetLimit(at, 100_000));
        var from = world.Now;
        var large = world.Add(source, world.Prng.NextBytes(8 * ContentTree.GroupBytes), 5);
        world.Run(TimeSpan.FromSeconds(5));
        var small = world.Add(source, [1], 6);

        Assert.True(world.RunUntil(() => target.Store.HasContent(small), Minute));
        Assert.False(target.Store.HasContent(large));
        Assert.True(world.RunUntil(() => target.Store.HasContent(large), Long));
        Assert.InRange((world.Now - from).TotalSeconds, 17, 30);
    }

    [Test]
    public void A_pause_lets_records_pass_and_no_content()
    {
        var world = Connected(2);
        var (source, target) = (world.Peers[0], world.Peers[1]);
        world.Tell(target, (node, at) => node.Pause(at));
        var hash = world.Add(source, [1, 2], 5);
        world.Run(Minute);

        Assert.True(target.Store.TryGetRecord(hash, out _));
        Assert.False(target.Store.HasContent(hash));

        world.Tell(target, (node, at) => node.Resume(at));
        Assert.True(world.RunUntil(() => target.Store.HasContent(hash), Minute));
    }

    [Test]
    public void A_deletion_is_kept_for_a_store_that_is_away_until_it_is_retired()
    {
        var world = Connected(3);
        var hash = world.Add(world.Peers[0], [1], 5);
        Assert.True(world.RunUntil(world.IsEqual, Long));
        var away = world.Peers[2];
        world.Kill(away);
        world.Tell(world.Peers[0], (node, at) => node.Purge(at, hash));
        world.Run(Long);
        Assert.Equal(1, world.Peers[0].Node!.Replica.DeletionCount);

        world.Tell(world.Peers[0], (node, at) => node.Retire(at, away.Store.Id));
        Assert.True(world.RunUntil(
            () => world.Peers[0].Node!.Replica.DeletionCount + world.Peers[1].Node!.Replica.DeletionCount == 0, Long));

        // It is refused, and brings nothing back.
        world.StartNode(away);
        world.Run(Long);
        Assert.False(world.Peers[0].Store.HasContent(hash));
        Assert.Empty(away.Node!.Peers());
    }

    [Test]
    [Arguments("flood", "can.peer_closed")]
    [Arguments("giant", "can.peer_closed")]
    [Arguments("junk", "can.peer_closed")]
    public void A_peer_that_does_not_behave_is_cut_off(string what, string report)
    {
        var world = Connected(2);
        var hostile = world.Peers[0];
        var flood = new MirrorMessage.Keys(
            MirrorFrame.Seek, [.. Enumerable.Range(0, 30_000).Select(i => AssetHash.Of(i, "x"u8))]).ToFrame();
        var bad = what switch
        {
            "flood" => [.. Enumerable.Range(0, 40).SelectMany(_ => flood)],
            "giant" => [3, 0xff, 0xff, 0xff, 0xff],
            _ => new byte[] { 3, 0, 0, 0, 1, 9 },
        };
        world.Spoil = (peer, send) =>
            peer == hostile && send.Lane == 0 && send.Bytes.Span[0] == (byte)MirrorFrame.Ping ? bad : send.Bytes;

        world.Run(Minute);

        Assert.Contains(report, world.Peers[1].Reports);
    }

    [Test]
    public void An_agent_of_the_original_that_is_silent_is_given_up_and_dialled_again()
    {
        var world = Connected(1);
        var agent = world.AddOriginal(namedBy: 1).Original!;
        agent.IsSilent = true;
        world.Add(world.Peers[0], [1], 5);
        world.Run(TimeSpan.FromSeconds(50));
        Assert.DoesNotContain("can.peer_closed", world.Peers[0].Reports);
        world.Run(TimeSpan.FromSeconds(20));
        Assert.Contains("can.peer_closed", world.Peers[0].Reports);

        agent.IsSilent = false;
        Assert.True(world.RunUntil(() => agent.Live == 1 && agent.Assets.Count == 1, Long));
    }

    [Test]
    public void The_limit_holds_for_an_agent_of_the_original_in_both_directions()
    {
        var world = Connected(1);
        var store = world.Peers[0];
        world.Tell(store, (node, at) => node.SetLimit(at, 100_000));
        var here = world.Add(store, world.Prng.NextBytes(4 * ContentTree.GroupBytes), 5);
        var (content, from) = (world.Prng.NextBytes(4 * ContentTree.GroupBytes), world.Now);
        var agent = world.AddOriginal(namedBy: 1).Original!;
        var there = AssetHash.Of(6, content);
        agent.Put(new OriginalAsset(there, 6, content));

        Assert.True(world.RunUntil(() => store.Store.HasContent(there) && agent.Assets.ContainsKey(here), Long));

        Assert.InRange((world.Now - from).TotalSeconds, 17, 60);
    }

    private static MirrorWorld Connected(int peers)
    {
        var world = new MirrorWorld(7, peers, hasRealProofs: false);
        Assert.True(world.RunUntil(
            () => world.IsEqual() && world.Peers.All(p => p.Node!.Peers().Count() == peers - 1), Long));
        // Second connections between the same two are closed by now.
        world.Run(Minute);
        return world;
    }

    private static List<AssetHash> AddMany(MirrorWorld world, int count) =>
        [.. Enumerable.Range(0, count).Select(i => world.Add(world.Peers[0], world.Prng.NextBytes(100), i))];
}
