using System.Globalization;
using System.Net;
using System.Net.Sockets;
using EdgeSync.Primitives;

namespace EdgeSync.Cli.Commands.Repo;

/// <summary>TCP ports of this machine, as stock's server chooses them.</summary>
internal static class LocalPort
{
    private const int First = 8080;
    private const int Tried = 100;

    public static bool TryParse(string text, out ushort port) =>
        ushort.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out port) && port > 0;

    /// <summary>The first one from 8080 that nobody listens at now.</summary>
    /// <param name="isLocal">Of loopback alone.</param>
    /// <exception cref="EdgeSyncException">All hundred are taken.</exception>
    public static int FirstFree(bool isLocal)
    {
        for (var port = First; port < First + Tried; port++)
        {
            try
            {
                using var listener = new TcpListener(isLocal ? IPAddress.Loopback : IPAddress.Any, port);
                listener.Start();
                return port;
            }
            catch (SocketException)
            {
                // It is taken.
            }
        }

        throw new EdgeSyncException(
            ErrorKind.System, $"unable to open listening socket on any port in the range {First}..{First + Tried - 1}",
            "-P PORT");
    }
}
