using System.Buffers;
using System.Buffers.Binary;
using EdgeSync.Primitives;
using EdgeSync.Quic.Tls;

namespace EdgeSync.Iroh.Endpoints;

/// <summary>
/// The identity of an endpoint: its Ed25519 public key, held by value. As text 64 lower-case hex digits.
/// </summary>
public readonly record struct EndpointId : IComparable<EndpointId>
{
    public const int Bytes = 32;

    private const int HexDigits = 2 * Bytes;
    private const int Base32Digits = 52;
    private const int ShortDigits = 10;

    private static readonly SearchValues<char> LowerHexDigits = SearchValues.Create("0123456789abcdef");

    private readonly ulong _first;
    private readonly ulong _second;
    private readonly ulong _third;
    private readonly ulong _fourth;

    /// <summary>
    /// From bytes that are not checked: an id that only selects a known peer needs no arithmetic (a relay's datagrams).
    /// </summary>
    /// <param name="bytes">32.</param>
    public EndpointId(ReadOnlySpan<byte> bytes)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(bytes.Length, Bytes);
        _first = BinaryPrimitives.ReadUInt64BigEndian(bytes);
        _second = BinaryPrimitives.ReadUInt64BigEndian(bytes[8..]);
        _third = BinaryPrimitives.ReadUInt64BigEndian(bytes[16..]);
        _fourth = BinaryPrimitives.ReadUInt64BigEndian(bytes[24..]);
    }

    /// <summary>False unless the bytes are a public key.</summary>
    public static bool TryRead(ReadOnlySpan<byte> bytes, out EndpointId id)
    {
        id = default;
        if (!Ed25519Key.IsPoint(bytes)) return false;

        id = new EndpointId(bytes);
        return true;
    }

    /// <summary>
    /// From 64 lower-case hex digits, or 52 characters of base32 in either case, of a public key.
    /// </summary>
    // Spec: upper-case hex, z-base-32 and base32hex are not ids for an iroh endpoint either.
    public static bool TryParse(ReadOnlySpan<char> text, out EndpointId id)
    {
        id = default;
        return TryParseBytes(text, out var bytes) && TryRead(bytes, out id);
    }

    /// <summary>From the name of a pkarr packet: 52 characters of z-base-32.</summary>
    public static bool TryParseZ32(ReadOnlySpan<char> text, out EndpointId id)
    {
        id = default;
        return text.Length == Base32Digits && Base32Coding.Z.TryDecode(text, out var bytes) && TryRead(bytes, out id);
    }

    /// <summary>32 bytes in one of the two text forms of ids and secret keys.</summary>
    internal static bool TryParseBytes(ReadOnlySpan<char> text, out byte[] bytes)
    {
        bytes = [];
        if (text.Length == HexDigits)
        {
            if (text.ContainsAnyExcept(LowerHexDigits)) return false;

            bytes = Convert.FromHexString(text);
            return true;
        }

        if (text.Length != Base32Digits) return false;

        Span<char> lower = stackalloc char[Base32Digits];
        text.ToLowerInvariant(lower);
        if (!Base32Coding.Rfc4648.TryDecode(lower, out var decoded)) return false;

        bytes = decoded;
        return true;
    }

    public void CopyTo(Span<byte> target)
    {
        BinaryPrimitives.WriteUInt64BigEndian(target, _first);
        BinaryPrimitives.WriteUInt64BigEndian(target[8..], _second);
        BinaryPrimitives.WriteUInt64BigEndian(target[16..], _third);
        BinaryPrimitives.WriteUInt64BigEndian(target[24..], _fourth);
    }

    public byte[] ToArray()
    {
        var bytes = new byte[Bytes];
        CopyTo(bytes);
        return bytes;
    }

    /// <summary>64 lower-case hex digits.</summary>
    public override string ToString() => Convert.ToHexStringLower(ToArray());

    /// <summary>The first ten hex digits, for logs.</summary>
    public string ToShortString() => ToString()[..ShortDigits];

    /// <summary>52 characters of base32 in lower case.</summary>
    public string ToBase32() => Base32Coding.Rfc4648.Encode(ToArray());

    /// <summary>52 characters of z-base-32, the id's name in pkarr and DNS.</summary>
    public string ToZ32() => Base32Coding.Z.Encode(ToArray());

    /// <summary>By bytes, as texts compare too.</summary>
    public int CompareTo(EndpointId other)
    {
        var order = _first.CompareTo(other._first);
        if (order == 0) order = _second.CompareTo(other._second);
        if (order == 0) order = _third.CompareTo(other._third);
        return order == 0 ? _fourth.CompareTo(other._fourth) : order;
    }

    public static bool operator <(EndpointId left, EndpointId right) => left.CompareTo(right) < 0;

    public static bool operator >(EndpointId left, EndpointId right) => left.CompareTo(right) > 0;

    public static bool operator <=(EndpointId left, EndpointId right) => left.CompareTo(right) <= 0;

    public static bool operator >=(EndpointId left, EndpointId right) => left.CompareTo(right) >= 0;
}
