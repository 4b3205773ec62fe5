using System.Buffers.Binary;

namespace EdgeSync.Nats.Broker.Routing;

/// <summary>
/// Compares keys made of bytes, and finds them by a span. The seed keeps a client from choosing keys that collide.
/// </summary>
internal sealed class TokenComparer(ulong seed)
    : IEqualityComparer<byte[]>, IAlternateEqualityComparer<ReadOnlySpan<byte>, byte[]>
{
    private const ulong Multiplier = 0x9e37_79b9_7f4a_7c15;

    public bool Equals(byte[]? x, byte[]? y) => x.AsSpan().SequenceEqual(y);

    public bool Equals(ReadOnlySpan<byte> alternate, byte[] other) => alternate.SequenceEqual(other);

    public int GetHashCode(byte[] obj) => Hash(obj);

    public int GetHashCode(ReadOnlySpan<byte> alternate) => Hash(alternate);

    public byte[] Create(ReadOnlySpan<byte> alternate) => alternate.ToArray();

    /// <summary>
    /// Eight bytes a step, each folded by a full multiplication; the length is in the seed of the last step.
    /// </summary>
    private int Hash(ReadOnlySpan<byte> bytes)
    {
        var state = seed ^ ((ulong)bytes.Length * Multiplier);
        while (bytes.Length >= 8)
        {
            state = Fold(state ^ BinaryPrimitives.ReadUInt64LittleEndian(bytes));
            bytes = bytes[8..];
        }

        var rest = 0UL;
        for (var i = 0; i < bytes.Length; i++) rest |= (ulong)bytes[i] << (8 * i);
        state = Fold(state ^ rest);
        return (int)(state ^ (state >> 32));
    }

    private ulong Fold(ulong value)
    {
        var high = Math.BigMul(value ^ seed, Multiplier, out var low);
        return high ^ low;
    }
}
