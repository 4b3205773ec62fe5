using System.Net;
using EdgeSync.Primitives;
using EdgeSync.Quic;
using EdgeSync.Quic.Connections;
using EdgeSync.Quic.Frames;
using EdgeSync.Quic.Packets;
using EdgeSync.Quic.Protection;
using EdgeSync.Tests.Support;

namespace EdgeSync.UnitTests.Quic.Connections;

/// <summary>What strangers and bad peers send.</summary>
public sealed class QuicAttackTests
{
    /// <summary>Packets that were forged, so that each has a number of its own.</summary>
    [ThreadStatic]
    private static int _forged;

    [Test]
    [Arguments("1f", 0x07UL)]                             // an unknown frame
    [Arguments("3e000a20000a", 0x0aUL)]                   // PATH_ACK without multipath
    [Arguments("7e760001", 0x0aUL)]                       // PATH_STATUS_BACKUP without multipath
    [Arguments("803d7f90007f000001b1bd", 0x0aUL)]         // ADD_ADDRESS without NAT traversal
    [Arguments("809f81a6007f000001b1bd", 0x0aUL)]         // OBSERVED_ADDRESS without address discovery
    [Arguments("809f81a7" + "00" + "000000000000000000000000000000010001", 0x0aUL)]
    [Arguments("02bfffffff000000", 0x0aUL)]               // acknowledges what was not sent
    [Arguments("1e", 0x0aUL)]                             // HANDSHAKE_DONE of a client
    [Arguments("0701aa", 0x0aUL)]                         // NEW_TOKEN of a client
    [Arguments("0a010161", 0x05UL)]                       // a stream of the server's that it has not opened
    [Arguments("0a030161", 0x05UL)]                       // a stream that only the server sends on
    [Arguments("11024001", 0x05UL)]                       // MAX_STREAM_DATA of a stream that only the client sends on
    [Arguments("0a80100000" + "0161", 0x04UL)]            // more streams than allowed
    [Arguments("0e0080200000" + "0161", 0x03UL)]          // beyond the window of a stream
    [Arguments("0b0001610b000161" + "0e00010162", 0x06UL)]    // bytes behind the end
    [Arguments("0b00016104000002", 0x06UL)]               // two ends
    [Arguments("0680100000" + "0161", 0x0dUL)]            // CRYPTO far beyond what has come
    [Arguments("1909", 0x0aUL)]                           // retires an id that was not issued
    [Arguments("18050001aa000102030405060708090a0b0c0d0e0f"
        + "18060001ab000102030405060708090a0b0c0d0e0f" + "18070001ac000102030405060708090a0b0c0d0e0f"
        + "18080001ad000102030405060708090a0b0c0d0e0f" + "18090001ae000102030405060708090a0b0c0d0e0f", 0x09UL)]
    [Arguments("18000001aa000102030405060708090a0b0c0d0e0f", 0x0aUL)]   // another id with the number of the first
    [Arguments("", 0x0aUL)]                               // no frame at all
    public void A_peer_that_breaks_a_rule_is_told_which(string frames, ulong code)
    {
        using var world = new QuicWorld(
            server: QuicWorld.ServerOptions() with { KeepAlive = TimeSpan.Zero }).Connected();
        world.RunFor(1);

        world.Inject(toServer: true, Forge(world, Convert.FromHexString(frames)));
        world.Run(() => world.Accepted!.IsClosed && world.Dialled!.IsClosed);

        Assert.Equal((CloseKind.LocalError, code), KindAndCode(world.Accepted!));
        Assert.Equal((CloseKind.PeerError, code), KindAndCode(world.Dialled!));
    }

