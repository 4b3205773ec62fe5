using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using EdgeSync.Primitives;

namespace EdgeSync.Node.Settings;

/// <summary>
/// A listening address in text: <c>8080</c>, <c>:8080</c> and <c>localhost:8080</c> are loopback, <c>10.0.0.4:8080</c>
/// and <c>[::1]:8080</c> one address, <c>*:8080</c> every one.
/// </summary>
internal static class ListenAddress
{
    private const string Hint = "such as 127.0.0.1:8080, :0 for any free port, or *:8080 for every interface";

    // Differs from the original, where ":8080" meant every address: that has to be requested by "*".
    public static IPEndPoint Parse(string text) => TryParse(text, out var endpoint)
        ? endpoint
        : throw new EdgeSyncException(ErrorKind.Usage, $"'{text}' is not an address to listen on", Hint);

    public static bool TryParse(string text, [NotNullWhen(true)] out IPEndPoint? endpoint)
    {
        endpoint = null;
        var colon = text.LastIndexOf(':');
        var host = colon < 0 ? "" : text[..colon];
        var port = colon < 0 ? text : text[(colon + 1)..];
        if (!ushort.TryParse(port, NumberStyles.None, CultureInfo.InvariantCulture, out var number)) return false;
        if (AddressOf(host) is not { } address) return false;

        endpoint = new IPEndPoint(address, number);
        return true;
    }

    /// <summary>The message for an invalid address.</summary>
    public static string FaultOf(string text) => $"'{text}' is not an address to listen on: {Hint}";

    /// <summary>
    /// The form for a browser or clone on this machine: <c>localhost</c> for the addresses that it covers. Not for
    /// <c>[::1]</c>: the name may be the loopback of IPv4 alone, where no server listens then.
    /// </summary>
    public static string ForPeople(string address)
    {
        var url = new Uri(address);
        var host = IPAddress.TryParse(url.Host.Trim('[', ']'), out var ip)
            && (ip.Equals(IPAddress.Loopback) || IsEvery(ip))
            ? "localhost"
            : url.Host;
        return $"{url.Scheme}://{host}:{url.Port}";
    }

    /// <summary>
    /// The command that clones from there. Fossil (2.21) loses the brackets of an IPv6 host after its first request, so
    /// for those it is our command.
    /// </summary>
    public static string CloneLine(string address, string path = "")
    {
        var url = ForPeople(address);
        return url.Contains('[', StringComparison.Ordinal)
            ? $"edgesync repo clone {url}{path} copy.fossil"
            : $"fossil clone {url}{path} copy.fossil";
    }

    /// <summary>It stands for every address of this machine.</summary>
    public static bool IsEvery(IPAddress address) => address.Equals(IPAddress.Any) || address.Equals(IPAddress.IPv6Any);

    /// <summary>Null for neither a known word nor a number.</summary>
    public static IPAddress? AddressOf(string host) => host switch
    {
        "" or "localhost" => IPAddress.Loopback,
        "*" => Socket.OSSupportsIPv6 ? IPAddress.IPv6Any : IPAddress.Any,
        _ => IPAddress.TryParse(host.Trim('[', ']'), out var address) ? address : null,
    };
}
