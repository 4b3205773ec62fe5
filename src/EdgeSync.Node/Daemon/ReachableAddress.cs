using System.Net;
using System.Net.NetworkInformation;
using System.Net.Sockets;
using EdgeSync.Node.Settings;

namespace EdgeSync.Node.Daemon;

/// <summary>Addresses for other machines: a listening address of all interfaces cannot be connected to.</summary>
internal static class ReachableAddress
{
    /// <summary>
    /// The values for <c>--nats</c> of another node: our leafnode port, and the WebSocket port, which passes where only
    /// HTTP does.
    /// </summary>
    public static IReadOnlyList<string> JoinAddresses(IReadOnlyDictionary<string, string> addresses) =>
    [
        .. addresses.TryGetValue("nats-leaf", out var leaf) ? Of(leaf) : [],
        .. addresses.TryGetValue("websocket", out var web) && leaf is not null
        ? Of(web.Replace("://", "-leaf://", StringComparison.Ordinal))
        : [],
    ];

    /// <summary>
    /// The address itself; for all interfaces, the name of this machine and the addresses of its interfaces.
    /// </summary>
    public static IReadOnlyList<string> Of(string address)
    {
        var url = new Uri(address);
        if (!IPAddress.TryParse(url.Host.Trim('[', ']'), out var ip) || !ListenAddress.IsEvery(ip)) return [address];

        return [
            .. Hosts(
                ip.AddressFamily == AddressFamily.InterNetworkV6).Prepend(Dns.GetHostName()).Select(
                    host => $"{url.Scheme}://{host}:{url.Port}")];
    }

    /// <summary>
    /// The addresses of this machine for others: IPv4 first, and its name if it is fully qualified. Loopback only if
    /// there is nothing else.
    /// </summary>
    public static IReadOnlyList<string> OwnHosts()
    {
        List<string> hosts = [.. Hosts(withIpv6: true).Select(h => h.Trim('[', ']'))];
        if (Dns.GetHostName() is var name && name.Contains('.', StringComparison.Ordinal)
            && name != "localhost.localdomain")
            hosts.Add(name);
        return hosts.Count > 0 ? hosts : ["127.0.0.1"];
    }

    private static IEnumerable<string> Hosts(bool withIpv6)
    {
        try
        {
            return
            [
                .. from network in NetworkInterface.GetAllNetworkInterfaces()
                   where network.OperationalStatus is OperationalStatus.Up or OperationalStatus.Unknown
                   && network.NetworkInterfaceType != NetworkInterfaceType.Loopback
                   from unicast in network.GetIPProperties().UnicastAddresses
                   let address = unicast.Address
                   where !IPAddress.IsLoopback(address) && !address.IsIPv6LinkLocal
                       && (withIpv6 || address.AddressFamily == AddressFamily.InterNetwork)
                   orderby address.AddressFamily   // IPv4 first
                   select address.AddressFamily == AddressFamily.InterNetworkV6 ? $"[{address}]" : address.ToString(),
            ];
        }
        catch (NetworkInformationException)
        {
            return [];   // a sandbox without interfaces
        }
    }
}
