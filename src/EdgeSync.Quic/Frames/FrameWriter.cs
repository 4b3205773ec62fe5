using System.Buffers.Binary;
using EdgeSync.Quic.Packets;

namespace EdgeSync.Quic.Frames;

/// <summary>
/// Writes frames. Callers check that a frame fits, by <c>SizeOf…</c>. Spec: as <see cref="FrameReader"/>.
/// </summary>
internal static class FrameWriter
{
    /// <summary>Frames of a type and at most three integers.</summary>
    public const int SmallMax = 4 + (3 * 8);

    public const int PathFrameSize = 9;

    /// <summary>Bytes of the largest ADD_ADDRESS, REACH_OUT or OBSERVED_ADDRESS.</summary>
    public const int AddressMax = 4 + 8 + 16 + 2;

    public static void WriteType(ref WireWriter writer, ulong type) => writer.WriteVarInt(type);

    /// <summary>MAX_DATA, DATA_BLOCKED, MAX_STREAMS, STREAMS_BLOCKED, RETIRE_CONNECTION_ID.</summary>
    public static void WriteValue(ref WireWriter writer, ulong type, ulong value)
    {
        writer.WriteVarInt(type);
        writer.WriteVarInt(value);
    }

    /// <summary>MAX_STREAM_DATA, STREAM_DATA_BLOCKED, STOP_SENDING.</summary>
    public static void WriteStreamValue(ref WireWriter writer, ulong type, ulong streamId, ulong value)
    {
        WriteValue(ref writer, type, streamId);
        writer.WriteVarInt(value);
    }

    public static void WriteResetStream(ref WireWriter writer, ulong streamId, ulong errorCode, ulong finalSize)
    {
        WriteStreamValue(ref writer, FrameType.ResetStream, streamId, errorCode);
        writer.WriteVarInt(finalSize);
    }

    /// <summary>Bytes of a CRYPTO frame without its data.</summary>
    public static int SizeOfCrypto(ulong offset, int length) =>
        1 + VarInt.SizeOf(offset) + VarInt.SizeOf((ulong)length);

    /// <summary>A CRYPTO frame up to its data.</summary>
    public static void WriteCrypto(ref WireWriter writer, ulong offset, int length)
    {
        WriteValue(ref writer, FrameType.Crypto, offset);
        writer.WriteVarInt((ulong)length);
    }

    /// <summary>Bytes of a STREAM frame without its data.</summary>
    public static int SizeOfStream(ulong streamId, ulong offset, int length) =>
        1 + VarInt.SizeOf(streamId) + (offset == 0 ? 0 : VarInt.SizeOf(offset)) + VarInt.SizeOf((ulong)length);

    /// <summary>A STREAM frame up to its data; it always states its length.</summary>
    public static void WriteStream(ref WireWriter writer, ulong streamId, ulong offset, int length, bool fin)
    {
        writer.WriteByte((byte)(
            FrameType.Stream | FrameType.StreamLengthBit | (offset == 0 ? 0 : FrameType.StreamOffsetBit)
                | (fin ? FrameType.StreamFinBit : 0)));
        writer.WriteVarInt(streamId);
        if (offset != 0) writer.WriteVarInt(offset);
        writer.WriteVarInt((ulong)length);
    }

    public static int SizeOfNewConnectionId(ulong sequence, ulong retirePriorTo, in ConnectionId id) =>
        1 + VarInt.SizeOf(sequence) + VarInt.SizeOf(retirePriorTo) + 1 + id.Length + 16;

    public static void WriteNewConnectionId(
        ref WireWriter writer, ulong sequence, ulong retirePriorTo, in ConnectionId id,
        scoped ReadOnlySpan<byte> resetToken)
    {
        WriteValue(ref writer, FrameType.NewConnectionId, sequence);
        writer.WriteVarInt(retirePriorTo);
        writer.WriteByte((byte)id.Length);
        id.CopyTo(writer.Take(id.Length));
        writer.WriteBytes(resetToken);
    }

    public static int SizeOfPathNewConnectionId(uint pathId, ulong sequence, in ConnectionId id) =>
        1 + VarInt.SizeOf(pathId) + SizeOfNewConnectionId(sequence, 0, id);

    /// <summary>PATH_NEW_CONNECTION_ID that retires nothing.</summary>
    public static void WritePathNewConnectionId(
        ref WireWriter writer, uint pathId, ulong sequence, in ConnectionId id, scoped ReadOnlySpan<byte> resetToken)
    {
        WriteStreamValue(ref writer, FrameType.PathNewConnectionId, pathId, sequence);
        writer.WriteVarInt(0);
        writer.WriteByte((byte)id.Length);
        id.CopyTo(writer.Take(id.Length));
        writer.WriteBytes(resetToken);
    }

    /// <summary>PATH_ABANDON, PATH_STATUS_*, PATH_RETIRE_CONNECTION_ID, PATH_CIDS_BLOCKED.</summary>
    public static void WritePathValue(ref WireWriter writer, ulong type, uint pathId, ulong value) =>
        WriteStreamValue(ref writer, type, pathId, value);

