using EdgeSync.Primitives;
using EdgeSync.Quic.Packets;
using EdgeSync.Tests.Support;

namespace EdgeSync.UnitTests.Quic.Packets;

public sealed class PacketHeaderTests
{
    private const int IdBytes = 8;
    private static readonly ConnectionId Destination = new([1, 2, 3, 4, 5, 6, 7, 8]);
    private static readonly ConnectionId Source = new([9, 10, 11, 12]);

    [Test]
    public void Reads_the_Initial_of_a_real_client()
    {
        var datagram = QuicVectors.OfIroh("a3-client-initial");

        var fault = PacketHeader.TryRead(datagram, IdBytes, out var header);

        Assert.Equal(HeaderFault.None, fault);
        Assert.Equal(PacketType.Initial, header.Type);
        Assert.Equal("560d00f956ff9e2229f7822e3a2e27200bfea010", Convert.ToHexStringLower(header.DestinationId));
        Assert.Equal("f077d834d5f01992", Convert.ToHexStringLower(header.SourceId));
        Assert.True(header.Token.IsEmpty);
        Assert.Equal(1200, header.PacketLength);
    }

    [Test]
    public void Walks_through_coalesced_packets()
    {
        byte[] datagram = [.. Long(PacketType.Initial, 30), .. Long(PacketType.Handshake, 21), .. Short(25)];

        var types = new List<PacketType>();
        for (ReadOnlySpan<byte> rest = datagram; !rest.IsEmpty;)
        {
            Assert.Equal(HeaderFault.None, PacketHeader.TryRead(rest, IdBytes, out var header));
            Assert.True(header.DestinationId.SequenceEqual(Destination.ToArray()));
            types.Add(header.Type);
            rest = rest[header.PacketLength..];
        }

        Assert.Equal("Initial Handshake OneRtt", string.Join(' ', types));
    }

    [Test]
    public void Refuses_every_long_header_that_is_cut_off()
    {
        foreach (var type in new[] { PacketType.Initial, PacketType.ZeroRtt, PacketType.Handshake })
            foreach (var prefix in Splits.Prefixes(Long(type, 30)))
                Assert.Equal(HeaderFault.Truncated, PacketHeader.TryRead(prefix, IdBytes, out _));
    }

    [Test]
    public void Refuses_a_short_header_without_a_whole_connection_id()
    {
        foreach (var prefix in Splits.Prefixes(Short(0)[..9]))
            Assert.Equal(HeaderFault.Truncated, PacketHeader.TryRead(prefix, IdBytes, out _));
    }

    [Test]
    public void Refuses_packets_without_the_fixed_bit()
    {
        var initial = Long(PacketType.Initial, 30);
        initial[0] &= 0xbf;
        var oneRtt = Short(30);
        oneRtt[0] &= 0xbf;

        Assert.Equal(HeaderFault.FixedBit, PacketHeader.TryRead(initial, IdBytes, out _));
        Assert.Equal(HeaderFault.FixedBit, PacketHeader.TryRead(oneRtt, IdBytes, out _));
    }

    [Test]
    public void Refuses_connection_ids_of_more_than_20_bytes()
    {
        byte[] packet = [0xc0, 0, 0, 0, 1, 21, .. new byte[21], 0, 0, 1, 0];

        Assert.Equal(HeaderFault.ConnectionIdLength, PacketHeader.TryRead(packet, IdBytes, out _));
    }

    [Test]
    public void Reads_the_ids_of_another_version_so_that_it_can_be_answered()
    {
        byte[] packet = [0x80, 0xfa, 0xce, 0xb0, 0x0c, 255, .. new byte[255], 2, 5, 6, 1, 2, 3];

        Assert.Equal(HeaderFault.Version, PacketHeader.TryRead(packet, IdBytes, out var header));

        Assert.Equal(0xfaceb00cU, header.Version);
        Assert.Equal(255, header.DestinationId.Length);
        Assert.Equal("0506", Convert.ToHexStringLower(header.SourceId));
        foreach (var prefix in Splits.Prefixes(packet[..^3]))
            Assert.Equal(HeaderFault.Truncated, PacketHeader.TryRead(prefix, IdBytes, out _));
    }

