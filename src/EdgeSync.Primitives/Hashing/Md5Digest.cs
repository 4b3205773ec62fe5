using System.Buffers.Binary;

namespace EdgeSync.Primitives;

/// <summary>An MD5 (RFC 1321): the Z and R cards of a manifest, the trailer of a clone's messages.</summary>
public readonly record struct Md5Digest
{
    private readonly ulong _w0;
    private readonly ulong _w1;

    private Md5Digest(ulong w0, ulong w1) => (_w0, _w1) = (w0, w1);

    /// <summary>Hex digits of every digest.</summary>
    public const int HexLength = 32;

    /// <summary>Takes 16 raw bytes.</summary>
    public static Md5Digest FromHash(ReadOnlySpan<byte> hash) =>
        new(BinaryPrimitives.ReadUInt64BigEndian(hash), BinaryPrimitives.ReadUInt64BigEndian(hash[8..]));

    /// <summary>Exactly 32 lower-case hex digits.</summary>
    public static bool TryParse(ReadOnlySpan<byte> hex, out Md5Digest digest)
    {
        digest = default;
        Span<byte> hash = stackalloc byte[16];
        if (hex.Length != HexLength || !LowerHex.TryDecode(hex, hash)) return false;

        digest = FromHash(hash);
        return true;
    }

    /// <summary>Writes the 32 lower-case hex digits.</summary>
    public void WriteHex(Span<byte> target)
    {
        Span<byte> hash = stackalloc byte[16];
        BinaryPrimitives.WriteUInt64BigEndian(hash, _w0);
        BinaryPrimitives.WriteUInt64BigEndian(hash[8..], _w1);
        LowerHex.Encode(hash, target);
    }

    /// <summary>The 32 lower-case hex digits.</summary>
    public override string ToString() => $"{_w0:x16}{_w1:x16}";
}
