using System.Buffers.Binary;
using EdgeSync.Primitives;

namespace EdgeSync.Quic.Packets;

/// <summary>
/// 0 to 20 opaque bytes that lead a packet to its connection (RFC 9000 §5.1), held by value.
/// </summary>
public readonly record struct ConnectionId
{
    /// <summary>Bytes of the longest connection id of QUIC version 1.</summary>
    public const int MaxLength = 20;

    private readonly ulong _first;
    private readonly ulong _second;
    private readonly uint _third;
    private readonly byte _length;

    /// <param name="bytes">At most <see cref="MaxLength"/>.</param>
    public ConnectionId(ReadOnlySpan<byte> bytes)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(bytes.Length, MaxLength);
        Span<byte> padded = stackalloc byte[MaxLength];
        padded.Clear();
        bytes.CopyTo(padded);
        _first = BinaryPrimitives.ReadUInt64BigEndian(padded);
        _second = BinaryPrimitives.ReadUInt64BigEndian(padded[8..]);
        _third = BinaryPrimitives.ReadUInt32BigEndian(padded[16..]);
        _length = (byte)bytes.Length;
    }

    /// <summary>Bytes.</summary>
    public int Length => _length;

    /// <summary>A random id of the given length in bytes.</summary>
    public static ConnectionId NewRandom(Entropy entropy, int length)
    {
        ArgumentNullException.ThrowIfNull(entropy);
        Span<byte> bytes = stackalloc byte[MaxLength];
        entropy.Fill(bytes[..length]);
        return new ConnectionId(bytes[..length]);
    }

    /// <summary>Writes the id to the begin of <paramref name="target"/>.</summary>
    public void CopyTo(Span<byte> target)
    {
        Span<byte> padded = stackalloc byte[MaxLength];
        BinaryPrimitives.WriteUInt64BigEndian(padded, _first);
        BinaryPrimitives.WriteUInt64BigEndian(padded[8..], _second);
        BinaryPrimitives.WriteUInt32BigEndian(padded[16..], _third);
        padded[.._length].CopyTo(target);
    }

    /// <summary>The id as bytes of its own.</summary>
    public byte[] ToArray()
    {
        var bytes = new byte[_length];
        CopyTo(bytes);
        return bytes;
    }

    /// <summary>Lower-case hex.</summary>
    public override string ToString() => Convert.ToHexStringLower(ToArray());
}
