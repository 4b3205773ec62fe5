using EdgeSync.Iroh.Endpoints;
using EdgeSync.Iroh.Relay;
using EdgeSync.Primitives;
using EdgeSync.Quic;

namespace EdgeSync.UnitTests.Iroh.Relay;

public sealed class RelayServerTests
{
    private static readonly SecretKey One = IrohVectors.KeyOf(1);
    private static readonly SecretKey Two = IrohVectors.KeyOf(2);

    private Instant _now = Instant.FromUnixSeconds(1_700_000_000);

    [Test]
    public void Passes_datagrams_between_two_endpoints()
    {
        var relay = Create();
        var (one, two) = (LogIn(relay, One), LogIn(relay, Two));

        relay.Receive(_now, one, RelayFrame.Datagrams(Two.Id, EcnMark.Ect0, 2, "abcd"u8));

        var message = Message(relay, two)!;
        RelayFrame.TryRead(message, out var frame);
        Assert.True(frame is { Type: RelayFrameType.RelayToClientBatch, Ecn: EcnMark.Ect0, SegmentBytes: 2 });
        Assert.Equal(One.Id, frame.Peer);
        Assert.True(frame.Payload.SequenceEqual("abcd"u8));
        Assert.Equal(1, relay.Totals.ForwardedCount);
        Assert.Null(Message(relay, two));
    }

    [Test]
    public void Datagrams_for_the_unknown_are_dropped_silently()
    {
        var relay = Create();
        var one = LogIn(relay, One);

        relay.Receive(_now, one, RelayFrame.Datagrams(Two.Id, EcnMark.NotEct, 0, "hello"u8));

        Assert.Null(Message(relay, one));
        Assert.False(relay.IsClosing(one));
        Assert.Equal(1, relay.Totals.UnknownCount);
    }

    [Test]
    public void A_wrong_signature_is_denied()
    {
        var relay = Create();
        var connection = Connect(relay);
        var challenge = Message(relay, connection)![1..];

        relay.Receive(_now, connection, RelayFrame.Auth(Two.Id, One.Sign(RelayLogin.MessageOf(challenge))));

        RelayFrame.TryRead(Message(relay, connection), out var frame);
        Assert.Equal(RelayFrameType.ServerDeniesAuth, frame.Type);
        Assert.Contains("signature", frame.Text, StringComparison.Ordinal);
        Assert.True(relay.IsClosing(connection));
        Assert.Equal(0, relay.Totals.EndpointCount);
    }

    [Test]
    public void A_client_without_permission_gets_the_reason()
    {
        var relay = Create();
        Assert.True(relay.TryAccept(_now, isV2: true, "a token is needed", out var connection));

        relay.Receive(_now, connection, RelayLogin.Answer(One, Message(relay, connection)!.AsSpan(1)));

        RelayFrame.TryRead(Message(relay, connection), out var frame);
        Assert.Equal("a token is needed", frame.Text);
        Assert.True(relay.IsClosing(connection));
        Assert.Equal(1, relay.Totals.DeniedCount);
    }

    [Test]
    public void A_challenge_is_of_one_connection_alone()
    {
        var relay = Create();
        var (first, second) = (Connect(relay), Connect(relay));
        var answer = RelayLogin.Answer(One, Message(relay, first)!.AsSpan(1));
        Message(relay, second);

        relay.Receive(_now, second, answer);

        Assert.Equal((byte)RelayFrameType.ServerDeniesAuth, Message(relay, second)![0]);
    }

    [Test]
    public void The_latest_connection_of_an_id_is_active_and_the_one_before_after_it()
    {
        var relay = Create();
        var (two, first) = (LogIn(relay, Two), LogIn(relay, One));
        var second = LogIn(relay, One);
        Assert.Equal([13, 1], Message(relay, first)!);

        relay.Receive(_now, two, RelayFrame.Datagrams(One.Id, EcnMark.NotEct, 0, "hello"u8));
        Assert.Null(Message(relay, first));
        Assert.NotNull(Message(relay, second));

        relay.OnClosed(second);
        Assert.Equal([13, 0], Message(relay, first)!);
        relay.Receive(_now, two, RelayFrame.Datagrams(One.Id, EcnMark.NotEct, 0, "hello"u8));
        Assert.NotNull(Message(relay, first));
        Assert.Null(Message(relay, two));   // the endpoint was never gone
    }

    [Test]
    public void Clients_of_the_first_version_get_the_status_as_text()
    {
        var relay = Create();
        var first = LogIn(relay, One, isV2: false);

        var second = LogIn(relay, One);

        Assert.Equal((byte)RelayFrameType.Health, Message(relay, first)![0]);
        relay.OnClosed(second);
        Assert.Equal([(byte)RelayFrameType.Health], Message(relay, first)!);
    }

    [Test]
    public void Connections_of_one_id_are_few()
    {
        var relay = Create(new RelayServerOptions { InactivePerIdMax = 2 });

        var connections = Enumerable.Range(0, 4).Select(_ => LogIn(relay, One)).ToList();

        Assert.Equal([true, false, false, false], connections.Select(relay.IsClosing));
    }

    [Test]
    public void Those_that_a_client_sent_to_learn_that_it_left()
    {
        var relay = Create();
        var (one, two, three) = (LogIn(relay, One), LogIn(relay, Two), LogIn(relay, IrohVectors.Key));
        relay.Receive(_now, one, RelayFrame.Datagrams(Two.Id, EcnMark.NotEct, 0, "hello"u8));
        Message(relay, two);

        relay.OnClosed(one);

        Assert.Equal(RelayFrame.Gone(One.Id), Message(relay, two));
        Assert.Null(Message(relay, three));
    }