    [Test]
    [Arguments("3e0905000000", 0x0aUL)]                   // PATH_ACK beyond the highest path
    [Arguments("3e0405000000", 0x0aUL)]                   // PATH_ACK of a path that was not opened
    [Arguments("7e7508" + "00", 0x0aUL)]                  // PATH_ABANDON beyond the highest path
    [Arguments("7e760801", 0x0aUL)]                       // PATH_STATUS_BACKUP beyond it
    [Arguments("7e78080000" + "02aabb000102030405060708090a0b0c0d0e0f", 0x0aUL)]   // an id beyond it
    [Arguments("7e790800", 0x0aUL)]                       // retires an id beyond it
    [Arguments("7e790109", 0x0aUL)]                       // retires an id of path 1 that was not issued
    [Arguments("7e7b08", 0x0aUL)]                         // PATHS_BLOCKED beyond it
    [Arguments("7e7c0109", 0x0aUL)]                       // PATH_CIDS_BLOCKED behind the next id
    [Arguments("803d7f90007f000001b1bd", 0x0aUL)]         // ADD_ADDRESS of a client
    [Arguments("803d7f9400", 0x0aUL)]                     // REMOVE_ADDRESS of a client
    [Arguments("7e7ac000000100000000", 0x07UL)]           // MAX_PATH_ID beyond 2^32-1
    public void A_peer_that_breaks_a_rule_of_multipath_gets_its_code(string frames, ulong code)
    {
        using var world = new PathWorld().Connected(directly: true);
        world.RunFor(1);

        world.InjectToServer(Forge(world, Convert.FromHexString(frames)));
        world.Run(() => world.Accepted!.IsClosed && world.Dialled!.IsClosed);

        Assert.Equal((CloseKind.LocalError, code), KindAndCode(world.Accepted!));
        Assert.Equal((CloseKind.PeerError, code), KindAndCode(world.Dialled!));
    }

    [Test]
    public void No_frames_of_a_peer_make_an_endpoint_fail() => Property.Check(
        prng =>
        {
            using var world = new PathWorld(prng.NextUInt64() >> 8).Connected(directly: prng.Chance(0.5));
            world.RunFor(prng.NextDouble());
            byte[][] good = [.. Samples.Select(Convert.FromHexString), QuicVectors.OfIroh("a5-0-3-payload")];
            for (var i = 0; i < 12 && world.Dialled!.State.OneRttKeys is not null; i++)
            {
                var frames = prng.Pick<byte[]>(good);
                if (prng.Chance(0.7)) frames = Mutation.OfBytes(prng, frames, good);
                if (frames.Length > 1000) continue;
                world.InjectToServer(Forge(world, frames));
                world.RunFor(prng.NextDouble() * 0.1);
            }

            world.Dialled!.Close(world.Now, 0, "");
            world.Run(() => world.Client.Count == 0 && world.Server.Count == 0, 200);
            Assert.Equal(0, world.Client.IdCount + world.Server.IdCount);
        },
        runs: 150);

    /// <summary>Frames of a client that are well formed.</summary>
    private static readonly string[] Samples =
    [
        "3e000000000001", "7e75013e01", "7e750500", "7e76000a", "7e77010b",
        "7e7801010002aabb000102030405060708090a0b0c0d0e0f", "7e790100", "7e790000", "7e7a09", "7e7b07", "7e7c0200",
        "803d7f9201c000020901bb", "803d7f930220010db800000000000000000000000101bb", "1a0001020304050607",
        "1b0001020304050607", "0a000161", "0c044003" + "6162", "04000107", "050009", "1908", "18090005aabbccddee"
            + "000102030405060708090a0b0c0d0e0f", "3e0100000000", "3100", "1d0000",
    ];

    [Test]
    public void What_a_peer_can_make_an_endpoint_hold_is_bounded()
    {
        var options = QuicWorld.ServerOptions() with
        {
            ConnectionWindow = 200_000,
            StreamWindow = 100_000,
            DatagramBuffer = 50_000,
            StreamSendBuffer = 30_000,
        };
        using var world = new QuicWorld(server: options).Connected();
        var held = 0L;
        // The application reads nothing and sends back what it can.
        world.Application = (connection, happened) =>
        {
            if (connection.IsServer && happened.Kind == QuicEventKind.StreamOpened)
                connection.Write(happened.StreamId, new byte[100_000], finish: false);
        };
        var bytes = new byte[20_000];
        for (var i = 0; i < 60; i++)
        {
            while (world.Dialled!.TryOpenStream(false, out var id)) world.Dialled.Write(id, bytes, finish: false);
            for (var j = 0; j < 100; j++) world.Dialled.TrySendDatagram(new byte[1000]);
            world.RunFor(0.05);
            held = Math.Max(held, world.Accepted!.State.Streams.HeldBytes);
            Assert.InRange(world.Accepted.State.DatagramsIn.Bytes, 0, 50_000);
        }

        // Buffers are powers of two: twice the windows at most, and 100 streams with a full send buffer.
        Assert.InRange(held, 100_000, (2 * 200_000) + (100 * 32_768));
        Assert.True(world.Dialled!.IsConnected && world.Accepted!.IsConnected);
    }

