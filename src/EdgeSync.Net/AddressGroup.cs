using System.Net;
using System.Net.Sockets;

namespace EdgeSync.Net;

/// <summary>
/// The group that an address counts in: itself, and for IPv6 its network of 64 bits, which one host may own whole.
/// </summary>
public static class AddressGroup
{
    public static IPAddress Of(IPAddress address)
    {
        if (address.IsIPv4MappedToIPv6) return address.MapToIPv4();
        if (address.AddressFamily != AddressFamily.InterNetworkV6 || IPAddress.IsLoopback(address)) return address;

        Span<byte> bytes = stackalloc byte[16];
        address.TryWriteBytes(bytes, out _);
        bytes[8..].Clear();
        return new IPAddress(bytes);
    }
}
