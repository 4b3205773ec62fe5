using EdgeSync.Iroh.Endpoints;
using EdgeSync.Iroh.Relay;
using EdgeSync.Primitives;
using EdgeSync.Quic;

namespace EdgeSync.UnitTests.Iroh.Relay;

public sealed class RelayClientTests
{
    private static readonly EndpointId Peer = IrohVectors.KeyOf(1).Id;
    private static readonly byte[] Challenge =
        RelayFrame.Bare(RelayFrameType.ServerChallenge, IrohVectors.Bytes("relay-challenge"));
    private static readonly byte[] Confirmation = RelayFrame.Bare(RelayFrameType.ServerConfirmsAuth);

    private Instant _now = Instant.FromUnixSeconds(1_700_000_000);

    [Test]
    public void Logs_in_and_pings_at_once()
    {
        var client = Create();

        Assert.Equal(RelayCommand.Connect, Command(client));
        client.OnConnected(_now);
        client.Receive(_now, Challenge);
        Assert.Equal(IrohVectors.Bytes("relay-auth"), Message(client));
        Assert.Equal(RelayEventKind.Online, client.Receive(_now, Confirmation).Kind);

        Assert.Equal(RelayClientState.Online, client.State);
        Assert.Equal((byte)RelayFrameType.Ping, Message(client)![0]);
    }

    [Test]
    public void Measures_the_round_trip_by_the_pong()
    {
        var client = Online();
        var ping = Message(client)!;

        _now += TimeSpan.FromMilliseconds(30);
        client.Receive(_now, RelayFrame.Bare(RelayFrameType.Pong, ping.AsSpan(1)));

        Assert.Equal(TimeSpan.FromMilliseconds(30), client.RoundTrip);
        Assert.Equal(_now + TimeSpan.FromSeconds(15), client.Deadline);
    }

    [Test]
    public void A_relay_without_a_pong_is_left_and_dialled_again()
    {
        var client = Online();
        Assert.Equal(_now + TimeSpan.FromSeconds(5), client.Deadline);

        Expire(client);
        Assert.Equal(RelayCommand.Abort, Command(client));
        Assert.Equal(RelayClientState.Waiting, client.State);
        Expire(client);
        Assert.Equal(RelayCommand.Connect, Command(client));
    }

    [Test]
    public void A_silent_relay_is_pinged()
    {
        var client = Ponged();

        Expire(client);

        Assert.Equal((byte)RelayFrameType.Ping, Message(client)![0]);
        Assert.Equal(_now + TimeSpan.FromSeconds(0.5), client.Deadline);
    }

    [Test]
    public void Echoes_the_pings_of_the_relay()
    {
        var client = Ponged();

        client.Receive(_now, RelayFrame.Bare(RelayFrameType.Ping, 1, 2, 3, 4, 5, 6, 7, 8));

        Assert.Equal([10, 1, 2, 3, 4, 5, 6, 7, 8], Message(client)!);
    }

    [Test]
    public void Attempts_grow_apart_up_to_their_limit_and_begin_anew_after_a_steady_connection()
    {
        var client = Create();
        var waits = new List<TimeSpan>();
        for (var i = 0; i < 14; i++)
        {
            client.OnDisconnected(_now);
            waits.Add(client.Deadline!.Value - _now);
            Expire(client);
        }

        Assert.InRange(waits[0].TotalMilliseconds, 5, 10);
        Assert.InRange(waits[1].TotalMilliseconds, 10, 20);
        Assert.InRange(waits[^1].TotalSeconds, 8, 16);

        client.OnConnected(_now);
        client.Receive(_now, Challenge);
        client.Receive(_now, Confirmation);
        _now += TimeSpan.FromSeconds(10);
        client.OnDisconnected(_now);
        Assert.InRange((client.Deadline!.Value - _now).TotalMilliseconds, 5, 10);
    }

