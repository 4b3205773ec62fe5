using System.Buffers.Binary;

namespace EdgeSync.Quic.Packets;

internal enum PacketType : byte
{
    Initial = 0,
    ZeroRtt = 1,
    Handshake = 2,
    Retry = 3,
    VersionNegotiation,
    OneRtt,
}

/// <summary>Why the begin of a datagram is not a packet.</summary>
internal enum HeaderFault : byte
{
    None,

    /// <summary>The bytes end inside a field, or before the length that the packet states.</summary>
    Truncated,

    /// <summary>The second highest bit is 0 in a packet of version 1 (RFC 9000 §17.2).</summary>
    FixedBit,

    /// <summary>A connection id of more than 20 bytes in a packet of version 1.</summary>
    ConnectionIdLength,

    /// <summary>Another version; only version and connection ids were read (RFC 8999 §5.1).</summary>
    Version,
}

/// <summary>
/// What stands in a packet in the clear, before header protection is removed (RFC 9000 §17):
/// <code>
/// long   1 T T X X X X  version(4)  idlen id  idlen id  [Initial: token]  length  number, payload
/// short  0 1 S R R K P P  id  number, payload
/// </code>
/// Spans point into the datagram.
/// </summary>
internal ref struct PacketHeader
{
    public const uint Version1 = 1;

    /// <summary>Bytes of the tag that ends a Retry packet.</summary>
    public const int RetryTagBytes = 16;

    public PacketType Type { get; private set; }

    public uint Version { get; private set; }

    public byte FirstByte { get; private set; }

    /// <summary>Up to 255 bytes when the version is not ours, otherwise at most 20.</summary>
    public ReadOnlySpan<byte> DestinationId { get; private set; }

    public ReadOnlySpan<byte> SourceId { get; private set; }

    /// <summary>The token of an Initial or Retry packet, or the versions of a Version Negotiation packet.</summary>
    public ReadOnlySpan<byte> Token { get; private set; }

    /// <summary>Where the packet number begins; 0 for packets that have none.</summary>
    public int NumberOffset { get; private set; }

    /// <summary>Bytes of the whole packet; more packets may stand behind it.</summary>
    public int PacketLength { get; private set; }

    /// <summary>Reads the first packet of what is left of a datagram.</summary>
    /// <param name="shortIdLength">Bytes of our own connection ids, which short headers do not state.</param>
    public static HeaderFault TryRead(ReadOnlySpan<byte> datagram, int shortIdLength, out PacketHeader header)
    {
        var read = default(PacketHeader);
        var fault = read.Read(datagram, shortIdLength);
        header = read;
        return fault;
    }

    private HeaderFault Read(ReadOnlySpan<byte> datagram, int shortIdLength)
    {
        if (datagram.IsEmpty) return HeaderFault.Truncated;

        FirstByte = datagram[0];
        return (FirstByte & 0x80) == 0 ? ReadShort(datagram, shortIdLength) : ReadLong(datagram);
    }

    private HeaderFault ReadShort(ReadOnlySpan<byte> datagram, int shortIdLength)
    {
        Type = PacketType.OneRtt;
        Version = Version1;
        if ((FirstByte & 0x40) == 0) return HeaderFault.FixedBit;
        if (datagram.Length < 1 + shortIdLength) return HeaderFault.Truncated;

        DestinationId = datagram.Slice(1, shortIdLength);
        NumberOffset = 1 + shortIdLength;
        PacketLength = datagram.Length;
        return HeaderFault.None;
    }

    private HeaderFault ReadLong(ReadOnlySpan<byte> datagram)
    {
        var reader = new WireReader(datagram);
        reader.TryReadByte(out _);
        if (!reader.TryReadUInt32(out var version)
            || !reader.TryReadByte(out var length) || !reader.TryReadBytes(length, out var destination)
            || !reader.TryReadByte(out length) || !reader.TryReadBytes(length, out var source))
            return HeaderFault.Truncated;

        Version = version;
        DestinationId = destination;
        SourceId = source;
        PacketLength = datagram.Length;
        if (version == 0)
        {
            Type = PacketType.VersionNegotiation;
            Token = reader.Rest;
            return reader.Remaining is > 0 and var bytes && bytes % 4 == 0 ? HeaderFault.None : HeaderFault.Truncated;
        }

        if (version != Version1) return HeaderFault.Version;
        if ((FirstByte & 0x40) == 0) return HeaderFault.FixedBit;
        if (destination.Length > ConnectionId.MaxLength || source.Length > ConnectionId.MaxLength)
            return HeaderFault.ConnectionIdLength;

        Type = (PacketType)((FirstByte >> 4) & 3);
        return Type == PacketType.Retry
            ? ReadRetry(reader.Rest)
            : ReadNumbered(datagram, reader.Position);
    }

    private HeaderFault ReadRetry(ReadOnlySpan<byte> rest)
    {
        // An empty token is for the client to refuse: it drops the packet (RFC 9000 §17.2.5.2).
        if (rest.Length < RetryTagBytes) return HeaderFault.Truncated;
        Token = rest[..^RetryTagBytes];
        return HeaderFault.None;
    }

    private HeaderFault ReadNumbered(ReadOnlySpan<byte> datagram, int offset)
    {
        var reader = new WireReader(datagram[offset..]);
        if (Type == PacketType.Initial)
        {
            if (!reader.TryReadCounted(out var token)) return HeaderFault.Truncated;
            Token = token;
        }

        if (!reader.TryReadVarInt(out var length) || length > (ulong)reader.Remaining) return HeaderFault.Truncated;
        NumberOffset = offset + reader.Position;
        PacketLength = NumberOffset + (int)length;
        return HeaderFault.None;
    }

    /// <summary>Whether a Version Negotiation packet lists a version.</summary>
    public readonly bool ListsVersion(uint version)
    {
        for (var at = 0; at < Token.Length; at += 4)
            if (BinaryPrimitives.ReadUInt32BigEndian(Token[at..]) == version) return true;
        return false;
    }
}
