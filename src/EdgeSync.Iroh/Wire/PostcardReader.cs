using EdgeSync.Iroh.Endpoints;
using EdgeSync.Quic;

namespace EdgeSync.Iroh.Wire;

/// <summary>
/// Reads the encoding of Rust's postcard: integers in groups of seven bits, the lowest first. What would pass the end
/// reads nothing and answers false.
/// </summary>
internal ref struct PostcardReader(ReadOnlySpan<byte> bytes)
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

    /// <summary>A byte that is 0 or 1.</summary>
    public bool TryReadBool(out bool value)
    {
        value = false;
        if (!TryReadByte(out var bits) || bits > 1) return false;

        value = bits == 1;
        return true;
    }

    public bool TryReadUInt16(out ushort value)
    {
        var isRead = TryReadVarInt(16, out var bits);
        value = (ushort)bits;
        return isRead;
    }

    /// <summary>
    /// A number of things of at least <paramref name="bytesMin"/> each, so that a false count takes no memory.
    /// </summary>
    public bool TryReadCount(int bytesMin, out int count)
    {
        count = 0;
        if (!TryReadVarInt(64, out var value) || value > (ulong)(_rest.Length / bytesMin)) return false;

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

    public bool TryReadCounted(out ReadOnlySpan<byte> value)
    {
        value = default;
        return TryReadCount(1, out var count) && TryReadBytes(count, out value);
    }

    /// <summary>UTF-8 behind its length.</summary>
    public bool TryReadText(out string value)
    {
        value = "";
        if (!TryReadCounted(out var bytes) || !System.Text.Unicode.Utf8.IsValid(bytes)) return false;

        value = System.Text.Encoding.UTF8.GetString(bytes);
        return true;
    }

    /// <summary>An id that is a public key.</summary>
    public bool TryReadId(out EndpointId id)
    {
        id = default;
        return TryReadBytes(EndpointId.Bytes, out var bytes) && EndpointId.TryRead(bytes, out id);
    }

    /// <summary>0 and an IPv4 address or 1 and an IPv6 address, and the port.</summary>
    public bool TryReadAddress(out UdpAddress address)
    {
        address = default;
        if (!TryReadByte(out var family) || family > 1
            || !TryReadBytes(family == 0 ? 4 : 16, out var bytes) || !TryReadUInt16(out var port)) return false;

        address = UdpAddress.From(new System.Net.IPAddress(bytes), port);
        return true;
    }

    private bool TryReadVarInt(int bits, out ulong value)
    {
        value = 0;
        for (var (i, shift) = (0, 0); i < _rest.Length && shift < bits; i++, shift += 7)
        {
            ulong group = _rest[i] & 0x7fu;
            if (shift + 7 > bits && group >> (bits - shift) != 0) return false;

            value |= group << shift;
            if (_rest[i] >= 0x80) continue;

            _rest = _rest[(i + 1)..];
            return true;
        }

        return false;
    }
}
