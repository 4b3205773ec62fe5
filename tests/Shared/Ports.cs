using System.Net;
using System.Net.Sockets;

namespace EdgeSync.Tests.Shared;

/// <summary>Loopback ports: finding a free one, and seeing whether somebody listens.</summary>
internal static class Ports
{
    public static int Free()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    public static bool IsListening(int port)
    {
        try
        {
            using var client = new TcpClient();
            client.Connect(IPAddress.Loopback, port);
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }

    /// <summary>Polls until somebody accepts on the port. False when the program ended or the time is over.</summary>
    public static bool WaitForListener(int port, RunningProgram program, TimeSpan timeout)
    {
        var watch = System.Diagnostics.Stopwatch.StartNew();
        while (watch.Elapsed < timeout && !program.HasEnded)
        {
            if (IsListening(port)) return true;
            Thread.Yield();
            using var pause = new ManualResetEventSlim();
            pause.Wait(5);
        }

        return false;
    }
}
