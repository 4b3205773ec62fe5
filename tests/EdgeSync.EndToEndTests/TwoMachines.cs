using EdgeSync.Tests.Support;

namespace EdgeSync.EndToEndTests;

/// <summary>
/// Two network namespaces with a cable between them; skipped where the right to make them is missing.
/// </summary>
internal sealed class TwoMachines : IDisposable
{
    public const string FirstAddress = "10.99.7.1";
    private static int _count;

    // Names of devices hold 15 characters.
    private readonly string _name = $"es{Environment.ProcessId}x{Interlocked.Increment(ref _count)}";

    public TwoMachines()
    {
        var refusal = Ip("netns", "add", Name(1));
        Skip.Unless(refusal is null, $"needs the right to make network namespaces (iproute2, root): {refusal}");
        try
        {
            Must("netns", "add", Name(2));
            Must(
                "link", "add", $"{_name}a", "netns", Name(1), "type", "veth", "peer", "name", $"{_name}b", "netns",
                Name(2));
            Up(1, $"{_name}a", FirstAddress);
            Up(2, $"{_name}b", "10.99.7.2");
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    public string[] On(int machine, params string[] arguments) =>
        In(machine, [EdgeSyncProgram.Program, .. arguments]);

    /// <summary>Another program.</summary>
    public string[] In(int machine, params string[] command) => ["ip", "netns", "exec", Name(machine), .. command];

    public void Dispose()
    {
        Ip("netns", "del", Name(1));
        Ip("netns", "del", Name(2));
    }

    private string Name(int machine) => $"{_name}-{machine}";

    private void Up(int machine, string device, string address)
    {
        Must("-n", Name(machine), "link", "set", "lo", "up");
        Must("-n", Name(machine), "addr", "add", $"{address}/24", "dev", device);
        Must("-n", Name(machine), "link", "set", device, "up");
    }

    private static void Must(params string[] arguments) => Assert.Null(Ip(arguments));

    // Null: done; otherwise why not.
    private static string? Ip(params string[] arguments)
    {
        var result = new ProgramStart("ip") { Arguments = arguments }.Run();
        return result.Succeeded ? null : $"ip {string.Join(' ', arguments)}: {result.Errors.Trim()}";
    }
}
