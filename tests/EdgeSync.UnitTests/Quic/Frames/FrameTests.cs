using EdgeSync.Quic;
using EdgeSync.Quic.Frames;
using EdgeSync.Quic.Packets;
using EdgeSync.Tests.Support;

namespace EdgeSync.UnitTests.Quic.Frames;

public sealed class FrameTests
{
    private static readonly byte[] Token = [.. Enumerable.Range(0, 16).Select(i => (byte)i)];

    [Test]
    public void Reads_every_frame_that_it_writes()
    {
        Assert.Equal(
            "Ping()\nMaxData(70000)\nDataBlocked(5)\nMaxStreamData(4 9)\nStreamDataBlocked(8 1)\nStopSending(4 77)\n"
                + "MaxStreams(uni 12)\nStreamsBlocked(bidi 13)\nResetStream(4 77 1000)\nCrypto(300 hello)\n"
                + "Stream(4 0 hello)\nStream(5 70000 hello fin)\n"
                + "NewConnectionId(3 1 0a0b 000102030405060708090a0b0c0d0e0f)\n"
                + "RetireConnectionId(2)\nPathChallenge(abcdefgh)\nPathResponse(abcdefgh)\n"
                + "Close(0x1c 10 6 why)\nClose(0x1d 99 0 why)\nDatagram(hello)\nHandshakeDone()\nNewToken(tok)",
            Describe(Sample()));
    }

    [Test]
    public void Reads_every_frame_of_the_extensions_that_it_writes() =>
        Assert.Equal(
            "PathAbandon(3 62)\nPathStatusBackup(0 3)\nPathStatusAvailable(1 70000)\n"
                + "PathNewConnectionId(7 300 0 0a0b 000102030405060708090a0b0c0d0e0f)\nPathRetireConnectionId(2 5)\n"
                + "MaxPathId(8)\nPathsBlocked(7)\nPathCidsBlocked(4 2)\nAddAddress(1 192.0.2.7:443)\n"
                + "AddAddress(70000 [2001:db8::1]:1)\nReachOut(2 192.0.2.7:443)\nReachOut(3 [2001:db8::1]:65535)\n"
                + "RemoveAddress(9)\nObservedAddress(0 192.0.2.7:443)\nObservedAddress(70000 [2001:db8::1]:1)\n"
                + "Path 5 Ack(2000 44 100-2000 6-6)\nPath 300 Ack(6 0 6-6 0-3 ecn 7 0 2)",
            Describe(Extensions()));

    [Test]
    public void Refuses_every_frame_of_the_extensions_that_is_cut_off()
    {
        var sample = Extensions();
        var ends = 0;
        foreach (var prefix in Splits.Prefixes(sample))
        {
            var error = ReadAll(prefix);
            if (error is null) ends++;
            else Assert.Equal(TransportErrorCode.FrameEncodingError, error.Code);
        }

        // As many whole prefixes as frames, with the empty one if it is among them.
        Assert.InRange(ends, 16, 17);
        Assert.Null(ReadAll(sample));
    }

    [Test]
    public void Refuses_every_frame_that_is_cut_off()
    {
        var sample = Sample();
        var whole = Boundaries(sample);

        foreach (var prefix in Splits.Prefixes(sample))
        {
            var error = ReadAll(prefix);
            if (whole.Contains(prefix.Length)) Assert.Null(error);
            else Assert.Equal(TransportErrorCode.FrameEncodingError, error?.Code);
        }
    }

    [Test]
    public void Takes_stream_and_datagram_without_length_to_the_end_of_the_packet()
    {
        Assert.Equal("Stream(4 0 hello)", Describe([0x08, 4, .. "hello"u8]));
        Assert.Equal("Stream(4 7 hello fin)", Describe([0x0d, 4, 7, .. "hello"u8]));
        Assert.Equal("Datagram(hello)", Describe([0x30, .. "hello"u8]));
    }