    [Test]
    public void Writes_a_Version_Negotiation_that_clients_read()
    {
        var bytes = new byte[64];
        var writer = new WireWriter(bytes);

        PacketWriter.WriteVersionNegotiation(ref writer, 0x15, Destination.ToArray(), Source.ToArray());

        Assert.Equal(HeaderFault.None, PacketHeader.TryRead(writer.Written, IdBytes, out var header));
        Assert.Equal(PacketType.VersionNegotiation, header.Type);
        Assert.True(header.DestinationId.SequenceEqual(Source.ToArray()));
        Assert.True(header.SourceId.SequenceEqual(Destination.ToArray()));
        Assert.True(header.ListsVersion(1));
        Assert.False(header.ListsVersion(2));
        Assert.Equal(
            HeaderFault.Truncated, PacketHeader.TryRead(writer.Written[..^1], IdBytes, out _));
    }

    [Test]
    public void Reads_the_Retry_of_the_RFC()
    {
        var packet = QuicVectors.OfRfc9001("retry");

        Assert.Equal(HeaderFault.None, PacketHeader.TryRead(packet, IdBytes, out var header));

        Assert.Equal(PacketType.Retry, header.Type);
        Assert.Equal("token"u8.ToArray(), header.Token.ToArray());
        Assert.Equal(HeaderFault.Truncated, PacketHeader.TryRead(packet.AsSpan(0, 30), IdBytes, out _));
    }

    [Test]
    public void No_bytes_make_the_reader_fail() => Property.Check(
        prng =>
        {
            byte[][] good =
            [
                Long(PacketType.Initial, 40), Long(PacketType.Handshake, 20), Short(20), QuicVectors.OfRfc9001("retry"),
            ];
            ReadOnlySpan<byte> rest = Mutation.OfBytes(prng, prng.Pick<byte[]>(good), good);
            while (PacketHeader.TryRead(rest, IdBytes, out var header) == HeaderFault.None)
            {
                Assert.InRange(header.PacketLength, 1, rest.Length);
                Assert.InRange(header.NumberOffset, 0, header.PacketLength);
                rest = rest[header.PacketLength..];
            }
        },
        runs: 2000);

    [Test]
    public void Connection_ids_are_equal_by_their_bytes()
    {
        Assert.Equal(new ConnectionId([1, 2]), new ConnectionId([1, 2]));
        Assert.NotEqual(new ConnectionId([1, 2]), new ConnectionId([1, 2, 0]));
        Assert.Equal(20, ConnectionId.NewRandom(new SeededEntropy(1), 20).Length);
        Assert.Equal("0102", new ConnectionId([1, 2]).ToString());
        Assert.Throws<ArgumentOutOfRangeException>(() => new ConnectionId(new byte[21]));
    }

    private static byte[] Long(PacketType type, int payload)
    {
        var bytes = new byte[PacketWriter.LongHeaderMax + 8 + payload];
        var writer = new WireWriter(bytes);
        var lengthAt = PacketWriter.WriteLong(ref writer, type, Destination, Source, "tok"u8, 7, 2);
        writer.Take(payload);
        PacketWriter.WriteLength(bytes.AsSpan(lengthAt), 2 + payload);
        return writer.Written.ToArray();
    }

    private static byte[] Short(int payload)
    {
        var bytes = new byte[1 + IdBytes + 2 + payload];
        var writer = new WireWriter(bytes);
        PacketWriter.WriteShort(ref writer, Destination, spin: false, keyPhase: true, 7, 2);
        writer.Take(payload);
        return bytes;
    }
}