    [Test]
    public void A_relay_that_accepts_and_closes_at_once_is_not_dialled_in_a_loop()
    {
        var client = Create();
        for (var i = 0; i < 14; i++)
        {
            client.OnConnected(_now);
            client.Receive(_now, Challenge);
            client.Receive(_now, Confirmation);
            client.OnDisconnected(_now);
            if (i < 13) Expire(client);
        }

        Assert.True(client.Deadline!.Value - _now >= TimeSpan.FromSeconds(8));
    }

    [Test]
    public void A_connection_that_does_not_come_up_is_given_up_after_ten_seconds()
    {
        var client = Create();
        var begin = _now;
        Command(client);
        client.OnConnected(_now);

        Expire(client);

        Assert.Equal(TimeSpan.FromSeconds(10), _now - begin);
        Assert.Equal(RelayCommand.Abort, Command(client));
    }

    [Test]
    public void A_refusal_is_reported_and_tried_again_later()
    {
        var client = Create();
        client.OnConnected(_now);

        var denied = client.Receive(_now, RelayFrame.Denial("a token is needed"));

        Assert.Equal(RelayEventKind.Denied, denied.Kind);
        Assert.Equal("a token is needed", denied.Text);
        Assert.True(client.Deadline!.Value - _now >= TimeSpan.FromSeconds(2.5));
    }

    [Test]
    public void Datagrams_wait_for_the_connection_and_then_go_in_order()
    {
        var client = Create();
        Assert.True(client.Send(_now, Peer, EcnMark.Ect0, 0, "one"u8));
        Assert.True(client.Send(_now, Peer, EcnMark.Ect0, 2, "twos"u8));
        Assert.Null(Message(client));

        LogIn(client);
        Message(client);   // the ping

        Assert.Equal(RelayFrame.Datagrams(Peer, EcnMark.Ect0, 0, "one"u8), Message(client));
        Assert.Equal(RelayFrame.Datagrams(Peer, EcnMark.Ect0, 2, "twos"u8), Message(client));
        Assert.Null(Message(client));
    }

    [Test]
    public void Datagrams_that_waited_too_long_and_those_above_the_limit_are_dropped()
    {
        var client = Create(new RelayClientOptions { QueuedMax = 2 });
        client.Send(_now, Peer, EcnMark.NotEct, 0, "old"u8);
        _now += TimeSpan.FromSeconds(3.1);
        Assert.True(client.Send(_now, Peer, EcnMark.NotEct, 0, "new"u8));
        Assert.True(client.Send(_now, Peer, EcnMark.NotEct, 0, "newer"u8));
        Assert.False(client.Send(_now, Peer, EcnMark.NotEct, 0, "too many"u8));

        LogIn(client);
        Message(client);

        Assert.Equal(RelayFrame.Datagrams(Peer, EcnMark.NotEct, 0, "new"u8), Message(client));
        Assert.Equal(2, client.DroppedCount);
    }

    [Test]
    public void A_relay_on_demand_sleeps_until_a_datagram_and_again_after_a_minute()
    {
        var client = Create(new RelayClientOptions { IsHome = false });
        Assert.Null(client.Deadline);
        Assert.Null(Command(client));

        client.Send(_now, Peer, EcnMark.NotEct, 0, "hello"u8);
        Assert.Equal(RelayCommand.Connect, Command(client));
        var sent = _now;
        LogIn(client);
        while (client.State == RelayClientState.Online)
        {
            while (Message(client) is { } message)
                if (message[0] == (byte)RelayFrameType.Ping)
                    client.Receive(_now, RelayFrame.Bare(RelayFrameType.Pong, message.AsSpan(1)));
            Expire(client);
        }

        Assert.Equal(RelayClientState.Asleep, client.State);
        Assert.Equal(TimeSpan.FromSeconds(60), _now - sent);
        Assert.Equal(RelayCommand.Abort, Command(client));
    }

