using System.Net;
using Microsoft.AspNetCore.Http;

namespace EdgeSync.Net.Http;

/// <summary>Web servers in front of ours, by address or network, whose <c>X-Forwarded-For</c> is trusted.</summary>
public sealed class TrustedProxies(IReadOnlyList<IPNetwork> networks)
{
    private static readonly string[] ForwardingHeaders =
    [
        "Forwarded", "Via", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Forwarded-Port",
            "X-Forwarded-Server", "X-Forwarded",
        "X-Real-IP", "X-Client-IP", "X-Cluster-Client-IP", "True-Client-IP", "CF-Connecting-IP", "Fastly-Client-IP",
            "X-Original-Forwarded-For",
    ];

    public static TrustedProxies None { get; } = new([]);

    /// <summary>An address, or a network such as <c>10.0.0.0/8</c>.</summary>
    public static bool TryParse(string text, out IPNetwork network)
    {
        if (IPNetwork.TryParse(text, out network)) return true;
        if (!IPAddress.TryParse(text, out var address)) return false;

        network = new IPNetwork(address, address.GetAddressBytes().Length * 8);
        return true;
    }

    /// <summary>A proxy forwards the request of another client.</summary>
    public static bool IsForwarded(IHeaderDictionary headers) => ForwardingHeaders.Any(headers.ContainsKey);

    /// <summary>The real client: the last in the chain that is not a trusted proxy.</summary>
    public IPAddress ClientOf(IPAddress remote, IHeaderDictionary headers)
    {
        if (!Trusts(remote)) return remote;

        var chain = headers["X-Forwarded-For"].ToString() is { Length: > 0 } forwarded
            ? forwarded
            : headers["X-Real-IP"].ToString();
        foreach (var hop in chain.Split(
            ',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries).Reverse())
        {
            if (!IPAddress.TryParse(hop.Trim('[', ']'), out var address)) return remote;

            remote = address;
            if (!Trusts(remote)) return remote;
        }

        return remote;
    }

    private bool Trusts(IPAddress address)
    {
        if (address.IsIPv4MappedToIPv6) address = address.MapToIPv4();
        return networks.Any(n => n.Contains(address));
    }
}
