using System.Net;
using System.Net.NetworkInformation;
using System.Net.Sockets;
using EdgeSync.Node.Settings;

namespace EdgeSync.Node.Daemon;

/// <summary>What another machine can dial: "every address" is none that could be dialled.</summary>
internal static class ReachableAddress
{
    /// <summary>
    /// What <c>--nats</c> of another node takes: our leafnode port, and the WebSocket port, which passes where only
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
    /// The address itself; of one that means all, the name of this machine and the addresses of its interfaces.
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
    /// What other machines may know this one by: its addresses, IPv4 first, and its name where that is a full one.
    /// Loopback only where there is nothing else.
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
            return [];   // a sandbox that shows none
        }
    }
}