    [Test]
    public void Reserved_bits_are_a_violation()
    {
        using var world = new QuicWorld().Connected();

        world.Inject(toServer: true, Forge(world, [0x01, 0, 0, 0], reservedBits: 0x18));

        Assert.Equal((CloseKind.LocalError, 0x0aUL), KindAndCode(world.Accepted!));
    }

    [Test]
    public void Junk_gets_no_answer()
    {
        using var world = new QuicWorld().Connected();
        world.RunFor(1);
        var sent = world.DatagramsSent;

        foreach (byte first in new byte[] { 0x00, 0x01, 0x20, 0x3f, 0x54, 0x80, 0xc0, 0xff })
        {
            var junk = world.Chance.NextBytes(20);
            junk[0] = first;
            world.Inject(toServer: true, junk);
        }

        world.RunFor(0.001);
        Assert.Equal(sent, world.DatagramsSent);
    }

    [Test]
    public void A_forged_packet_changes_nothing() => Property.Check(
        prng =>
        {
            using var world = new QuicWorld(prng.NextUInt64() >> 8);
            world.Dial();
            var seen = new List<byte[]>();
            world.Tamper = (_, bytes) =>
            {
                seen.Add([.. bytes]);
                if (seen.Count > 3 && prng.Chance(0.5))
                    world.Inject(prng.Chance(0.5), Mutation.OfBytes(prng, prng.Pick<byte[]>([.. seen]), seen));
            };
            var transfer = new StreamTransfer(world);
            world.Run(() => world.Dialled!.IsConnected);
            transfer.Add(prng.NextBytes(30_000));

            world.Run(() => transfer.IsDone);
        },
        runs: 60);

    [Test]
    public void Replayed_Initials_make_no_second_connection()
    {
        using var world = new QuicWorld();
        byte[]? first = null;
        world.Tamper = (_, bytes) => first ??= [.. bytes];
        world.Connected();
        var other = UdpAddress.From(IPAddress.Parse("203.0.113.5"), 99);

        for (var i = 0; i < 100; i++) world.Inject(toServer: true, [.. first!], other);

        Assert.Equal(1, world.Server.Count);
        Assert.Equal(QuicWorld.ClientAddress, world.Accepted!.Route.Remote);
    }

    [Test]
    public void A_flood_of_Initials_is_bounded_and_honest_clients_still_connect()
    {
        using var world = new QuicWorld();
        for (var i = 0; i < 2000; i++) world.Inject(toServer: true, Initial(world.Chance), Spoofed(world.Chance));

        Assert.InRange(world.Server.Count, 1, 64);
        world.Connected();
        world.RunFor(120);
        Assert.Equal(1, world.Server.Count);
    }

    [Test]
    public void A_server_sends_no_more_than_three_times_what_came()
    {
        using var world = new QuicWorld();
        world.Inject(toServer: true, Initial(world.Chance), Spoofed(world.Chance));
        var bytes = 0;
        world.Tamper = (fromServer, datagram) => bytes += fromServer ? datagram.Length : 0;

        world.RunFor(60);

        Assert.InRange(bytes, 1200, 3600);
        Assert.Equal(0, world.Server.Count);
    }

    [Test]
    public void Small_or_malformed_Initials_and_short_first_ids_are_not_taken()
    {
        using var world = new QuicWorld();
        byte[]? answer = null;
        world.Tamper = (_, bytes) => answer = [.. bytes];
        // A short header, which is no packet of a connection, is answered by a reset; a long one of ours by nothing.
        var junk = world.Chance.NextBytes(1200);
        (junk[0], junk[1], junk[2], junk[3], junk[4]) = (0xc0, 0, 0, 0, 1);

        world.Inject(toServer: true, Initial(world.Chance)[..1199]);
        world.Inject(toServer: true, junk);
        world.RunFor(0.001);
        Assert.Null(answer);
        var initial = Initial(world.Chance, destinationBytes: 7);
        world.Inject(toServer: true, [.. initial]);
        world.RunFor(0.001);

        Assert.Equal(0, world.Server.Count);
        Assert.Equal(TransportErrorCode.ProtocolViolation, CodeOf(answer!, new ConnectionId(initial.AsSpan(6, 7))));
    }