    [Test]
    public void A_client_that_does_not_read_loses_datagrams_and_a_flood_of_pings_its_connection()
    {
        var relay = Create(new RelayServerOptions { QueuedFramesMax = 3 });
        var (one, two) = (LogIn(relay, One), LogIn(relay, Two));

        for (var i = 0; i < 5; i++)
            relay.Receive(_now, one, RelayFrame.Datagrams(Two.Id, EcnMark.NotEct, 0, "hello"u8));
        Assert.Equal(2, relay.Totals.OverflowCount);
        Assert.False(relay.IsClosing(two));

        for (var i = 0; i < 7; i++) relay.Receive(_now, two, RelayFrame.Bare(RelayFrameType.Ping, new byte[8]));
        Assert.True(relay.IsClosing(two));
    }

    [Test]
    public void Bytes_for_one_client_are_limited_too()
    {
        var relay = Create(new RelayServerOptions { QueuedBytesMax = 1000 });
        var one = LogIn(relay, One);
        LogIn(relay, Two);

        for (var i = 0; i < 3; i++)
            relay.Receive(_now, one, RelayFrame.Datagrams(Two.Id, EcnMark.NotEct, 0, new byte[400]));

        Assert.Equal(1, relay.Totals.OverflowCount);
    }

    [Test]
    public void A_client_above_its_rate_is_read_later_and_gets_the_status_once()
    {
        var relay = Create(new RelayServerOptions { BytesPerSecond = 1000 });
        var one = LogIn(relay, One);
        var message = RelayFrame.Datagrams(Two.Id, EcnMark.NotEct, 0, new byte[966]);   // 1000 in all

        Assert.Equal(TimeSpan.Zero, relay.Receive(_now, one, message));
        Assert.Equal(TimeSpan.FromSeconds(1), relay.Receive(_now, one, message));
        Assert.Equal([13, 2], Message(relay, one)!);
        _now += TimeSpan.FromSeconds(1.5);
        Assert.Equal(TimeSpan.FromSeconds(0.5), relay.Receive(_now, one, message));
        Assert.Null(Message(relay, one));
        Assert.Equal(2, relay.Totals.RateLimitedCount);
    }

    [Test]
    public void A_client_without_a_login_and_one_that_is_silent_are_closed()
    {
        var relay = Create();
        var (waiting, one) = (Connect(relay), LogIn(relay, One));
        var pinged = 0;
        while (relay.Deadline is { } deadline && !relay.IsClosing(one))
        {
            MoveTo(deadline);
            relay.OnDeadline(_now);
            if (Message(relay, one) is not null) pinged++;
            Assert.Equal(relay.IsClosing(waiting), _now >= Instant.FromUnixSeconds(1_700_000_030));
        }

        Assert.Equal(1, pinged);
        Assert.InRange((_now - Instant.FromUnixSeconds(1_700_000_000)).TotalSeconds, 31, 37);
    }

    [Test]
    public void A_client_that_answers_pings_stays()
    {
        var relay = Create();
        var one = LogIn(relay, One);

        for (var i = 0; i < 120; i++)
        {
            MoveTo(relay.Deadline!.Value);
            relay.OnDeadline(_now);
            if (Message(relay, one) is { } ping)
                relay.Receive(_now, one, RelayFrame.Bare(RelayFrameType.Pong, ping.AsSpan(1)));
        }

        Assert.False(relay.IsClosing(one));
    }

    [Test]
    public void What_does_not_belong_there_closes_the_connection()
    {
        foreach (var message in (byte[][])
            [[], [9, 1], IrohVectors.Bytes("relay-auth"), RelayFrame.Bare(RelayFrameType.Status, 0)])
        {
            var relay = Create();
            var one = LogIn(relay, One);

            relay.Receive(_now, one, message);

            Assert.True(relay.IsClosing(one));
            Assert.Equal(1, relay.Totals.FaultCount);
        }

        var early = Create();
        var connection = Connect(early);
        early.Receive(_now, connection, RelayFrame.Bare(RelayFrameType.Ping, new byte[8]));
        Assert.True(early.IsClosing(connection));
    }

    [Test]
    public void A_full_relay_accepts_no_more()
    {
        var relay = Create(new RelayServerOptions { ConnectionsMax = 1 });
        var first = Connect(relay);

        Assert.False(relay.TryAccept(_now, isV2: true, null, out _));
        relay.OnClosed(first);
        Assert.True(relay.TryAccept(_now, isV2: true, null, out _));
    }

    [Test]
    public void A_restart_is_announced()
    {
        var relay = Create();
        var one = LogIn(relay, One);

        relay.Restart(TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(60));

        Assert.Equal([12, 0, 0, 3, 232, 0, 0, 234, 96], Message(relay, one)!);
        Assert.True(relay.IsClosing(one));
    }

    private static RelayServer Create(RelayServerOptions? options = null) =>
        new(options ?? new RelayServerOptions(), new SeededEntropy(1), new Prng(1));

    private void MoveTo(Instant now) => _now = now;

    private long Connect(RelayServer relay, bool isV2 = true)
    {
        Assert.True(relay.TryAccept(_now, isV2, denial: null, out var connection));
        return connection;
    }

    private long LogIn(RelayServer relay, SecretKey key, bool isV2 = true)
    {
        var connection = Connect(relay, isV2);
        relay.Receive(_now, connection, RelayLogin.Answer(key, Message(relay, connection)!.AsSpan(1)));
        Assert.Equal([(byte)RelayFrameType.ServerConfirmsAuth], Message(relay, connection)!);
        return connection;
    }

    private static byte[]? Message(RelayServer relay, long connection)
    {
        while (relay.TryTakeReady(out _))
        {
        }

        return relay.TryTakeMessage(connection, out var message) ? message : null;
    }
}
