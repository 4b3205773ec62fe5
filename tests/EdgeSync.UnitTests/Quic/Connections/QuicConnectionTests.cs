using EdgeSync.Quic;
using EdgeSync.Quic.Connections;
using EdgeSync.UnitTests.Quic.Tls;

namespace EdgeSync.UnitTests.Quic.Connections;

public sealed class QuicConnectionTests
{
    [Test]
    public void Two_endpoints_connect_in_one_round_trip_and_a_half()
    {
        using var world = new QuicWorld();
        world.Dial();

        world.Run(() => world.Dialled!.IsConnected);
        Assert.Equal(20, world.VirtualElapsed.TotalMilliseconds);

        world.Run(() => world.Accepted!.IsConnected);
        Assert.Equal(30, world.VirtualElapsed.TotalMilliseconds);
        Assert.Equal(TlsPair.ClientKey.PublicKey.ToArray(), world.Accepted!.PeerKey.ToArray());
        Assert.Equal(TlsPair.ServerKey.PublicKey.ToArray(), world.Dialled!.PeerKey.ToArray());
        Assert.Equal(TlsPair.Echo, world.Dialled.Alpn.ToArray());
    }

    [Test]
    public void Bytes_come_back_on_one_stream()
    {
        using var world = new QuicWorld().Connected();
        var transfer = new StreamTransfer(world);

        transfer.Add(world.Chance.NextBytes(3_000_000));

        world.Run(() => transfer.IsDone);
        world.RunFor(1);
        Assert.Equal(0, world.Dialled!.StreamCount);
        Assert.Equal(0, world.Accepted!.StreamCount);
    }

    [Test]
    public void A_thousand_streams_come_back()
    {
        using var world = new QuicWorld().Connected();
        var transfer = new StreamTransfer(world);

        for (var i = 0; i < 1000; i++) transfer.Add(world.Chance.NextBytes(world.Chance.NextInt32(3000)));

        world.Run(() => transfer.IsDone);
        Assert.Equal(1000, transfer.Done);
    }

    [Test]
    public void Retry_makes_the_client_prove_its_address()
    {
        using var world = new QuicWorld(retries: true).Connected();
        var transfer = new StreamTransfer(world);

        transfer.Add("hello"u8.ToArray());

        world.Run(() => transfer.IsDone);
        Assert.NotNull(world.Dialled!.State.RetrySource);
    }

    [Test]
    public void Closes_reach_the_peer_with_code_and_reason()
    {
        using var world = new QuicWorld().Connected();

        world.Dialled!.Close(world.Now, 4242, "bye now");
        world.Run(() => world.Client.Count == 0 && world.Server.Count == 0);

        Assert.Equal(new CloseReason(CloseKind.Local, 4242, "bye now"), world.Dialled.CloseReason);
        Assert.Equal(new CloseReason(CloseKind.Peer, 4242, "bye now"), world.Accepted!.CloseReason);
        Assert.Equal(0, world.Server.IdCount);
        Assert.Equal(0, world.Client.IdCount);
    }

    [Test]
    public void A_handshake_that_fails_closes_both_sides_with_the_alert()
    {
        using var world = new QuicWorld();
        world.Dial(expected: TlsPair.Seed(7));

        world.Run(() => world.Client.Count == 0 && world.Server.Count == 0);

        Assert.Equal(CloseKind.LocalError, world.Dialled!.CloseReason!.Kind);
        Assert.Equal(0x12aUL, world.Dialled.CloseReason.Code);
        Assert.Equal(CloseKind.PeerError, world.Accepted!.CloseReason!.Kind);
        Assert.Equal(0x12aUL, world.Accepted.CloseReason.Code);
    }

    [Test]
    public void No_protocol_in_common_closes_with_0x178()
    {
        using var world = new QuicWorld(client: QuicWorld.ClientOptions() with { Alpn = ["other"u8.ToArray()] });
        world.Dial();

        world.Run(() => world.Client.Count == 0 && world.Server.Count == 0);

        Assert.Equal(0x178UL, world.Dialled!.CloseReason!.Code);
    }

    [Test]
    public void Silence_ends_a_connection()
    {
        using var world = new QuicWorld().Connected();
        world.IsDown = true;

        world.Run(() => world.Client.Count == 0 && world.Server.Count == 0);

        Assert.Equal(CloseKind.IdleTimeout, world.Dialled!.CloseReason!.Kind);
        Assert.InRange(world.VirtualElapsed.TotalSeconds, 30, 41);
    }

    [Test]
    public void Keep_alive_holds_a_connection_open()
    {
        using var world = new QuicWorld().Connected();

        world.RunFor(300);

        Assert.True(world.Dialled!.IsConnected && world.Accepted!.IsConnected);
    }

    [Test]
    public void A_server_that_does_not_answer_fails_the_dialling()
    {
        using var world = new QuicWorld { IsDown = true };
        world.Dial();

        world.Run(() => world.Client.Count == 0);

        Assert.Equal(CloseKind.IdleTimeout, world.Dialled!.CloseReason!.Kind);
        Assert.InRange(world.VirtualElapsed.TotalSeconds, 29, 45);
    }