    [Test]
    public void Reads_the_frames_of_a_real_server()
    {
        Assert.Equal("Stream(0 0 path1)", Describe(QuicVectors.OfIroh("a5-1-8-payload")));
        Assert.Equal("Stream(0 5  fin)", Describe(QuicVectors.OfIroh("a5-1-9-payload")));
        Assert.Equal(
            "AddAddress(1 [::1]:38888)\nAddAddress(0 127.0.0.1:45501)\nPathStatusAvailable(0 2)",
            Describe(QuicVectors.OfIroh("a5-0-3-payload")));
        Assert.Equal("Path 0 Ack(10 32 0-10)", Describe(QuicVectors.OfIroh("a5-0-13-payload")));
        Assert.Equal(
            "PathStatusBackup(0 3)\nPathStatusAvailable(1 2)", Describe(QuicVectors.OfIroh("a5-1-2-payload")));
    }

    [Test]
    public void Writes_frames_of_the_extensions_as_a_real_server_does()
    {
        var writer = new WireWriter(new byte[100]);
        FrameWriter.WriteAddress(ref writer, FrameType.AddAddressV4, 1, Address("::1", 38888));
        FrameWriter.WriteAddress(ref writer, FrameType.AddAddressV4, 0, Address("127.0.0.1", 45501));
        FrameWriter.WritePathValue(ref writer, FrameType.PathStatusAvailable, 0, 2);
        Assert.Equal(QuicVectors.OfIroh("a5-0-3-payload"), writer.Written.ToArray());

        writer = new WireWriter(new byte[100]);
        Assert.True(FrameWriter.TryWriteAck(ref writer, Ranges((0, 10)), 32, null, pathId: 0));
        Assert.Equal(QuicVectors.OfIroh("a5-0-13-payload"), writer.Written.ToArray());

        writer = new WireWriter(new byte[100]);
        FrameWriter.WritePathValue(ref writer, FrameType.PathStatusBackup, 0, 3);
        FrameWriter.WritePathValue(ref writer, FrameType.PathStatusAvailable, 1, 2);
        Assert.Equal(QuicVectors.OfIroh("a5-1-2-payload"), writer.Written.ToArray());
    }

    [Test]
    public void Writes_observed_addresses_as_the_draft_says()
    {
        var writer = new WireWriter(new byte[FrameWriter.AddressMax]);
        FrameWriter.WriteAddress(ref writer, FrameType.ObservedAddressV4, 1, Address("192.0.2.7", 443));
        Assert.Equal("809f81a6" + "01" + "c0000207" + "01bb", Convert.ToHexStringLower(writer.Written));

        writer = new WireWriter(new byte[FrameWriter.AddressMax]);
        FrameWriter.WriteAddress(ref writer, FrameType.ObservedAddressV4, 300, Address("2001:db8::1", 65535));
        Assert.Equal(
            "809f81a7" + "412c" + "20010db8000000000000000000000001" + "ffff",
            Convert.ToHexStringLower(writer.Written));
    }

    [Test]
    [Arguments("1f", 0x07UL)]                                   // unknown type
    [Arguments("4001", 0x0aUL)]                                 // type not in its shortest form
    [Arguments("0205000006", 0x07UL)]                           // first range below 0
    [Arguments("020500010000000500", 0x07UL)]                   // gap below 0
    [Arguments("0205000105", 0x07UL)]                           // ranges cut off
    [Arguments("0700", 0x07UL)]                                 // empty token
    [Arguments("06ffffffffffffffff0161", 0x07UL)]               // CRYPTO beyond 2^62-1
    [Arguments("0e04ffffffffffffffff0161", 0x07UL)]             // STREAM beyond 2^62-1
    [Arguments("12d000000000000001", 0x07UL)]                   // more than 2^60 streams
    [Arguments("17d000000000000001", 0x07UL)]
    [Arguments("18010000000102030405060708090a0b0c0d0e0f10", 0x07UL)]   // connection id of no bytes
    [Arguments("1801001500000000000000000000000000000000000000000000000000000000000000000000000000", 0x07UL)]
    [Arguments("1801020161000102030405060708090a0b0c0d0e0f", 0x07UL)]   // retires what it has not issued
    [Arguments("7e7ac000000100000000", 0x07UL)]                 // path id beyond 2^32-1
    [Arguments("7e75c00000010000000000", 0x07UL)]
    [Arguments("7e7801010000", 0x07UL)]                         // connection id of no bytes on a path
    [Arguments("3e0105000006", 0x07UL)]                         // PATH_ACK with a range below 0
    [Arguments("80003e75", 0x0aUL)]                             // type not in its shortest form
    public void Refuses_malformed_frames_with_the_code_of_the_RFC(string hex, ulong code) =>
        Assert.Equal(code, ReadAll(Convert.FromHexString(hex))?.Code);