    /// <summary>ADD_ADDRESS, REACH_OUT or OBSERVED_ADDRESS, by the family of the address.</summary>
    /// <param name="typeV4">The type for IPv4; that for IPv6 is one more.</param>
    /// <param name="value">The sequence number, or the round.</param>
    public static void WriteAddress(ref WireWriter writer, ulong typeV4, ulong value, in UdpAddress address)
    {
        WriteValue(ref writer, address.IsIPv4 ? typeV4 : typeV4 + 1, value);
        if (address.IsIPv4) writer.WriteUInt32((uint)address.Bits);
        else BinaryPrimitives.WriteUInt128BigEndian(writer.Take(16), address.Bits);
        writer.WriteUInt16(address.Port);
    }

    /// <summary>PATH_CHALLENGE, PATH_RESPONSE.</summary>
    public static void WritePath(ref WireWriter writer, ulong type, scoped ReadOnlySpan<byte> data)
    {
        writer.WriteVarInt(type);
        writer.WriteBytes(data);
    }

    /// <summary>Writes a close whose reason is cut to what fits.</summary>
    /// <param name="type">CONNECTION_CLOSE, or APPLICATION_CLOSE, which blames no frame type.</param>
    public static void WriteClose(
        ref WireWriter writer, ulong type, ulong errorCode, ulong frameType, scoped ReadOnlySpan<byte> reason)
    {
        WriteValue(ref writer, type, errorCode);
        if (type == FrameType.ConnectionClose) writer.WriteVarInt(frameType);
        var room = Math.Max(0, writer.Remaining - 2);
        writer.WriteCounted(reason[..Math.Min(reason.Length, room)]);
    }

    /// <summary>Bytes of a DATAGRAM frame, its data included.</summary>
    public static int SizeOfDatagram(int length) => 1 + VarInt.SizeOf((ulong)length) + length;

    public static void WriteDatagram(ref WireWriter writer, scoped ReadOnlySpan<byte> data)
    {
        writer.WriteVarInt(FrameType.DatagramWithLength);
        writer.WriteCounted(data);
    }

    /// <summary>Writes an ACK frame with as many ranges as fit, the newest first.</summary>
    /// <param name="ranges">Ascending, with both ends in the range; not empty.</param>
    /// <param name="delay">Scaled by our ack_delay_exponent.</param>
    /// <param name="ecn">Counts of the packets received with marks, or null.</param>
    /// <param name="pathId">The path of a PATH_ACK; null for ACK.</param>
    /// <returns>False when not even the newest range fits; then nothing was written.</returns>
    public static bool TryWriteAck(
        ref WireWriter writer, ReadOnlySpan<NumberRange> ranges, ulong delay, EcnCounts? ecn, uint? pathId = null)
    {
        var newest = ranges[^1];
        var tail = ecn is { } e ? VarInt.SizeOf(e.Ect0) + VarInt.SizeOf(e.Ect1) + VarInt.SizeOf(e.Ce) : 0;
        // The count of further ranges takes two bytes at most: fewer than 2^14 are kept.
        var room = writer.Remaining - tail - 1 - (pathId is { } id ? VarInt.SizeOf(id) : 0)
            - VarInt.SizeOf(newest.End) - VarInt.SizeOf(delay) - 2 - VarInt.SizeOf(newest.End - newest.Start);
        if (room < 0) return false;

        var count = 0;
        for (var i = ranges.Length - 2; i >= 0; i--, count++)
        {
            room -= VarInt.SizeOf(ranges[i + 1].Start - ranges[i].End - 2)
                + VarInt.SizeOf(ranges[i].End - ranges[i].Start);
            if (room < 0) break;
        }

        if (pathId is { } path)
            WriteValue(ref writer, ecn is null ? FrameType.PathAck : FrameType.PathAckEcn, path);
        else
            writer.WriteVarInt(ecn is null ? FrameType.Ack : FrameType.AckEcn);
        writer.WriteVarInt(newest.End);
        writer.WriteVarInt(delay);
        writer.WriteVarInt((ulong)count);
        writer.WriteVarInt(newest.End - newest.Start);
        for (var i = ranges.Length - 2; count > 0; i--, count--)
        {
            writer.WriteVarInt(ranges[i + 1].Start - ranges[i].End - 2);
            writer.WriteVarInt(ranges[i].End - ranges[i].Start);
        }

        if (ecn is { } counts)
        {
            writer.WriteVarInt(counts.Ect0);
            writer.WriteVarInt(counts.Ect1);
            writer.WriteVarInt(counts.Ce);
        }

        return true;
    }
}

/// <summary>Packet numbers from <paramref name="Start"/> to <paramref name="End"/>, both included.</summary>
internal readonly record struct NumberRange(ulong Start, ulong End);

/// <summary>How many packets came with each ECN mark (RFC 9000 §13.4).</summary>
internal readonly record struct EcnCounts(ulong Ect0, ulong Ect1, ulong Ce);
