using EdgeSync.Quic;

namespace EdgeSync.Net.Quic;

/// <summary>IPv4 addresses as the core has them.</summary>
internal static class Ipv4
{
    /// <summary>The upper 96 bits of a mapped address (RFC 4291 §2.5.5.2).</summary>
    private const uint Mapped = 0xffff;

    public static UdpAddress From(uint address, ushort port) => new(((UInt128)Mapped << 32) | address, port);
}