    [Test]
    public void A_Retry_token_of_another_address_is_refused_with_its_code()
    {
        using var world = new QuicWorld(retries: true);
        var seen = new List<byte[]>();
        world.Tamper = (fromServer, bytes) => seen.Add([.. bytes]);
        world.Connected();
        // The client's second Initial carries the token.
        var initial = seen.Where(bytes => bytes.Length == 1200 && bytes[0] >> 4 == 0xc).ElementAt(1);
        Assert.Equal(HeaderFault.None, PacketHeader.TryRead(initial, 8, out var header));
        Assert.False(header.Token.IsEmpty);
        var destination = new ConnectionId(header.DestinationId);
        seen.Clear();

        // As a new connection, since the id leads to the one that is there.
        using var other = new QuicWorld(retries: true);
        other.Tamper = (_, bytes) => seen.Add([.. bytes]);
        other.Inject(toServer: true, [.. initial], Spoofed(other.Chance));
        other.RunFor(0.001);

        Assert.Equal(TransportErrorCode.InvalidToken, CodeOf(Assert.Single(seen), destination));
        Assert.Equal(0, other.Server.Count);
    }

    [Test]
    public void A_token_for_later_saves_the_Retry()
    {
        using var world = new QuicWorld(retries: true).Connected();
        Assert.NotNull(world.Dialled!.State.RetrySource);
        world.RunFor(0.1);

        world.Dial();
        world.Run(() => world.Dialled!.IsConnected);

        Assert.Null(world.Dialled!.State.RetrySource);
        Assert.NotEmpty(world.Dialled.State.Token);
    }

    [Test]
    public void Another_version_is_answered_with_ours_and_only_in_large_datagrams()
    {
        using var world = new QuicWorld();
        var packet = Initial(world.Chance);
        packet[4] = 9;
        byte[]? answer = null;
        world.Tamper = (_, bytes) => answer = [.. bytes];

        world.Inject(toServer: true, packet[..1199]);
        world.RunFor(0.001);
        Assert.Null(answer);
        world.Inject(toServer: true, packet);
        world.RunFor(0.001);

        Assert.Equal(HeaderFault.None, PacketHeader.TryRead(answer, 8, out var header));
        Assert.Equal(PacketType.VersionNegotiation, header.Type);
        Assert.True(header.ListsVersion(1));
    }

    [Test]
    public void A_client_gives_up_when_the_server_speaks_no_version_of_its_own()
    {
        using var world = new QuicWorld { IsDown = true };
        world.Dial();
        world.RunFor(0.001);
        var state = world.Dialled!.State;
        var packet = new byte[100];
        var writer = new WireWriter(packet);
        PacketWriter.WriteVersionNegotiation(
            ref writer, 0, state.OriginalDestination.ToArray(), state.LocalSource.ToArray());
        var listed = packet[..writer.Position];
        var unlisted = listed.ToArray();
        unlisted[^5] = 7;

        world.Inject(toServer: false, listed);
        Assert.Null(world.Dialled.CloseReason);
        world.Inject(toServer: false, unlisted);

        Assert.Equal(CloseKind.Version, world.Dialled.CloseReason?.Kind);
    }

    [Test]
    public void A_lost_connection_is_ended_by_a_stateless_reset()
    {
        using var world = new QuicWorld().Connected();
        world.RunFor(1);
        // The server forgets the connection, as after a restart with the same key.
        world.Accepted!.Dispose();
        world.Server.OnDeadline(world.Now);
        Assert.Equal(0, world.Server.Count);

        world.Run(() => world.Dialled!.IsClosed);

        Assert.Equal(CloseKind.StatelessReset, world.Dialled!.CloseReason!.Kind);
        Assert.InRange(world.VirtualElapsed.TotalSeconds, 1, 12);
    }

