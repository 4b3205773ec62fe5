using System.Buffers.Binary;
using System.Text;
using System.Text.Unicode;
using EdgeSync.Can.Assets;

namespace EdgeSync.Can.Sync.Wire;

/// <summary>
/// Reads the parts of a message of the mirror protocol. What would pass the end reads nothing and answers false.
/// </summary>
internal ref struct WireReader(ReadOnlySpan<byte> bytes)
{
    private ReadOnlySpan<byte> _rest = bytes;

    public readonly bool IsAtEnd => _rest.IsEmpty;

    public readonly int Remaining => _rest.Length;

    public bool TryReadByte(out byte value)
    {
        value = 0;
        if (_rest.IsEmpty) return false;

        value = _rest[0];
        _rest = _rest[1..];
        return true;
    }

    public bool TryReadUInt64(out ulong value)
    {
        value = 0;
        if (!TryReadBytes(sizeof(ulong), out var taken)) return false;

        value = BinaryPrimitives.ReadUInt64BigEndian(taken);
        return true;
    }

    /// <summary>A number in its shortest form of groups of seven bits, the lowest first; below 2^63.</summary>
    public bool TryReadNumber(out long value)
    {
        value = 0;
        for (var (i, shift) = (0, 0); i < _rest.Length && shift < 63; i++, shift += 7)
        {
            value |= (long)(_rest[i] & 0x7f) << shift;
            if (_rest[i] >= 0x80) continue;
            if (_rest[i] == 0 && i > 0) return false;

            _rest = _rest[(i + 1)..];
            return true;
        }

        return false;
    }

    /// <summary>How many things of at least <paramref name="bytesMin"/> each follow.</summary>
    public bool TryReadCount(int bytesMin, out int count)
    {
        count = 0;
        if (!TryReadNumber(out var value) || value > _rest.Length / bytesMin) return false;

        count = (int)value;
        return true;
    }

    public bool TryReadBytes(int count, out ReadOnlySpan<byte> value)
    {
        value = default;
        if (count > _rest.Length) return false;

        value = _rest[..count];
        _rest = _rest[count..];
        return true;
    }

    public bool TryReadHash(out AssetHash hash)
    {
        hash = default;
        if (!TryReadBytes(AssetHash.Size, out var taken)) return false;

        hash = new AssetHash(taken);
        return true;
    }

    /// <summary>UTF-8 behind its length plus one; 0 is null.</summary>
    public bool TryReadText(int bytesMax, out string? value)
    {
        value = null;
        if (!TryReadNumber(out var length) || length > (long)bytesMax + 1) return false;
        if (length == 0) return true;
        if (!TryReadBytes((int)length - 1, out var taken) || !Utf8.IsValid(taken)) return false;

        value = Encoding.UTF8.GetString(taken);
        return true;
    }
}