    [Test]
    public void Writes_and_reads_acknowledgements()
    {
        NumberRange[] ranges = [new(0, 3), new(6, 6), new(100, 2000)];
        var writer = new WireWriter(new byte[64]);

        Assert.True(FrameWriter.TryWriteAck(ref writer, ranges, 44, new EcnCounts(7, 0, 2)));

        Assert.Equal("Ack(2000 44 100-2000 6-6 0-3 ecn 7 0 2)", Describe(writer.Written.ToArray()));
        foreach (var prefix in Splits.Prefixes(writer.Written.ToArray()).Skip(1))
            Assert.Equal(TransportErrorCode.FrameEncodingError, ReadAll(prefix)?.Code);
    }

    [Test]
    public void Leaves_out_the_oldest_ranges_when_room_is_short()
    {
        var ranges = Enumerable.Range(0, 64).Select(i => new NumberRange((ulong)i * 1000, (ulong)(i * 1000) + 500));
        var writer = new WireWriter(new byte[30]);

        Assert.True(FrameWriter.TryWriteAck(ref writer, ranges.ToArray(), 0, null));

        Assert.StartsWith("Ack(63500 0 63000-63500 62000-62500 61000-61500", Describe(writer.Written.ToArray()),
            StringComparison.Ordinal);
        var narrow = new WireWriter(new byte[8]);
        Assert.False(FrameWriter.TryWriteAck(ref narrow, ranges.ToArray(), 0, null));
        Assert.Equal(0, narrow.Position);
    }

    [Test]
    public void Acknowledgements_survive_being_written_and_read() => Property.Check(prng =>
    {
        var ranges = new List<NumberRange>();
        for (ulong at = 0; ranges.Count < prng.NextInt32(1, 40);)
        {
            var start = at + (ulong)prng.NextInt32(3000);
            var end = start + (prng.Chance(0.5) ? 0 : (ulong)prng.NextInt32(100_000));
            ranges.Add(new NumberRange(start, end));
            at = end + 2;
        }

        var writer = new WireWriter(new byte[1200]);
        Assert.True(FrameWriter.TryWriteAck(ref writer, ranges.ToArray(), 1, null));
        var reader = new FrameReader(writer.Written);
        Assert.Null(reader.Read(out var frame));
        var read = new List<NumberRange>();
        foreach (var (smallest, largest) in frame.Ack) read.Insert(0, new NumberRange(smallest, largest));

        Assert.True(ranges.SequenceEqual(read));
    });

    [Test]
    public void Cuts_the_reason_of_a_close_to_what_fits()
    {
        var writer = new WireWriter(new byte[40]);

        FrameWriter.WriteClose(ref writer, FrameType.ApplicationClose, 1, 0, new byte[1000]);

        var reader = new FrameReader(writer.Written);
        Assert.Null(reader.Read(out var frame));
        Assert.Equal(36, frame.Data.Length);
    }

