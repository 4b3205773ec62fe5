using EdgeSync.Quic;
using EdgeSync.UnitTests.Quic.Tls;

namespace EdgeSync.UnitTests.Quic.Connections;

public sealed class MultipathTests
{
    [Test]
    public void Multipath_and_NAT_traversal_are_on_when_both_sides_want_them()
    {
        var with = PathWorld.Options(TlsPair.ClientKey);
        foreach (var (options, paths, nat) in new[]
        {
            (with, true, true),
            (with with { NatAddresses = 0 }, true, false),
            (with with { PathsMax = 1 }, false, false),
            (with with { LocalIdBytes = 0 }, false, false),
        })
        {
            using var world = new PathWorld(client: options).Connected(directly: true);
            Assert.Equal((paths, nat), (world.Dialled!.IsMultipath, world.Dialled.TraversesNats));
            Assert.Equal((paths, nat), (world.Accepted!.IsMultipath, world.Accepted.TraversesNats));
        }
    }

    [Test]
    public void Ids_are_issued_for_every_path_that_may_be_opened()
    {
        using var world = new PathWorld().Connected();
        world.RunFor(0.02);

        foreach (var connection in new[] { world.Dialled!, world.Accepted! })
        {
            Assert.Equal(
                "0 1 2 3 4 5 6 7", string.Join(' ', connection.State.Paths.Ids.Select(ids => ids.PathId)));
            Assert.True(connection.State.Paths.Ids.All(ids => ids.Remote.HasAny));
        }
    }

    [Test]
    public void A_relayed_connection_becomes_direct_and_keeps_the_relay()
    {
        using var world = new PathWorld().Connected();

        world.Run(() => world.IsDirect, 2);
        world.RunFor(20);

        var paths = world.Dialled!.Paths;
        Assert.Equal("relayed direct", string.Join(' ', paths.Select(p => p.IsRelayed ? "relayed" : "direct")));
        Assert.Equal(world.ServerAddress, world.Dialled.Route.Remote);
        Assert.Equal("False True", string.Join(' ', paths.Select(p => p.IsSelected)));
        Assert.Equal(
            "True False",
            string.Join(' ', world.Accepted!.State.Paths.All.Select(path => path.PeerIsBackup)));
        Assert.InRange(paths[1].SmoothedRtt.TotalMilliseconds, 19, 30);
        Assert.InRange(paths[0].SmoothedRtt.TotalMilliseconds, 79, 110);
    }

    [Test]
    public void Nothing_is_lost_on_the_way_from_relay_to_direct()
    {
        using var world = new PathWorld
        {
            Relayed = new LinkFaults { Delay = TimeSpan.FromMilliseconds(60) },
            IsDirectDown = true,
        }.Connected();
        var transfer = new StreamTransfer(world);
        for (var i = 0; i < 100 && !world.IsDirect; i++)
        {
            transfer.Add(world.Chance.NextBytes(50_000));
            world.RunFor(0.04);
            world.IsDirectDown = i < 10;
        }

        Assert.True(world.IsDirect && !transfer.IsDone);
        world.Run(() => transfer.IsDone, 10);
        Assert.Equal((0L, 0L), (world.Dialled!.Statistics.PacketsLost, world.Accepted!.Statistics.PacketsLost));
    }

    [Test]
    public void When_the_direct_path_breaks_data_goes_on_over_the_relay_within_seconds()
    {
        using var world = new PathWorld().Connected();
        world.Run(() => world.IsDirect);
        var transfer = new StreamTransfer(world);
        transfer.Add(world.Chance.NextBytes(3_000_000));
        world.RunFor(0.2);

        world.IsDirectDown = true;
        var broken = world.VirtualElapsed;
        world.Run(() => world.Dialled!.Route.Remote.IsRelayed && world.Accepted!.Route.Remote.IsRelayed);
        Assert.InRange((world.VirtualElapsed - broken).TotalSeconds, 0, 5);

        world.Run(() => transfer.IsDone);
        // Silence ends the direct path; when it is there again, a new one is opened.
        world.RunFor(20);
        Assert.Equal(1, world.Dialled!.Paths.Count);
        world.IsDirectDown = false;
        world.Run(() => world.IsDirect, 10);
    }

    [Test]
    public void A_relay_that_is_gone_does_not_disturb_the_direct_path()
    {
        using var world = new PathWorld().Connected();
        world.Run(() => world.IsDirect);

        world.IsRelayDown = true;
        world.RunFor(60);

        Assert.True(world.Dialled!.IsConnected && world.Accepted!.IsConnected);
        Assert.True(world.IsDirect);
        Assert.Equal(1, world.Dialled.Paths.Count);
    }

