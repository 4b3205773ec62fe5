using System.Net;
using EdgeSync.Iroh.PortMapping;

namespace EdgeSync.Net.PortMapping;

/// <summary>Where a <see cref="PortMapper"/> finds a router; the defaults are those of home networks.</summary>
public sealed record PortMapperOptions
{
    /// <summary>The router; null: the default gateway of the system, as it is at the time.</summary>
    public IPAddress? Gateway { get; init; }

    /// <summary>The port of PCP and NAT-PMP.</summary>
    public int GatewayPort { get; init; } = GatewayMapper.Port;

    /// <summary>Where UPnP devices are searched.</summary>
    public IPEndPoint Search { get; init; } = Upnp.Multicast;
}
