using System.Net;
using EdgeSync.Net.Http;
using Microsoft.AspNetCore.Http;

namespace EdgeSync.Node.Web;

/// <summary>
/// Whether a request comes from a program on this machine under a name of this machine. A web page whose name was
/// rebound to this machine (DNS rebinding) sends its own name as Host.
/// </summary>
internal static class HostCheck
{
    /// <summary>True for a direct request of this machine to a loopback name, or to one of the given names.</summary>
    public static bool IsLocal(HttpContext context, List<string> hosts) =>
        !TrustedProxies.IsForwarded(context.Request.Headers)
        && IsOwnName(context.Request.Host.Value ?? "", hosts)
        && IsOfThisMachine(context.Connection.RemoteIpAddress!);

    /// <summary>
    /// True for what a rebound name would send: another name, at a port that only this machine reaches.
    /// </summary>
    public static bool IsRebound(HttpContext context, List<string> hosts) =>
        context.Connection.LocalIpAddress is { } local && IsOfThisMachine(local)
        && !TrustedProxies.IsForwarded(context.Request.Headers)
        && !IsOwnName(context.Request.Host.Value ?? "", hosts);

    private static bool IsOfThisMachine(IPAddress address) =>
        IPAddress.IsLoopback(address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address);

    // Only browsers must send a name.
    private static bool IsOwnName(string host, List<string> hosts)
    {
        if (host.Length == 0) return true;

        var colon = host.LastIndexOf(':');
        var name = (colon > host.LastIndexOf(']') ? host[..colon] : host).Trim('[', ']');
        return name.Equals("localhost", StringComparison.OrdinalIgnoreCase)
            || (IPAddress.TryParse(name, out var address) && IPAddress.IsLoopback(address))
            || hosts.Contains(name, StringComparer.OrdinalIgnoreCase);
    }
}
