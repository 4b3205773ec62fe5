using System.Net;
using System.Net.Sockets;

namespace EdgeSync.Tests.Support;

/// <summary>Loopback ports: finding a free one, and whether a program listens.</summary>
internal static class Ports
{
    // Below what the system hands out for outgoing connections (32768 and up with Linux): one of those may sit on a
    // port that was free a moment ago, and a connect to a free one of them can even meet itself.
    private const int First = 12_000, Count = 20_000;

    private static int s_next = Random.Shared.Next(Count);

    /// <summary>A port without a listener, which this process returns only once.</summary>
    public static int Free()
    {
        while (true)
        {
            var port = First + (int)((uint)Interlocked.Increment(ref s_next) % Count);
            using var listener = new TcpListener(IPAddress.Loopback, port);
            try
            {
                listener.Start();
                return port;
            }
            catch (SocketException)
            {
                // Taken.
            }
        }
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

    /// <summary>Polls until the port accepts. False when the program ended or the time is over.</summary>
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
