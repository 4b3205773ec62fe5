using System.Net;

namespace EdgeSync.Quic;

/// <summary>
/// Address and port by value, so that no packet allocates. IPv4 addresses are mapped into IPv6 (RFC 4291 §2.5.5.2).
/// A peer behind a relay has an address too: a number in the discard prefix 100::/64 (RFC 6666), which no network
/// carries and which never goes on the wire; the shell maps the number to relay and peer.
/// </summary>
/// <param name="Bits">The sixteen bytes of the IPv6 address, as a big-endian number.</param>
public readonly record struct UdpAddress(UInt128 Bits, ushort Port)
{
    /// <summary>Bytes of <see cref="WriteTo"/>.</summary>
    internal const int EncodedBytes = 18;

    /// <summary>The upper half of 100::/64.</summary>
    private const ulong RelayedPrefix = 0x0100_0000_0000_0000;

    /// <summary>Whether the address means a relay and a peer behind it.</summary>
    public bool IsRelayed => (ulong)(Bits >> 64) == RelayedPrefix;

    /// <summary>The number that <see cref="Relayed"/> was given.</summary>
    public ulong RelayedNumber => (ulong)Bits;

    /// <summary>An IPv4 address, mapped.</summary>
    public bool IsIPv4 => Bits >> 32 == 0xffff;

    /// <summary>No address: the shell chooses, as a socket does that is bound to the wildcard address.</summary>
    public bool IsUnspecified => Bits == 0 || Bits == (UInt128)0xffff << 32;

    /// <summary>The address of a peer behind a relay.</summary>
    /// <param name="number">Chosen by the shell, one for each pair of relay and peer.</param>
    public static UdpAddress Relayed(ulong number) => new(((UInt128)RelayedPrefix << 64) | number, 0);

    /// <summary>From an address of either family.</summary>
    public static UdpAddress From(IPAddress address, int port)
    {
        ArgumentNullException.ThrowIfNull(address);
        Span<byte> bytes = stackalloc byte[16];
        address.MapToIPv6().TryWriteBytes(bytes, out _);
        return new UdpAddress(System.Buffers.Binary.BinaryPrimitives.ReadUInt128BigEndian(bytes), (ushort)port);
    }

    /// <summary>The address; an IPv4 address when it is a mapped one.</summary>
    public IPAddress ToAddress()
    {
        Span<byte> bytes = stackalloc byte[16];
        System.Buffers.Binary.BinaryPrimitives.WriteUInt128BigEndian(bytes, Bits);
        var address = new IPAddress(bytes);
        return address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address;
    }

    public override string ToString() =>
        IsRelayed ? $"relayed-{RelayedNumber}" : new IPEndPoint(ToAddress(), Port).ToString();

    internal void WriteTo(Span<byte> target)
    {
        System.Buffers.Binary.BinaryPrimitives.WriteUInt128BigEndian(target, Bits);
        System.Buffers.Binary.BinaryPrimitives.WriteUInt16BigEndian(target[16..], Port);
    }
}

/// <summary>Where datagrams go to and come from: a 4-tuple without its protocol.</summary>
public readonly record struct FourTuple(UdpAddress Local, UdpAddress Remote);

/// <summary>The two ECN bits of a datagram's IP header (RFC 3168 §5), by their values.</summary>
public enum EcnMark : byte
{
    NotEct = 0,
    Ect1 = 1,
    Ect0 = 2,
    Ce = 3,
}
