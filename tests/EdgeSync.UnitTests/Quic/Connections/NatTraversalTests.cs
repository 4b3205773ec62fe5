namespace EdgeSync.UnitTests.Quic.Connections;

public sealed class NatTraversalTests
{
    public static IEnumerable<(NatKind Client, NatKind Server)> Pairs() =>
        from client in Enum.GetValues<NatKind>()
        from server in Enum.GetValues<NatKind>()
        select (client, server);

    /// <summary>All but two symmetric NATs let a connection through; that one stays on the relay.</summary>
    [Test]
    [MethodDataSource(nameof(Pairs))]
    public void NATs_of_every_two_kinds(NatKind client, NatKind server)
    {
        using var world = new PathWorld(clientNat: client, serverNat: server).Connected();
        var transfer = new StreamTransfer(world);
        transfer.Add(world.Chance.NextBytes(50_000));

        world.Run(() => transfer.IsDone, 10);
        world.TryRun(() => world.IsDirect, 10);

        var expected = client != NatKind.Symmetric || server != NatKind.Symmetric;
        Assert.Equal(expected, world.IsDirect);
        world.RunFor(30);
        Assert.Equal(expected, world.IsDirect);
        transfer.Add(world.Chance.NextBytes(50_000));
        world.Run(() => transfer.IsDone, 10);
    }

    [Test]
    public void A_router_that_forgets_its_mappings_is_passed_again()
    {
        using var world = new PathWorld(
            clientNat: NatKind.AddressDependent, serverNat: NatKind.EndpointIndependent).Connected();
        world.Run(() => world.IsDirect);
        var transfer = new StreamTransfer(world);

        world.Rebind(ofServer: false);
        transfer.Add(world.Chance.NextBytes(200_000));

        world.Run(() => transfer.IsDone, 15);
        world.Run(() => world.IsDirect, 10);
    }

    [Test]
    public void Probes_to_addresses_that_do_not_answer_end()
    {
        using var world = new PathWorld(clientNat: NatKind.Symmetric, serverNat: NatKind.Symmetric).Connected();
        world.RunFor(1);
        var sent = world.DatagramsSent;

        world.RunFor(60);

        // Twelve rounds with nine probes to two addresses from each side, and keep-alive.
        Assert.InRange(world.DatagramsSent - sent, 100, 12 * ((2 * 2 * 9) + 20));
        Assert.True(world.Dialled!.IsConnected && world.Accepted!.IsConnected);
    }

    [Test]
    public void Candidates_of_a_server_reach_the_client_up_to_its_limit_and_go_again()
    {
        var few = PathWorld.Options(Tls.TlsPair.ClientKey) with { NatAddresses = 3 };
        using var world = new PathWorld(client: few).Connected();
        var many = Enumerable.Range(1, 5).Select(i => PathWorld.Address("203.0.113.9", i)).ToArray();

        world.Accepted!.SetCandidates(many);
        world.Run(() => world.Dialled!.PeerCandidates.Count == 3, 5);
        Assert.True(world.Dialled!.PeerCandidates.All(many.Contains));
        world.Accepted.SetCandidates(many[4..]);

        world.Run(() => world.Dialled.PeerCandidates.SequenceEqual(many[4..]), 5);
    }
}