    [Test]
    public void Sizes_are_those_of_the_frames_written() => Property.Check(prng =>
    {
        var id = prng.NextUInt64() >> prng.NextInt32(2, 62);
        var offset = prng.Chance(0.3) ? 0 : prng.NextUInt64() >> prng.NextInt32(2, 62);
        var length = prng.NextInt32(1500);
        var writer = new WireWriter(new byte[64]);
        FrameWriter.WriteStream(ref writer, id, offset, length, true);
        Assert.Equal(FrameWriter.SizeOfStream(id, offset, length), writer.Position);

        writer = new WireWriter(new byte[64]);
        FrameWriter.WriteCrypto(ref writer, offset, length);
        Assert.Equal(FrameWriter.SizeOfCrypto(offset, length), writer.Position);

        writer = new WireWriter(new byte[64]);
        FrameWriter.WriteNewConnectionId(ref writer, id, 0, new ConnectionId([1, 2, 3]), Token);
        Assert.Equal(FrameWriter.SizeOfNewConnectionId(id, 0, new ConnectionId([1, 2, 3])), writer.Position);
    });

    [Test]
    public void No_bytes_make_the_reader_fail() => Property.Check(
        prng =>
        {
            byte[][] good =
                [Sample(), Extensions(), QuicVectors.OfIroh("a5-0-13-payload"), [0x02, 20, 0, 2, 1, 1, 1, 1, 1]];
            ReadAll(Mutation.OfBytes(prng, prng.Pick<byte[]>(good), good));
        },
        runs: 3000);

    private static byte[] Sample()
    {
        var writer = new WireWriter(new byte[1000]);
        FrameWriter.WriteType(ref writer, FrameType.Ping);
        FrameWriter.WriteValue(ref writer, FrameType.MaxData, 70_000);
        FrameWriter.WriteValue(ref writer, FrameType.DataBlocked, 5);
        FrameWriter.WriteStreamValue(ref writer, FrameType.MaxStreamData, 4, 9);
        FrameWriter.WriteStreamValue(ref writer, FrameType.StreamDataBlocked, 8, 1);
        FrameWriter.WriteStreamValue(ref writer, FrameType.StopSending, 4, 77);
        FrameWriter.WriteValue(ref writer, FrameType.MaxStreamsUni, 12);
        FrameWriter.WriteValue(ref writer, FrameType.StreamsBlockedBidi, 13);
        FrameWriter.WriteResetStream(ref writer, 4, 77, 1000);
        FrameWriter.WriteCrypto(ref writer, 300, 5);
        writer.WriteBytes("hello"u8);
        FrameWriter.WriteStream(ref writer, 4, 0, 5, fin: false);
        writer.WriteBytes("hello"u8);
        FrameWriter.WriteStream(ref writer, 5, 70_000, 5, fin: true);
        writer.WriteBytes("hello"u8);
        FrameWriter.WriteNewConnectionId(ref writer, 3, 1, new ConnectionId([10, 11]), Token);
        FrameWriter.WriteValue(ref writer, FrameType.RetireConnectionId, 2);
        FrameWriter.WritePath(ref writer, FrameType.PathChallenge, "abcdefgh"u8);
        FrameWriter.WritePath(ref writer, FrameType.PathResponse, "abcdefgh"u8);
        FrameWriter.WriteClose(ref writer, FrameType.ConnectionClose, 10, FrameType.Crypto, "why"u8);
        FrameWriter.WriteClose(ref writer, FrameType.ApplicationClose, 99, 0, "why"u8);
        FrameWriter.WriteDatagram(ref writer, "hello"u8);
        FrameWriter.WriteType(ref writer, FrameType.HandshakeDone);
        FrameWriter.WriteType(ref writer, FrameType.NewToken);
        writer.WriteCounted("tok"u8);
        return writer.Written.ToArray();
    }

