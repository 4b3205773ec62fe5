using EdgeSync.Quic.Packets;

namespace EdgeSync.Quic.Protection;

/// <summary>Masks the packet number and the low bits of the first byte. Spec: RFC 9001 §5.4.</summary>
internal static class HeaderProtection
{
    /// <summary>Bytes behind the begin of the number that a packet must have: number of four, and a sample.</summary>
    public const int ProtectedBytesMin = 4 + HeaderMask.SampleBytes;

    /// <summary>Masks a sealed packet.</summary>
    public static void Apply(HeaderMask keys, Span<byte> packet, int numberOffset, int numberSize)
    {
        Span<byte> mask = stackalloc byte[HeaderMask.SampleBytes];
        keys.Compute(packet[(numberOffset + 4)..], mask);
        packet[0] ^= (byte)(mask[0] & LowBits(packet[0]));
        for (var i = 0; i < numberSize; i++) packet[numberOffset + i] ^= mask[1 + i];
    }

    /// <summary>Unmasks; false for a packet that is too short to be sampled.</summary>
    /// <param name="packet">One packet, without those that follow in the datagram.</param>
    public static bool TryRemove(
        HeaderMask keys, Span<byte> packet, int numberOffset, out uint truncatedNumber, out int numberSize)
    {
        (truncatedNumber, numberSize) = (0, 0);
        if (packet.Length < numberOffset + ProtectedBytesMin) return false;

        Span<byte> mask = stackalloc byte[HeaderMask.SampleBytes];
        keys.Compute(packet[(numberOffset + 4)..], mask);
        packet[0] ^= (byte)(mask[0] & LowBits(packet[0]));
        numberSize = (packet[0] & 3) + 1;
        for (var i = 0; i < numberSize; i++) packet[numberOffset + i] ^= mask[1 + i];
        truncatedNumber = PacketNumbers.Read(packet.Slice(numberOffset, numberSize));
        return true;
    }

    private static int LowBits(byte first) => (first & 0x80) != 0 ? 0x0f : 0x1f;
}
