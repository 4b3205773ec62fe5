using EdgeSync.Quic;

namespace EdgeSync.Iroh.Endpoints;

/// <summary>An endpoint and the ways to it, each once and in the order in which iroh writes them.</summary>
public sealed class EndpointAddress
{
    /// <param name="id">The endpoint.</param>
    /// <param name="relays">Relays that it can be reached through.</param>
    /// <param name="direct">Addresses of its UDP sockets.</param>
    public EndpointAddress(EndpointId id, IEnumerable<RelayUrl>? relays = null, IEnumerable<UdpAddress>? direct = null)
    {
        Id = id;
        Relays = [.. (relays ?? []).Distinct().OrderBy(r => r.Text, StringComparer.Ordinal)];
        Direct = [.. (direct ?? []).Distinct().OrderBy(IsV6).ThenBy(a => a.Bits).ThenBy(a => a.Port)];
    }

    public EndpointId Id { get; }

    public IReadOnlyList<RelayUrl> Relays { get; }

    /// <summary>IPv4 before IPv6, each ascending.</summary>
    public IReadOnlyList<UdpAddress> Direct { get; }

    /// <summary>Without a way: it must be looked up by its id.</summary>
    public bool IsEmpty => Relays.Count == 0 && Direct.Count == 0;

    public override string ToString() => string.Join(' ', [Id.ToShortString(), .. Relays, .. Direct]);

    internal static bool IsV6(UdpAddress address) => address.Bits >> 32 != 0xffff;
}