    private static byte[] Extensions()
    {
        var (v4, v6) = (Address("192.0.2.7", 443), Address("2001:db8::1", 1));
        var writer = new WireWriter(new byte[1000]);
        FrameWriter.WritePathValue(ref writer, FrameType.PathAbandon, 3, 0x3e);
        FrameWriter.WritePathValue(ref writer, FrameType.PathStatusBackup, 0, 3);
        FrameWriter.WritePathValue(ref writer, FrameType.PathStatusAvailable, 1, 70_000);
        var size = writer.Position;
        FrameWriter.WritePathNewConnectionId(ref writer, 7, 300, new ConnectionId([10, 11]), Token);
        Assert.Equal(FrameWriter.SizeOfPathNewConnectionId(7, 300, new ConnectionId([10, 11])), writer.Position - size);
        FrameWriter.WritePathValue(ref writer, FrameType.PathRetireConnectionId, 2, 5);
        FrameWriter.WriteValue(ref writer, FrameType.MaxPathId, 8);
        FrameWriter.WriteValue(ref writer, FrameType.PathsBlocked, 7);
        FrameWriter.WritePathValue(ref writer, FrameType.PathCidsBlocked, 4, 2);
        FrameWriter.WriteAddress(ref writer, FrameType.AddAddressV4, 1, v4);
        FrameWriter.WriteAddress(ref writer, FrameType.AddAddressV4, 70_000, v6);
        FrameWriter.WriteAddress(ref writer, FrameType.ReachOutV4, 2, v4);
        FrameWriter.WriteAddress(ref writer, FrameType.ReachOutV4, 3, v6 with { Port = 65535 });
        FrameWriter.WriteValue(ref writer, FrameType.RemoveAddress, 9);
        FrameWriter.WriteAddress(ref writer, FrameType.ObservedAddressV4, 0, v4);
        FrameWriter.WriteAddress(ref writer, FrameType.ObservedAddressV4, 70_000, v6);
        FrameWriter.TryWriteAck(ref writer, Ranges((6, 6), (100, 2000)), 44, null, 5);
        FrameWriter.TryWriteAck(ref writer, Ranges((0, 3), (6, 6)), 0, new EcnCounts(7, 0, 2), 300);
        return writer.Written.ToArray();
    }

    private static NumberRange[] Ranges(params (ulong Start, ulong End)[] ranges) =>
        [.. ranges.Select(range => new NumberRange(range.Start, range.End))];

    private static UdpAddress Address(string address, int port) =>
        UdpAddress.From(System.Net.IPAddress.Parse(address), port);

    private static HashSet<int> Boundaries(byte[] bytes)
    {
        // A prefix that ends with a frame reads without an error; the frames themselves are compared elsewhere.
        var ends = new HashSet<int>();
        for (var size = 0; size <= bytes.Length; size++)
            if (ReadAll(bytes[..size]) is null) ends.Add(size);
        Assert.Equal(22, ends.Count);
        return ends;
    }

    private static QuicError? ReadAll(byte[] bytes)
    {
        var reader = new FrameReader(bytes);
        while (!reader.IsAtEnd)
        {
            if (reader.Read(out var frame) is { } error) return error;
            if (frame.Type is not (FrameType.Ack or FrameType.AckEcn or FrameType.PathAck or FrameType.PathAckEcn))
                continue;
            foreach (var (smallest, largest) in frame.Ack) Assert.True(smallest <= largest);
        }

        return null;
    }

    private static string Describe(byte[] bytes)
    {
        var lines = new List<string>();
        var reader = new FrameReader(bytes);
        while (!reader.IsAtEnd)
        {
            Assert.Null(reader.Read(out var frame));
            lines.Add(Describe(frame));
        }

        return string.Join('\n', lines);
    }

