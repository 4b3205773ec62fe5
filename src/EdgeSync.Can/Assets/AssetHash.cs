using System.Buffers.Binary;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using EdgeSync.Primitives;

namespace EdgeSync.Can.Assets;

/// <summary>
/// The identity of an asset on all machines: <c>SHA-256(timestamp in decimal ‖ content)</c>, written as 64 digits of
/// lower-case hex. Equal content at two instants is two assets. Ordered as its bytes are.
/// </summary>
public readonly struct AssetHash : IEquatable<AssetHash>, IComparable<AssetHash>
{
    /// <summary>Bytes of a hash.</summary>
    public const int Size = 32;

    /// <summary>Digits of its text.</summary>
    public const int TextLength = 2 * Size;

    private readonly ulong _a, _b, _c, _d;

    /// <param name="bytes">32 bytes.</param>
    public AssetHash(ReadOnlySpan<byte> bytes)
    {
        Invariant.Require(bytes.Length == Size);
        _a = BinaryPrimitives.ReadUInt64BigEndian(bytes);
        _b = BinaryPrimitives.ReadUInt64BigEndian(bytes[8..]);
        _c = BinaryPrimitives.ReadUInt64BigEndian(bytes[16..]);
        _d = BinaryPrimitives.ReadUInt64BigEndian(bytes[24..]);
    }

    /// <summary>The hash of a whole asset in memory.</summary>
    /// <param name="timestampMs">Unix milliseconds.</param>
    /// <param name="content">Its bytes.</param>
    public static AssetHash Of(long timestampMs, ReadOnlySpan<byte> content)
    {
        using var hasher = new AssetHasher(timestampMs);
        hasher.Append(content);
        return hasher.Finish();
    }

    /// <summary>From exactly 64 digits of lower-case hex.</summary>
    public static bool TryParse(ReadOnlySpan<byte> text, out AssetHash hash)
    {
        hash = default;
        Span<byte> bytes = stackalloc byte[Size];
        if (text.Length != TextLength || !LowerHex.TryDecode(text, bytes)) return false;

        hash = new AssetHash(bytes);
        return true;
    }

    /// <summary>From exactly 64 digits of lower-case hex.</summary>
    public static bool TryParse(ReadOnlySpan<char> text, out AssetHash hash)
    {
        hash = default;
        Span<byte> ascii = stackalloc byte[TextLength];
        return text.Length == TextLength && Ascii.FromUtf16(text, ascii, out _) == System.Buffers.OperationStatus.Done
            && TryParse(ascii, out hash);
    }

    /// <summary>Writes the 32 bytes.</summary>
    public void CopyTo(Span<byte> target)
    {
        BinaryPrimitives.WriteUInt64BigEndian(target, _a);
        BinaryPrimitives.WriteUInt64BigEndian(target[8..], _b);
        BinaryPrimitives.WriteUInt64BigEndian(target[16..], _c);
        BinaryPrimitives.WriteUInt64BigEndian(target[24..], _d);
    }

    public int CompareTo(AssetHash other) =>
        _a != other._a ? _a.CompareTo(other._a)
            : _b != other._b ? _b.CompareTo(other._b)
            : _c != other._c ? _c.CompareTo(other._c) : _d.CompareTo(other._d);

    public bool Equals(AssetHash other) => _a == other._a && _b == other._b && _c == other._c && _d == other._d;

    public override bool Equals(object? obj) => obj is AssetHash other && Equals(other);

    public override int GetHashCode() => _a.GetHashCode();

    public override string ToString() => string.Create(TextLength, this, static (text, hash) =>
    {
        Span<byte> bytes = stackalloc byte[Size];
        Span<byte> digits = stackalloc byte[TextLength];
        hash.CopyTo(bytes);
        LowerHex.Encode(bytes, digits);
        Encoding.ASCII.GetChars(digits, text);
    });

    public static bool operator ==(AssetHash left, AssetHash right) => left.Equals(right);

    public static bool operator !=(AssetHash left, AssetHash right) => !left.Equals(right);

    public static bool operator <(AssetHash left, AssetHash right) => left.CompareTo(right) < 0;

    public static bool operator >(AssetHash left, AssetHash right) => left.CompareTo(right) > 0;

    public static bool operator <=(AssetHash left, AssetHash right) => left.CompareTo(right) <= 0;

    public static bool operator >=(AssetHash left, AssetHash right) => left.CompareTo(right) >= 0;
}

/// <summary>Hashes an asset that arrives in pieces.</summary>
public sealed class AssetHasher : IDisposable
{
    private readonly IncrementalHash _hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);

    /// <param name="timestampMs">Unix milliseconds of the asset; the first part of what is hashed.</param>
    public AssetHasher(long timestampMs)
    {
        Span<byte> digits = stackalloc byte[20];
        timestampMs.TryFormat(digits, out var length, provider: CultureInfo.InvariantCulture);
        _hash.AppendData(digits[..length]);
    }

    public void Append(ReadOnlySpan<byte> content) => _hash.AppendData(content);

    /// <summary>The hash of all that was appended.</summary>
    public AssetHash Finish()
    {
        Span<byte> bytes = stackalloc byte[AssetHash.Size];
        _hash.GetHashAndReset(bytes);
        return new AssetHash(bytes);
    }

    public void Dispose() => _hash.Dispose();
}
