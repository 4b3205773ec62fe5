using System.Diagnostics;
using System.Globalization;
using System.Text;

namespace EdgeSync.Tests.Support;

/// <summary>What stands between a machine and the network (RFC 4787 §4, §5).</summary>
internal enum NatKind
{
    /// <summary>A router without translation.</summary>
    None,

    /// <summary>One mapping for all destinations, which lets everyone in.</summary>
    EndpointIndependent,

    /// <summary>One mapping for all destinations, which lets those addresses in that were sent to.</summary>
    AddressDependent,

    /// <summary>A mapping of its own, with a port by chance, for each destination; it lets that one in.</summary>
    Symmetric,

    /// <summary>As <see cref="AddressDependent"/>, but no UDP goes through.</summary>
    UdpBlocked,
}

/// <summary>
/// Machines behind routers, in network namespaces: a core with the address of a relay, and on each of two sides one
/// router and one machine for each kind of NAT. All machines behind NATs have the same private address. Skipped where
/// the right to make namespaces is missing.
/// </summary>
internal sealed class NatNetwork : IDisposable
{
    public const string RelayAddress = "10.98.9.9";

    private static int _count;

    // Names of devices hold 15 characters.
    private readonly string _name = $"en{Environment.ProcessId}x{Interlocked.Increment(ref _count)}";
    private readonly List<string> _namespaces = [];

    public NatNetwork(IReadOnlyCollection<NatKind> here, IReadOnlyCollection<NatKind> there)
    {
        var core = Add("c");
        // A kernel without these rules says so here.
        var refusal = Run($"""
            ip netns add {core}
            ip netns exec {core} nft '{RulesOf(NatKind.AddressDependent, "192.0.2.1")}'
            ip netns exec {core} nft flush ruleset
            """);
        if (refusal is not null)
        {
            Dispose();
            Skip.Test($"needs the right to make network namespaces (iproute2, nftables, root): {refusal}");
        }

        var script = new StringBuilder();
        script.AppendLine(CultureInfo.InvariantCulture, $"""
            ip -n {core} link set lo up
            ip -n {core} addr add {RelayAddress}/32 dev lo
            ip netns exec {core} sh -c 'echo 1 > /proc/sys/net/ipv4/ip_forward'
            """);
        foreach (var kind in here) AddSide(script, core, 1, kind);
        foreach (var kind in there) AddSide(script, core, 2, kind);
        if (Run(script.ToString()) is not { } failure) return;
        Dispose();
        Assert.Fail(failure);
    }

    /// <summary>The namespace of the relay.</summary>
    public string Core => _namespaces[0];

    /// <summary>The namespace of a machine.</summary>
    /// <param name="side">1 or 2.</param>
    public string Machine(int side, NatKind kind) => $"{_name}-m{side}{(int)kind}";

    /// <summary>Gives a machine without a NAT another address in place of the one it has.</summary>
    public void Readdress(int side, int last) => Assert.Null(Run($"""
        ip -n {Machine(side, NatKind.None)} addr flush dev eth
        ip -n {Machine(side, NatKind.None)} addr add 10.{110 + side}.{(int)NatKind.None}.{last}/24 dev eth
        ip -n {Machine(side, NatKind.None)} route add default via 10.{110 + side}.{(int)NatKind.None}.1
        """));

    /// <summary>
    /// Plugs a machine into another router of the same kind: it gets another address there, and another one outside.
    /// Its interface has the address for a moment before it is up.
    /// </summary>
    public void SwitchUplink(int side, NatKind kind)
    {
        var number = (int)kind;
        var local = kind == NatKind.None ? $"10.{130 + side}.{number}" : "192.168.2";
        var router = Add($"r{side}{number}u");
        var script = new StringBuilder();
        AddRouter(script, router, kind, $"c{side}{number}u", $"10.{120 + side}.{number}", local);
        script.AppendLine(CultureInfo.InvariantCulture, $"""
            ip link add lan netns {router} type veth peer name uplink netns {Machine(side, kind)}
            ip -n {router} addr add {local}.1/24 dev lan
            ip -n {router} link set lan up
            ip -n {Machine(side, kind)} link del eth
            ip -n {Machine(side, kind)} addr add {local}.2/24 dev uplink
            sleep 0.3
            ip -n {Machine(side, kind)} link set uplink up
            ip -n {Machine(side, kind)} route add default via {local}.1
            """);
        Assert.Null(Run(script.ToString()));
    }

    /// <summary>The command line of a program on a machine.</summary>
    public static string[] Command(string where, params string[] command) => ["ip", "netns", "exec", where, .. command];