    [Test]
    [Arguments(false)]
    [Arguments(true)]
    public void A_host_that_moves_to_another_network_is_reached_directly_again(bool ofServer)
    {
        using var world = new PathWorld(
            clientNat: NatKind.AddressDependent, serverNat: NatKind.EndpointIndependent).Connected();
        world.Run(() => world.IsDirect);
        var transfer = new StreamTransfer(world);
        transfer.Add(world.Chance.NextBytes(1_000_000));
        world.RunFor(0.1);

        world.Move(ofServer);

        var before = world.ArrivedDirectly;
        world.Run(() => transfer.IsDone, 15);
        world.Run(() => world.IsDirect, 10);
        Assert.NotEqual(before, world.ArrivedDirectly);
    }

    [Test]
    public void Paths_come_and_go_for_longer_than_there_are_ids_at_first()
    {
        using var world = new PathWorld(client: PathWorld.Options(TlsPair.ClientKey) with { NatAddresses = 0 })
            .Connected();
        world.RunFor(0.1);
        for (var i = 0; i < 20; i++)
        {
            var tuple = new FourTuple(default, world.ServerAddress);
            Assert.True(world.Dialled!.TryOpenPath(world.Now, tuple));
            world.Run(() => world.IsDirect, 5);
            var id = world.Dialled.Paths.Single(path => path.IsSelected).Id;
            Assert.Equal((uint)i + 1, id);
            Assert.True(world.Dialled.TryClosePath(id));
            world.Run(() => world.Dialled.Paths.Count == 1 && world.Accepted!.Paths.Count == 1, 5);
            world.Run(() => world.Dialled.State.Paths.All.Count == 1 && world.Accepted!.State.Paths.All.Count == 1, 5);
        }

        Assert.Equal(8, world.Dialled!.State.Paths.Ids.Count);
    }

    [Test]
    public void More_paths_than_are_allowed_wait()
    {
        using var world = new PathWorld(client: PathWorld.Options(TlsPair.ClientKey) with
        {
            NatAddresses = 0,
            PathsMax = 2,
        }).Connected();
        world.RunFor(0.1);
        Assert.True(world.Dialled!.TryOpenPath(world.Now, new FourTuple(default, world.ServerAddress)));
        var elsewhere = world.ServerAddress with { Port = 9 };

        Assert.False(world.Dialled.TryOpenPath(world.Now, new FourTuple(default, elsewhere)));
        world.Run(() => world.IsDirect);
        Assert.True(world.Dialled.TryClosePath(1));
        world.Run(() => world.Dialled.Paths.Any(path => path.Tuple.Remote == elsewhere), 5);

        Assert.Equal(2U, world.Dialled.Paths.Single(path => path.Tuple.Remote == elsewhere).Id);
    }

    [Test]
    public void Keys_are_updated_while_both_paths_are_in_use()
    {
        using var world = new PathWorld().Connected();
        world.Run(() => world.IsDirect);
        var transfer = new StreamTransfer(world);
        for (var i = 0; i < 6; i++)
        {
            world.Run(() => (i % 2 == 0 ? world.Dialled! : world.Accepted!).UpdateKeys());
            transfer.Add(world.Chance.NextBytes(50_000));
            world.Run(() => transfer.IsDone, 10);
            // The relayed path speaks once in this phase.
            world.RunFor(6);
        }

        Assert.Equal(6L, world.Dialled!.State.OneRttKeys!.Updates);
        Assert.Equal(6L, world.Accepted!.State.OneRttKeys!.Updates);
        Assert.Equal(2, world.Dialled.Paths.Count);
    }

    [Test]
    public void The_first_packets_go_to_all_addresses_and_the_first_answer_decides()
    {
        using var world = new PathWorld { IsRelayDown = true };
        var nowhere = new FourTuple(default, PathWorld.Address("203.0.113.3", 9));
        world.Dial(directly: false, nowhere, new FourTuple(default, world.ServerAddress));

        world.Run(() => world.Dialled!.IsConnected, 1);

        Assert.Equal(world.ServerAddress, world.Dialled!.Route.Remote);
        Assert.Equal(1, world.Server.Count);
    }

    [Test]
    public void A_second_direct_address_that_is_nearer_is_taken_and_the_other_given_up()
    {
        var near = new LinkFaults { Delay = TimeSpan.FromMilliseconds(3) };
        using var world = new PathWorld { Direct = near }.Connected();
        world.Run(() => world.IsDirect);
        world.RunFor(5);

        Assert.Equal(2, world.Dialled!.Paths.Count);
        Assert.Equal(1, world.Dialled.Paths.Count(path => !path.IsRelayed));
    }
}
