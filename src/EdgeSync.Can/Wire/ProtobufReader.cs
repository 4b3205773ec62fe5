using System.Text;

namespace EdgeSync.Can.Wire;

/// <summary>How the value of a field is written. Spec: protobuf.dev, encoding.</summary>
internal enum WireType
{
    Varint = 0,
    Fixed64 = 1,
    Bytes = 2,
    Fixed32 = 5,
}

/// <summary>
/// Reads the fields of one message that is wholly in memory. The first fault ends it: <see cref="IsFaulty"/>, and no
/// further field.
/// </summary>
internal ref struct ProtobufReader(ReadOnlySpan<byte> message)
{
    // Refuses bytes that are not UTF-8, as prost does.
    private static readonly UTF8Encoding Strict = new(false, throwOnInvalidBytes: true);

    private ReadOnlySpan<byte> _rest = message;
    private ReadOnlySpan<byte> _bytes;
    private ulong _varint;

    public bool IsFaulty { get; private set; }

    /// <summary>The number of the present field.</summary>
    public int Field { get; private set; }

    public WireType Type { get; private set; }

    /// <summary>Goes to the next field; false at the end, or at a fault.</summary>
    public bool Next()
    {
        if (IsFaulty || _rest.IsEmpty) return false;
        if (!TryVarint(out var tag) || tag >> 3 is 0 or > int.MaxValue) return Fail();

        Field = (int)(tag >> 3);
        Type = (WireType)(tag & 7);
        switch (Type)
        {
            case WireType.Varint:
                return TryVarint(out _varint) || Fail();
            case WireType.Bytes:
                return (TryVarint(out var length) && length <= int.MaxValue && TryTake((int)length)) || Fail();
            case WireType.Fixed64:
                return TryTake(8) || Fail();
            case WireType.Fixed32:
                return TryTake(4) || Fail();
            default:
                return Fail();
        }
    }

    /// <summary>The present field as a number; a field of another type is a fault.</summary>
    public long Int64()
    {
        if (Type != WireType.Varint) Fail();
        return Type == WireType.Varint ? (long)_varint : 0;
    }

    public bool Boolean() => Int64() != 0;

    public ReadOnlySpan<byte> Bytes()
    {
        if (Type != WireType.Bytes) Fail();
        return Type == WireType.Bytes ? _bytes : default;
    }

    public string Text()
    {
        try
        {
            return Strict.GetString(Bytes());
        }
        catch (DecoderFallbackException)
        {
            Fail();
            return "";
        }
    }

    private bool Fail()
    {
        IsFaulty = true;
        return false;
    }

    private bool TryTake(int length)
    {
        if (_rest.Length < length) return false;

        _bytes = _rest[..length];
        _rest = _rest[length..];
        return true;
    }

    private bool TryVarint(out ulong value)
    {
        var read = Varint.Read(_rest, out value);
        if (read <= 0) return false;

        _rest = _rest[read..];
        return true;
    }
}

/// <summary>Numbers of seven bits a byte, the low ones first.</summary>
internal static class Varint
{
    public const int SizeMax = 10;

    /// <summary>Bytes read; 0: more are needed; negative: it is none.</summary>
    public static int Read(ReadOnlySpan<byte> input, out ulong value)
    {
        value = 0;
        for (var i = 0; i < input.Length; i++)
        {
            // The tenth byte holds the last bit of 64.
            if (i == SizeMax || (i == SizeMax - 1 && input[i] > 1)) return -1;

            value |= (ulong)(input[i] & 0x7f) << (7 * i);
            if (input[i] < 0x80) return i + 1;
        }

        return 0;
    }

    /// <summary>Bytes written.</summary>
    public static int Write(ulong value, Span<byte> target)
    {
        var size = 0;
        for (; value >= 0x80; value >>= 7) target[size++] = (byte)(value | 0x80);
        target[size++] = (byte)value;
        return size;
    }

    public static int SizeOf(ulong value)
    {
        var size = 1;
        for (; value >= 0x80; value >>= 7) size++;
        return size;
    }
}
