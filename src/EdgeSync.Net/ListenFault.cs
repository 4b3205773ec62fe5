using System.Net.Sockets;
using EdgeSync.Primitives;

namespace EdgeSync.Net;

/// <summary>Why an address cannot be listened on, worded alike for every kind of port.</summary>
internal static class ListenFault
{
    /// <param name="what">The address, as configured.</param>
    /// <param name="e">The system's exception, or a library's around it.</param>
    public static EdgeSyncException Of(string what, Exception e)
    {
        for (var at = e; at is not null; at = at.InnerException)
        {
            if (at is not SocketException socket) continue;

            return socket.SocketErrorCode switch
            {
                SocketError.AddressAlreadyInUse => new EdgeSyncException(
                    ErrorKind.System, $"cannot listen on {what}: the address is in use",
                        "another program listens there; choose another port, or 0 for any free one", e),
                SocketError.AddressNotAvailable => new EdgeSyncException(
                    ErrorKind.System, $"cannot listen on {what}: this machine has no such address",
                        "choose an address of this machine, such as 127.0.0.1:8080", e),
                SocketError.AccessDenied => new EdgeSyncException(
                    ErrorKind.System, $"cannot listen on {what}: permission denied",
                        "ports below 1024 need root or CAP_NET_BIND_SERVICE", e),
                _ => Other(what, socket.Message, e),
            };
        }

        return Other(what, e.Message, e);
    }

    private static EdgeSyncException Other(string what, string reason, Exception e) =>
        new(ErrorKind.System, $"cannot listen on {what}: {reason}",
            "choose another address, or port 0 for any free one", e);
}