    public static RunningProgram Begin(string where, params string[] arguments) =>
        BeginTrusting(null, where, arguments);

    /// <summary>The same, with an authority in place of those of this machine; null: those.</summary>
    public static RunningProgram BeginTrusting(string? caFile, string where, params string[] arguments) =>
        new ProgramStart("ip")
        {
            Arguments = ["netns", "exec", where, EdgeSyncProgram.Program, .. arguments],
            Environment = caFile is null
                ? new Dictionary<string, string?>()
                : new Dictionary<string, string?> { ["SSL_CERT_FILE"] = caFile },
        }.Begin();

    public void Dispose() => Run(string.Join('\n', _namespaces.Select(n => $"ip netns del {n} || true")));

    private void AddSide(StringBuilder script, string core, int side, NatKind kind)
    {
        var number = (int)kind;
        var (router, machine) = (Add($"r{side}{number}"), Add($"m{side}{number}"));
        var local = kind == NatKind.None ? $"10.{110 + side}.{number}" : "192.168.1";
        AddRouter(script, router, kind, $"c{side}{number}", $"10.{100 + side}.{number}", local);
        script.AppendLine(CultureInfo.InvariantCulture, $"""
            ip netns add {machine}
            ip link add lan netns {router} type veth peer name eth netns {machine}
            ip -n {router} addr add {local}.1/24 dev lan
            ip -n {router} link set lan up
            ip -n {machine} link set lo up
            ip -n {machine} addr add {local}.2/24 dev eth
            ip -n {machine} link set eth up
            ip -n {machine} route add default via {local}.1
            """);
    }

    // Between the core, where it has the network "wide", and the machines of the network "local".
    private void AddRouter(
        StringBuilder script, string router, NatKind kind, string device, string wide, string local)
    {
        script.AppendLine(CultureInfo.InvariantCulture, $"""
            ip netns add {router}
            ip link add wan netns {router} type veth peer name {device} netns {Core}
            ip -n {Core} addr add {wide}.1/24 dev {device}
            ip -n {Core} link set {device} up
            ip -n {router} addr add {wide}.2/24 dev wan
            ip -n {router} link set wan up
            ip -n {router} route add default via {wide}.1
            ip netns exec {router} sh -c 'echo 1 > /proc/sys/net/ipv4/ip_forward'
            """);
        script.AppendLine(
            kind == NatKind.None
                ? $"ip -n {Core} route add {local}.0/24 via {wide}.2"
                : $"ip netns exec {router} nft '{RulesOf(kind, $"{local}.2")}'");
    }

    // A router that took a datagram for itself would keep its address, and map the machine's to another port.
    private static string RulesOf(NatKind kind, string machine) => "table ip n { "
        + "set seen { type ipv4_addr; flags dynamic,timeout; timeout 60s; size 1024; }\n"
        + "chain input { type filter hook input priority 0; meta l4proto udp drop; }\n"
        + "chain out { type filter hook forward priority 0; oifname wan meta l4proto udp "
        + (kind == NatKind.UdpBlocked ? "drop; }\n" : "add @seen { ip daddr }; }\n")
        + kind switch
        {
            NatKind.EndpointIndependent =>
                "chain in { type nat hook prerouting priority -100; "
                + $"iifname wan meta l4proto udp dnat to {machine}; }}\n",
            NatKind.AddressDependent =>
                "chain in { type nat hook prerouting priority -100; "
                + $"iifname wan meta l4proto udp ip saddr @seen dnat to {machine}; }}\n",
            _ => "",
        }
        + "chain post { type nat hook postrouting priority 100; oifname wan masquerade"
        + (kind == NatKind.Symmetric ? " fully-random; }\n}" : "; }\n}");

    private string Add(string suffix)
    {
        _namespaces.Add($"{_name}-{suffix}");
        return _namespaces[^1];
    }

    // Null: done; otherwise why not.
    private static string? Run(string script)
    {
        try
        {
            using var shell = Process.Start(new ProcessStartInfo("sh", ["-eu"])
            {
                RedirectStandardInput = true,
                RedirectStandardError = true,
                RedirectStandardOutput = true,
            })!;
            shell.StandardInput.Write(script);
            shell.StandardInput.Close();
            var errors = shell.StandardError.ReadToEnd();
            shell.WaitForExit();
            return shell.ExitCode == 0 ? null : errors.Trim();
        }
        catch (System.ComponentModel.Win32Exception e)
        {
            return e.Message;
        }
    }
}
