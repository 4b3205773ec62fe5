using EdgeSync.Quic;

namespace EdgeSync.Iroh.PortMapping;

/// <summary>A UDP port of a router that leads to this machine.</summary>
/// <param name="External">Where others reach it.</param>
/// <param name="Protocol">By which the router was asked: <c>pcp</c>, <c>nat-pmp</c> or <c>upnp</c>.</param>
/// <param name="Lifetime">From the answer; it is renewed after half of it.</param>
public sealed record MappedPort(UdpAddress External, string Protocol, TimeSpan Lifetime);