    [Test]
    public void Nothing_is_allocated_for_a_packet_once_a_transfer_runs()
    {
        using var world = new QuicWorld().Connected();
        var (client, server) = (world.Dialled!, world.Accepted!);
        Assert.True(client.TryOpenStream(true, out var id));
        var (bytes, datagram) = (new byte[8 * 1024], new byte[1500]);
        var toServer = new FourTuple(QuicWorld.ServerAddress, QuicWorld.ClientAddress);
        var toClient = new FourTuple(QuicWorld.ClientAddress, QuicWorld.ServerAddress);
        var now = world.Now;
        void Transfer(int rounds)
        {
            for (var i = 0; i < rounds; i++)
            {
                now += TimeSpan.FromMilliseconds(5);
                client.OnDeadline(now);
                server.OnDeadline(now);
                client.Write(id, bytes, finish: false);
                while (client.TryTakeDatagram(now, datagram, out var sent))
                    server.Receive(now, toServer, sent.Ecn, datagram.AsSpan(0, sent.Length));
                while (server.Read(id, bytes, out _) > 0) { }
                while (server.TryTakeDatagram(now, datagram, out var sent))
                    client.Receive(now, toClient, sent.Ecn, datagram.AsSpan(0, sent.Length));
                while (client.TryTakeEvent(out _)) { }
                while (server.TryTakeEvent(out _)) { }
            }
        }

        Transfer(500);
        var packets = client.Statistics.PacketsSent;
        var before = GC.GetAllocatedBytesForCurrentThread();
        Transfer(500);
        var allocated = GC.GetAllocatedBytesForCurrentThread() - before;

        packets = client.Statistics.PacketsSent - packets;
        Assert.True(packets > 2000, $"{packets} packets");
        Assert.True(allocated < packets, $"{allocated} bytes for {packets} packets");
    }

    private static (CloseKind Kind, ulong Code) KindAndCode(QuicConnection connection) =>
        (connection.CloseReason!.Kind, connection.CloseReason.Code);

    /// <summary>A packet as the client could send it, with frames of a test.</summary>
    private static byte[] Forge(VirtualWorld world, byte[] frames, byte reservedBits = 0)
    {
        var state = world.Dialled!.State;
        var packet = new byte[1 + 8 + 4 + frames.Length + PacketKeys.TagBytes];
        var writer = new WireWriter(packet);
        // Each one is newer than the one before.
        var number = state.Path.Space.Sent.Next + 100 + (ulong)(_forged++ * 10);
        PacketWriter.WriteShort(
            ref writer, state.Path.RemoteIds.Current, false, state.OneRttKeys!.Phase, number, numberSize: 4);
        packet[0] |= reservedBits;
        frames.CopyTo(packet.AsSpan(writer.Position));
        state.OneRttKeys.Seal(
            packet.AsSpan(0, writer.Position), packet.AsSpan(writer.Position), number, state.Path.Id);
        HeaderProtection.Apply(state.OneRttKeys.SendMask, packet, writer.Position - 4, 4);
        return packet;
    }

    /// <summary>The code of the close in a server's first packet.</summary>
    private static ulong CodeOf(byte[] packet, ConnectionId destination)
    {
        Assert.Equal(HeaderFault.None, PacketHeader.TryRead(packet, 8, out var header));
        using var keys = LevelKeys.Initial(destination, isServer: false);
        Assert.True(
            HeaderProtection.TryRemove(keys.ReceiveMask, packet, header.NumberOffset, out var number, out var size));
        var at = header.NumberOffset + size;
        Assert.True(keys.Receive.TryOpen(packet.AsSpan(0, at), packet.AsSpan(at), number));
        var reader = new FrameReader(packet.AsSpan(at, packet.Length - at - PacketKeys.TagBytes));
        Assert.Null(reader.Read(out var frame));
        Assert.Equal(FrameType.ConnectionClose, frame.Type);
        return frame.ErrorCode;
    }

    private static UdpAddress Spoofed(Prng chance) =>
        UdpAddress.From(IPAddress.Parse("203.0.113.77"), chance.NextInt32(1, 65_000));

    /// <summary>A client's first datagram, with the ClientHello of a real client.</summary>
    internal static byte[] Initial(Prng chance, int destinationBytes = 8)
    {
        var destination = new ConnectionId(chance.NextBytes(destinationBytes));
        var hello = QuicVectors.OfIroh("a3-client-hello").ToArray();
        var packet = new byte[1200];
        var writer = new WireWriter(packet);
        var source = new ConnectionId(Convert.FromHexString("f077d834d5f01992"));
        var lengthAt = PacketWriter.WriteLong(ref writer, PacketType.Initial, destination, source, [], 0, 1);
        PacketWriter.WriteLength(packet.AsSpan(lengthAt), packet.Length - writer.Position + 1);
        var payloadAt = writer.Position;
        FrameWriter.WriteCrypto(ref writer, 0, hello.Length);
        writer.WriteBytes(hello);
        using var keys = LevelKeys.Initial(destination, isServer: false);
        keys.Send.Seal(packet.AsSpan(0, payloadAt), packet.AsSpan(payloadAt), 0);
        HeaderProtection.Apply(keys.SendMask, packet, payloadAt - 1, 1);
        return packet;
    }
}