    [Test]
    public void A_relay_on_demand_that_is_lost_without_need_is_not_dialled_again()
    {
        var client = Create(new RelayClientOptions { IsHome = false });
        client.Send(_now, Peer, EcnMark.NotEct, 0, "hello"u8);
        LogIn(client);
        _now += TimeSpan.FromSeconds(59.999);
        client.OnDisconnected(_now);
        Expire(client);

        Assert.Equal(RelayClientState.Asleep, client.State);
        client.SetHome(_now, isHome: true);
        Assert.Equal(RelayClientState.Connecting, client.State);
    }

    [Test]
    public void Tells_of_peers_that_left_of_its_status_and_of_datagrams()
    {
        var client = Ponged();

        var gone = client.Receive(_now, RelayFrame.Gone(Peer));
        Assert.True(gone.Kind == RelayEventKind.PeerGone && gone.Peer == Peer);
        var status = client.Receive(_now, RelayFrame.Bare(RelayFrameType.Status, 2));
        Assert.True(status is { Kind: RelayEventKind.Status, Status: RelayStatus.RateLimited });
        var health = client.Receive(_now, RelayFrame.Health("the id is connected elsewhere"));
        Assert.True(health is { Kind: RelayEventKind.Status, Status: RelayStatus.SameIdConnected });

        var source = RelayFrame.Forwarded(RelayFrame.Datagrams(Peer, EcnMark.Ect0, 2, "abcd"u8), Peer);
        var datagrams = client.Receive(_now, source);
        Assert.True(datagrams is { Kind: RelayEventKind.Datagrams, SegmentBytes: 2, Ecn: EcnMark.Ect0 });
        Assert.True(datagrams.Datagrams.SequenceEqual("abcd"u8));

        Assert.Equal(RelayEventKind.None, client.Receive(_now, [14, 1, 2]).Kind);   // of a later version
        Assert.Equal(RelayClientState.Online, client.State);
    }

    [Test]
    public void A_relay_that_restarts_is_dialled_when_it_said()
    {
        var client = Ponged();

        client.Receive(_now, RelayFrame.Restarting(TimeSpan.FromSeconds(2), TimeSpan.FromSeconds(60)));
        client.OnDisconnected(_now);

        Assert.Equal(_now + TimeSpan.FromSeconds(2), client.Deadline);
    }

    [Test]
    public void Frames_that_do_not_belong_there_end_the_connection()
    {
        foreach (var message in (byte[][])
            [[], [9, 1], RelayFrame.Datagrams(Peer, EcnMark.NotEct, 0, "from a client"u8), Confirmation])
        {
            var client = Ponged();

            Assert.Equal(RelayEventKind.Broken, client.Receive(_now, message).Kind);
            Assert.Equal(RelayCommand.Abort, Command(client));
        }

        var early = Create();
        early.OnConnected(_now);
        Assert.Equal(RelayEventKind.Broken, early.Receive(_now, RelayFrame.Gone(Peer)).Kind);
    }

    private RelayClient Create(RelayClientOptions? options = null) =>
        new(IrohVectors.Key, options ?? new RelayClientOptions(), new Prng(1), _now);

    private RelayClient Online()
    {
        var client = Create();
        LogIn(client);
        return client;
    }

    private RelayClient Ponged()
    {
        var client = Online();
        client.Receive(_now, RelayFrame.Bare(RelayFrameType.Pong, Message(client)!.AsSpan(1)));
        return client;
    }

    private void LogIn(RelayClient client)
    {
        Command(client);
        client.OnConnected(_now);
        client.Receive(_now, Challenge);
        Message(client);
        client.Receive(_now, Confirmation);
        Assert.Equal(RelayClientState.Online, client.State);
    }

    private void Expire(RelayClient client)
    {
        _now = client.Deadline!.Value;
        client.OnDeadline(_now);
    }

    private static RelayCommand? Command(RelayClient client) =>
        client.TryTakeCommand(out var command) ? command : null;

    private byte[]? Message(RelayClient client) => client.TryTakeMessage(_now, out var message) ? message : null;
}
