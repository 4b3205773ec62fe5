using System.Net;
using System.Net.NetworkInformation;
using System.Net.Sockets;
using EdgeSync.Quic;

namespace EdgeSync.Net.Iroh;

/// <summary>The addresses of this machine at which its sockets can be reached.</summary>
internal static class LocalAddresses
{
    /// <summary>Addresses of the interfaces that are up; those of loopback only when there are no others.</summary>
    public static IReadOnlyList<IPAddress> OfMachine()
    {
        try
        {
            var all = NetworkInterface.GetAllNetworkInterfaces()
                .Where(n => n.OperationalStatus is OperationalStatus.Up or OperationalStatus.Unknown)
                .SelectMany(n => n.GetIPProperties().UnicastAddresses)
                .Select(a => a.Address)
                .Where(IsReachable)
                .Distinct()
                .ToArray();
            var others = all.Where(a => !IPAddress.IsLoopback(a)).ToArray();
            return others.Length > 0 ? others : all;
        }
        catch (NetworkInformationException)
        {
            return [];   // an interface went away while it was asked
        }
    }

    /// <summary>Where a socket can be reached: at its address, or at all of the machine.</summary>
    public static IEnumerable<UdpAddress> Of(IEnumerable<IPEndPoint> bound, IReadOnlyList<IPAddress> machine)
    {
        foreach (var socket in bound)
        {
            var isAny = socket.Address.Equals(IPAddress.Any) || socket.Address.Equals(IPAddress.IPv6Any);
            var addresses = isAny
                ? machine.Where(a => a.AddressFamily == socket.AddressFamily)
                : [socket.Address];
            foreach (var address in addresses) yield return UdpAddress.From(address, socket.Port);
        }
    }

    // An address of a link alone needs the interface's number, which is another one on each machine.
    private static bool IsReachable(IPAddress address) =>
        address.AddressFamily is AddressFamily.InterNetwork or AddressFamily.InterNetworkV6
        && address is { IsIPv6LinkLocal: false, IsIPv6Multicast: false };
}