    [Test]
    public void Datagrams_arrive_up_to_their_largest_size()
    {
        using var world = new QuicWorld().Connected();
        world.RunFor(2);   // the search for the MTU
        var largest = world.Chance.NextBytes(world.Dialled!.DatagramMax);

        Assert.True(world.Dialled.TrySendDatagram(largest));
        Assert.False(world.Dialled.TrySendDatagram(new byte[largest.Length + 1]));
        world.Run(() => world.Events.Contains((true, new QuicEvent(QuicEventKind.DatagramReceived))));

        var target = new byte[2000];
        Assert.True(world.Accepted!.TryReadDatagram(target, out var length));
        Assert.Equal(largest, target[..length]);
        Assert.InRange(largest.Length, 1400, 1452);
        Assert.False(world.Accepted.TryReadDatagram(target, out _));
    }

    [Test]
    public void Search_finds_the_MTU_of_the_route()
    {
        foreach (var (mtu, from, to) in new[] { (1500, 1452, 1452), (1400, 1370, 1400), (1200, 1200, 1200) })
        {
            using var world = new QuicWorld { Link = new LinkFaults { Mtu = mtu } }.Connected();
            world.RunFor(20);
            Assert.InRange(world.Dialled!.Statistics.Mtu, from, to);
            Assert.InRange(world.Accepted!.Statistics.Mtu, from, to);
        }
    }

    [Test]
    public void Keys_are_updated_by_either_side()
    {
        using var world = new QuicWorld().Connected();
        var transfer = new StreamTransfer(world);
        for (var i = 0; i < 10; i++)
        {
            // Not before a packet of this phase was acknowledged; keep-alive sees to that.
            world.Run(() => (i % 2 == 0 ? world.Dialled! : world.Accepted!).UpdateKeys());
            transfer.Add(world.Chance.NextBytes(20_000));
            world.Run(() => transfer.IsDone);
            Assert.Equal(i % 2 == 0, world.Accepted!.State.OneRttKeys!.Phase);
            Assert.Equal(i % 2 == 0, world.Dialled!.State.OneRttKeys!.Phase);
        }
    }

    [Test]
    public void Reset_and_stop_are_told_to_the_other_side()
    {
        using var world = new QuicWorld().Connected();
        Assert.True(world.Dialled!.TryOpenStream(false, out var id));
        world.Dialled.Write(id, new byte[100], finish: false);
        world.Run(() => world.Events.Contains((true, new QuicEvent(QuicEventKind.StreamReadable, id))));

        world.Dialled.ResetStream(id, 77);
        world.Run(() => world.Events.Contains((true, new QuicEvent(QuicEventKind.StreamReset, id, 77))));
        world.Dialled.StopSending(id, 78);
        world.Run(() => world.Events.Contains((true, new QuicEvent(QuicEventKind.StreamStopped, id, 78))));
        world.Run(() => world.Dialled.StreamCount == 0 && world.Accepted!.StreamCount == 0);
    }

    // A stream that stayed open kept its place of the peer's limit: after a hundred of them the peer opened none.
    [Test]
    [Arguments(0)]
    [Arguments(100)]
    public void A_stream_that_is_stopped_when_all_of_it_has_come_is_done_with(int unread)
    {
        using var world = new QuicWorld().Connected();
        Assert.True(world.Dialled!.TryOpenStream(false, out var id));
        world.Dialled.Write(id, new byte[1000], finish: false);
        world.Run(() => world.Events.Contains((true, new QuicEvent(QuicEventKind.StreamReadable, id))));
        Assert.Equal(1000, world.Accepted!.Read(id, new byte[1000], out _));
        world.Dialled.Write(id, new byte[unread], finish: true);
        world.RunFor(0.5);

        world.Accepted.Write(id, [], finish: true);
        world.Accepted.StopSending(id, 78);
        world.Run(() => world.Accepted.StreamCount == 0);
        world.Dialled.Read(id, new byte[1], out var isAtEnd);

        Assert.True(isAtEnd);
        Assert.Equal(0, world.Dialled.StreamCount);
    }

    [Test]
    public void Streams_beyond_the_limit_wait_for_it()
    {
        using var world = new QuicWorld().Connected();
        var opened = 0;
        while (world.Dialled!.TryOpenStream(true, out _)) opened++;

        Assert.Equal(100, opened);
    }

    [Test]
    public void A_NAT_that_gives_another_port_does_not_break_the_connection()
    {
        using var world = new QuicWorld().Connected();
        var transfer = new StreamTransfer(world);
        transfer.Add(world.Chance.NextBytes(200_000));
        world.RunFor(0.02);

        world.SeenClient = QuicWorld.ClientAddress with { Port = 6000 };
        transfer.Add(world.Chance.NextBytes(200_000));

        world.Run(() => transfer.IsDone);
        Assert.Equal(world.SeenClient, world.Accepted!.Route.Remote);
        Assert.True(world.Accepted.State.Path.Route.IsValidated);
    }

    [Test]
    public void A_client_migrates_to_another_address()
    {
        using var world = new QuicWorld().Connected();
        var transfer = new StreamTransfer(world);
        world.RunFor(0.1);
        var before = world.Dialled!.State.Path.RemoteIds.Current;
        var moved = EdgeSync.Quic.UdpAddress.From(System.Net.IPAddress.Parse("203.0.113.9"), 7000);

        Assert.True(world.Dialled.TryMigrate(new FourTuple(moved, QuicWorld.ServerAddress)));
        (world.SeenClient, world.ClientLocal) = (moved, moved);
        transfer.Add(world.Chance.NextBytes(300_000));

        world.Run(() => transfer.IsDone);
        Assert.Equal(moved, world.Accepted!.Route.Remote);
        Assert.NotEqual(before, world.Dialled.State.Path.RemoteIds.Current);
        Assert.True(world.Dialled.State.Path.Route.IsValidated && world.Accepted.State.Path.Route.IsValidated);
    }
}
