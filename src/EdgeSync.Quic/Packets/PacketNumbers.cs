namespace EdgeSync.Quic.Packets;

/// <summary>Packet numbers are sent with their lowest 1 to 4 bytes. Spec: RFC 9000 §17.1, A.2, A.3.</summary>
internal static class PacketNumbers
{
    /// <summary>Bytes to send so that a receiver with <paramref name="largestAcked"/> can decode the number.</summary>
    /// <param name="largestAcked">The largest number that the peer acknowledged, or null.</param>
    public static int SizeOf(ulong number, ulong? largestAcked)
    {
        var unacknowledged = largestAcked is { } acked ? number - acked : number + 1;
        return unacknowledged switch
        {
            < 1UL << 7 => 1,
            < 1UL << 15 => 2,
            < 1UL << 23 => 3,
            _ => 4,
        };
    }

    /// <summary>Writes the lowest bytes of a packet number.</summary>
    public static void Write(Span<byte> target, ulong number, int size)
    {
        for (var i = 0; i < size; i++) target[i] = (byte)(number >> (8 * (size - 1 - i)));
    }

    /// <summary>The truncated number of 1 to 4 bytes.</summary>
    public static uint Read(ReadOnlySpan<byte> source)
    {
        uint truncated = 0;
        foreach (var b in source) truncated = (truncated << 8) | b;
        return truncated;
    }

    /// <summary>The whole number: the one nearest to the number that is expected next.</summary>
    public static ulong Expand(uint truncated, int size, ulong expected)
    {
        var window = 1UL << (8 * size);
        var half = window / 2;
        var candidate = (expected & ~(window - 1)) | truncated;
        if (candidate + half <= expected && candidate < (1UL << 62) - window) return candidate + window;
        return candidate > expected + half && candidate >= window ? candidate - window : candidate;
    }
}
