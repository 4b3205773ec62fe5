using System.Diagnostics;
using EdgeSync.Tests.Support;

namespace EdgeSync.InteropTests.Iroh;

/// <summary>
/// Three network namespaces: 0 in the middle with a relay's address, 1 and 2 with a cable to it and no way to each
/// other. Skipped where the right to make them is missing.
/// </summary>
internal sealed class RelayNetwork : IDisposable
{
    public const string RelayAddress = "10.98.9.9";
    private static int _count;

    // Names of devices hold 15 characters.
    private readonly string _name = $"er{Environment.ProcessId}x{Interlocked.Increment(ref _count)}";

    public RelayNetwork()
    {
        var refusal = Ip("netns", "add", Name(0));
        Skip.Unless(refusal is null, $"needs the right to make network namespaces (iproute2, root): {refusal}");
        try
        {
            Must("-n", Name(0), "link", "set", "lo", "up");
            Must("-n", Name(0), "addr", "add", $"{RelayAddress}/32", "dev", "lo");
            Join(1);
            Join(2);
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    public RunningProgram Begin(int machine, string program, params string[] arguments) =>
        new ProgramStart("ip") { Arguments = ["netns", "exec", Name(machine), program, .. arguments] }.Begin();

    public void Dispose()
    {
        for (var i = 0; i < 3; i++) Ip("netns", "del", Name(i));
    }

    private void Join(int machine)
    {
        var (inner, outer) = ($"{_name}i{machine}", $"{_name}o{machine}");
        Must("netns", "add", Name(machine));
        Must(
            "link", "add", inner, "netns", Name(machine), "type", "veth", "peer", "name", outer, "netns", Name(0));
        Must("-n", Name(machine), "link", "set", "lo", "up");
        Must("-n", Name(machine), "addr", "add", $"10.98.{machine}.2/24", "dev", inner);
        Must("-n", Name(machine), "link", "set", inner, "up");
        Must("-n", Name(machine), "route", "add", "default", "via", $"10.98.{machine}.1");
        Must("-n", Name(0), "addr", "add", $"10.98.{machine}.1/24", "dev", outer);
        Must("-n", Name(0), "link", "set", outer, "up");
        Must("netns", "exec", Name(0), "sh", "-c", "echo 0 > /proc/sys/net/ipv4/ip_forward");
    }

    private string Name(int machine) => $"{_name}-{machine}";

    private static void Must(params string[] arguments) => Assert.Null(Ip(arguments));

    // Null: done; otherwise why not.
    private static string? Ip(params string[] arguments)
    {
        try
        {
            using var ip = Process.Start(new ProcessStartInfo("ip", arguments) { RedirectStandardError = true })!;
            var errors = ip.StandardError.ReadToEnd();
            ip.WaitForExit();
            return ip.ExitCode == 0 ? null : $"ip {string.Join(' ', arguments)}: {errors.Trim()}";
        }
        catch (System.ComponentModel.Win32Exception e)
        {
            return e.Message;
        }
    }
}