    private static string Describe(Frame frame)
    {
        var text = System.Text.Encoding.ASCII.GetString(frame.Data);
        var direction = frame.IsUnidirectional ? "uni" : "bidi";
        return frame.Type switch
        {
            FrameType.Ping => "Ping()",
            FrameType.HandshakeDone => "HandshakeDone()",
            FrameType.Ack or FrameType.AckEcn => Describe(frame.Ack),
            FrameType.PathAck or FrameType.PathAckEcn => $"Path {frame.PathId} {Describe(frame.Ack)}",
            FrameType.PathAbandon => $"PathAbandon({frame.PathId} {frame.ErrorCode})",
            FrameType.PathStatusBackup => $"PathStatusBackup({frame.PathId} {frame.Sequence})",
            FrameType.PathStatusAvailable => $"PathStatusAvailable({frame.PathId} {frame.Sequence})",
            FrameType.PathNewConnectionId => $"PathNewConnectionId({frame.PathId} {frame.Sequence} "
                + $"{frame.RetirePriorTo} {Convert.ToHexStringLower(frame.Data)} "
                + $"{Convert.ToHexStringLower(frame.ResetToken)})",
            FrameType.PathRetireConnectionId => $"PathRetireConnectionId({frame.PathId} {frame.Sequence})",
            FrameType.MaxPathId => $"MaxPathId({frame.PathId})",
            FrameType.PathsBlocked => $"PathsBlocked({frame.PathId})",
            FrameType.PathCidsBlocked => $"PathCidsBlocked({frame.PathId} {frame.Sequence})",
            FrameType.AddAddressV4 or FrameType.AddAddressV6 => $"AddAddress({frame.Sequence} {frame.Address})",
            FrameType.ReachOutV4 or FrameType.ReachOutV6 => $"ReachOut({frame.Value} {frame.Address})",
            FrameType.ObservedAddressV4 or FrameType.ObservedAddressV6 =>
                $"ObservedAddress({frame.Sequence} {frame.Address})",
            FrameType.RemoveAddress => $"RemoveAddress({frame.Sequence})",
            FrameType.MaxData => $"MaxData({frame.Value})",
            FrameType.DataBlocked => $"DataBlocked({frame.Value})",
            FrameType.MaxStreamData => $"MaxStreamData({frame.StreamId} {frame.Value})",
            FrameType.StreamDataBlocked => $"StreamDataBlocked({frame.StreamId} {frame.Value})",
            FrameType.StopSending => $"StopSending({frame.StreamId} {frame.ErrorCode})",
            FrameType.MaxStreamsBidi or FrameType.MaxStreamsUni => $"MaxStreams({direction} {frame.Value})",
            FrameType.StreamsBlockedBidi or FrameType.StreamsBlockedUni => $"StreamsBlocked({direction} {frame.Value})",
            FrameType.ResetStream => $"ResetStream({frame.StreamId} {frame.ErrorCode} {frame.Value})",
            FrameType.Crypto => $"Crypto({frame.Offset} {text})",
            FrameType.NewToken => $"NewToken({text})",
            FrameType.NewConnectionId => $"NewConnectionId({frame.Sequence} {frame.RetirePriorTo} "
                + $"{Convert.ToHexStringLower(frame.Data)} {Convert.ToHexStringLower(frame.ResetToken)})",
            FrameType.RetireConnectionId => $"RetireConnectionId({frame.Sequence})",
            FrameType.PathChallenge => $"PathChallenge({text})",
            FrameType.PathResponse => $"PathResponse({text})",
            FrameType.ConnectionClose or FrameType.ApplicationClose =>
                $"Close(0x{frame.Type:x} {frame.ErrorCode} {frame.Value} {text})",
            FrameType.Datagram or FrameType.DatagramWithLength => $"Datagram({text})",
            _ => $"Stream({frame.StreamId} {frame.Offset} {text}{(frame.Fin ? " fin" : "")})",
        };
    }

    private static string Describe(AckFields ack)
    {
        var ranges = new List<string>();
        foreach (var (smallest, largest) in ack) ranges.Add($"{smallest}-{largest}");
        var ecn = ack.HasEcn ? $" ecn {ack.Ect0} {ack.Ect1} {ack.Ce}" : "";
        return $"Ack({ack.Largest} {ack.Delay} {string.Join(' ', ranges)}{ecn})";
    }
}
