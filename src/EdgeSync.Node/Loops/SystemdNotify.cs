using System.Net.Sockets;
using System.Text;

namespace EdgeSync.Node.Loops;

/// <summary>
/// Reports the state to a supervisor with <c>Type=notify</c>; does nothing without one. Spec: sd_notify(3).
/// </summary>
internal static class SystemdNotify
{
    public static void Ready(string status) => Send($"READY=1\nSTATUS={status}");

    public static void Stopping() => Send("STOPPING=1");

    /// <summary>Resets the watchdog.</summary>
    public static void Alive() => Send("WATCHDOG=1");

    private static void Send(string state)
    {
        if (Environment.GetEnvironmentVariable("NOTIFY_SOCKET") is not { Length: > 0 } path) return;

        try
        {
            // A leading @ stands for the zero byte of the abstract name space.
            using var socket = new Socket(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified);
            socket.SendTo(
                Encoding.UTF8.GetBytes(state), new UnixDomainSocketEndPoint(path[0] == '@' ? "\0" + path[1..] : path));
        }
        catch (SocketException)
        {
            // The supervisor ended; the node continues.
        }
    }
}
