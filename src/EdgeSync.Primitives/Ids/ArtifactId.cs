using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;
using System.Runtime.InteropServices;

namespace EdgeSync.Primitives;

/// <summary>Which function named an artifact; the length of a name decides it.</summary>
public enum HashKind : byte
{
    /// <summary>No name: the default value of <see cref="ArtifactId"/>.</summary>
    None = 0,

    /// <summary>SHA1: 20 bytes, 40 hex digits.</summary>
    Sha1 = 20,

    /// <summary>SHA3-256: 32 bytes, 64 hex digits.</summary>
    Sha3 = 32,
}

/// <summary>
/// The name of an artifact: the hash of its bytes, 40 (SHA1) or 64 (SHA3-256) lower-case hex digits on the wire and in
/// the repository. Kept as bytes, so that comparing and hashing never touches text. Order is that of the hex text.
/// </summary>
[StructLayout(LayoutKind.Sequential)]
public readonly struct ArtifactId : IEquatable<ArtifactId>, IComparable<ArtifactId>
{
    // Big-endian words, so that comparing words in turn compares hex text. Unused words are zero.
    private readonly ulong _w0;
    private readonly ulong _w1;
    private readonly ulong _w2;
    private readonly ulong _w3;
    private readonly HashKind _kind;

    private ArtifactId(ReadOnlySpan<byte> hash)
    {
        _w0 = BinaryPrimitives.ReadUInt64BigEndian(hash);
        _w1 = BinaryPrimitives.ReadUInt64BigEndian(hash[8..]);
        if (hash.Length == 20)
        {
            _w2 = (ulong)BinaryPrimitives.ReadUInt32BigEndian(hash[16..]) << 32;
            _kind = HashKind.Sha1;
        }
        else
        {
            _w2 = BinaryPrimitives.ReadUInt64BigEndian(hash[16..]);
            _w3 = BinaryPrimitives.ReadUInt64BigEndian(hash[24..]);
            _kind = HashKind.Sha3;
        }
    }

    /// <summary>
    /// Longest name in hex digits; a buffer of this size always suffices for <see cref="TryWriteHex"/>.
    /// </summary>
    public const int HexLengthMax = 64;

    public HashKind Kind => _kind;

    /// <summary>True for the default value, which names nothing.</summary>
    public bool IsEmpty => _kind == HashKind.None;

    /// <summary>40, 64, or 0 for the empty value.</summary>
    public int HexLength => (int)_kind * 2;

    /// <summary>Takes 20 or 32 raw bytes of hash.</summary>
    /// <exception cref="ArgumentException">Any other length.</exception>
    public static ArtifactId FromHash(ReadOnlySpan<byte> hash) => hash.Length is 20 or 32
        ? new ArtifactId(hash)
        : throw new ArgumentException($"A hash has 20 or 32 bytes, not {hash.Length}.", nameof(hash));

    /// <summary>Exactly 40 or 64 lower-case hex digits; anything else is rejected, also upper case.</summary>
    public static bool TryParse(ReadOnlySpan<byte> hex, out ArtifactId id)
    {
        id = default;
        if (hex.Length is not (40 or 64)) return false;

        Span<byte> hash = stackalloc byte[32];
        hash = hash[..(hex.Length / 2)];
        if (!LowerHex.TryDecode(hex, hash)) return false;

        id = new ArtifactId(hash);
        return true;
    }

    /// <inheritdoc cref="TryParse(ReadOnlySpan{byte}, out ArtifactId)"/>
    public static bool TryParse([NotNullWhen(true)] string? hex, out ArtifactId id)
    {
        id = default;
        if (hex is null || hex.Length is not (40 or 64)) return false;

        Span<byte> ascii = stackalloc byte[64];
        for (var i = 0; i < hex.Length; i++)
        {
            if (hex[i] > 0x7f) return false;
            ascii[i] = (byte)hex[i];
        }

        return TryParse(ascii[..hex.Length], out id);
    }

    /// <exception cref="FormatException">Not 40 or 64 lower-case hex digits.</exception>
    public static ArtifactId Parse(string hex) => TryParse(hex, out var id)
        ? id
        : throw new FormatException($"'{hex}' is not an artifact name: 40 or 64 lower-case hex digits.");

    /// <summary>Writes the raw hash; returns the number of bytes (20, 32, or 0 for the empty value).</summary>
    public int WriteHash(Span<byte> target)
    {
        if (_kind == HashKind.None) return 0;

        BinaryPrimitives.WriteUInt64BigEndian(target, _w0);
        BinaryPrimitives.WriteUInt64BigEndian(target[8..], _w1);
        if (_kind == HashKind.Sha1)
        {
            BinaryPrimitives.WriteUInt32BigEndian(target[16..], (uint)(_w2 >> 32));
            return 20;
        }

        BinaryPrimitives.WriteUInt64BigEndian(target[16..], _w2);
        BinaryPrimitives.WriteUInt64BigEndian(target[24..], _w3);
        return 32;
    }

    /// <summary>Writes the lower-case hex name; <paramref name="written"/> is <see cref="HexLength"/>.</summary>
    public bool TryWriteHex(Span<byte> target, out int written)
    {
        written = 0;
        if (target.Length < HexLength) return false;

        Span<byte> hash = stackalloc byte[32];
        var size = WriteHash(hash);
        LowerHex.Encode(hash[..size], target);
        written = size * 2;
        return true;
    }

    /// <summary>The whole name in lower-case hex.</summary>
    public override string ToString()
    {
        Span<byte> hash = stackalloc byte[32];
        var size = WriteHash(hash);
        return Convert.ToHexStringLower(hash[..size]);
    }

    /// <summary>The first ten digits, for display.</summary>
    public string ToShortString() => IsEmpty ? "" : ToString()[..10];

    public bool Equals(ArtifactId other) =>
        _w0 == other._w0 && _w1 == other._w1 && _w2 == other._w2 && _w3 == other._w3 && _kind == other._kind;

    public override bool Equals(object? obj) => obj is ArtifactId other && Equals(other);

    // A hash is already well mixed; forcing collisions here means searching for SHA3 prefixes.
    public override int GetHashCode() => (int)(_w0 ^ (_w0 >> 32) ^ _w1);

    public int CompareTo(ArtifactId other)
    {
        if (_w0 != other._w0) return _w0 < other._w0 ? -1 : 1;
        if (_w1 != other._w1) return _w1 < other._w1 ? -1 : 1;
        if (_w2 != other._w2) return _w2 < other._w2 ? -1 : 1;
        if (_w3 != other._w3) return _w3 < other._w3 ? -1 : 1;
        return _kind.CompareTo(other._kind);
    }

    public static bool operator ==(ArtifactId left, ArtifactId right) => left.Equals(right);

    public static bool operator !=(ArtifactId left, ArtifactId right) => !left.Equals(right);

    public static bool operator <(ArtifactId left, ArtifactId right) => left.CompareTo(right) < 0;

    public static bool operator >(ArtifactId left, ArtifactId right) => left.CompareTo(right) > 0;

    public static bool operator <=(ArtifactId left, ArtifactId right) => left.CompareTo(right) <= 0;

    public static bool operator >=(ArtifactId left, ArtifactId right) => left.CompareTo(right) >= 0;
}
