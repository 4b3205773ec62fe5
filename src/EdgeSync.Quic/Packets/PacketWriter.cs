namespace EdgeSync.Quic.Packets;

/// <summary>Headers of packets, and the packets that carry no frames. Spec: RFC 9000 §17.</summary>
internal static class PacketWriter
{
    /// <summary>Bytes of the length field of a long header: always two, so that it can be written last.</summary>
    public const int LengthBytes = 2;

    /// <summary>Bytes of the longest long header without its token: ids of 20 bytes, number of 4.</summary>
    public const int LongHeaderMax = 1 + 4 + 1 + 20 + 1 + 20 + 8 + LengthBytes + 4;

    /// <summary>Bytes of the longest short header.</summary>
    public const int ShortHeaderMax = 1 + 20 + 4;

    /// <summary>
    /// Writes a long header up to the packet number. The length field is left for <see cref="WriteLength"/>.
    /// </summary>
    /// <returns>Where the length field begins.</returns>
    public static int WriteLong(
        ref WireWriter writer, PacketType type, in ConnectionId destination, in ConnectionId source,
        ReadOnlySpan<byte> token, ulong number, int numberSize)
    {
        writer.WriteByte((byte)(0xc0 | ((int)type << 4) | (numberSize - 1)));
        writer.WriteUInt32(PacketHeader.Version1);
        WriteId(ref writer, destination);
        WriteId(ref writer, source);
        if (type == PacketType.Initial) writer.WriteCounted(token);
        var lengthAt = writer.Position;
        writer.Take(LengthBytes);
        PacketNumbers.Write(writer.Take(numberSize), number, numberSize);
        return lengthAt;
    }

    /// <summary>Writes the length of packet number, payload and tag into a long header.</summary>
    public static void WriteLength(Span<byte> lengthField, int length) =>
        VarInt.Write(lengthField, (ulong)length, LengthBytes);

    public static void WriteShort(
        ref WireWriter writer, in ConnectionId destination, bool spin, bool keyPhase, ulong number, int numberSize)
    {
        writer.WriteByte((byte)(0x40 | (spin ? 0x20 : 0) | (keyPhase ? 0x04 : 0) | (numberSize - 1)));
        destination.CopyTo(writer.Take(destination.Length));
        PacketNumbers.Write(writer.Take(numberSize), number, numberSize);
    }

    /// <summary>
    /// A Version Negotiation packet: the ids of the packet that it answers, exchanged (RFC 9000 §17.2.1).
    /// </summary>
    /// <param name="randomBits">Of the first byte, which receivers ignore.</param>
    public static void WriteVersionNegotiation(
        ref WireWriter writer, byte randomBits, ReadOnlySpan<byte> clientDestination, ReadOnlySpan<byte> clientSource)
    {
        writer.WriteByte((byte)(0xc0 | (randomBits & 0x3f)));
        writer.WriteUInt32(0);
        writer.WriteByte((byte)clientSource.Length);
        writer.WriteBytes(clientSource);
        writer.WriteByte((byte)clientDestination.Length);
        writer.WriteBytes(clientDestination);
        writer.WriteUInt32(PacketHeader.Version1);
        // One reserved version, so that clients keep ignoring unknown ones (RFC 9000 §15).
        writer.WriteUInt32(0x0a1a2a3a);
    }

    /// <summary>A Retry packet up to its integrity tag (RFC 9000 §17.2.5).</summary>
    public static void WriteRetry(
        ref WireWriter writer, in ConnectionId destination, in ConnectionId source, ReadOnlySpan<byte> token)
    {
        writer.WriteByte(0xf0);
        writer.WriteUInt32(PacketHeader.Version1);
        WriteId(ref writer, destination);
        WriteId(ref writer, source);
        writer.WriteBytes(token);
    }

    private static void WriteId(ref WireWriter writer, in ConnectionId id)
    {
        writer.WriteByte((byte)id.Length);
        id.CopyTo(writer.Take(id.Length));
    }
}
