using System.Globalization;

namespace EdgeSync.FleetTests.Fleet;

/// <summary>How bad the cables and the power are.</summary>
internal enum Severity
{
    /// <summary>Nothing fails.</summary>
    Normal,

    /// <summary>A few faults of cables, and slow ones.</summary>
    Adversarial,

    /// <summary>Twice as many, and programs are killed.</summary>
    Hostile,
}

/// <summary>How the nodes of a fleet are joined.</summary>
internal enum Topology
{
    /// <summary>
    /// One server, ours or stock; leaves that are joined to it over HTTP, and repositories that <c>cron</c> syncs with
    /// it.
    /// </summary>
    Http,

    /// <summary>Leaves alone: one takes the links of the others.</summary>
    Peers,

    /// <summary>A hub with its embedded broker; leaves on leafnode links.</summary>
    Hub,

    /// <summary>A real nats-server between leaves, and a bridge to a stock Fossil server.</summary>
    Server,

    /// <summary>Three hubs in a row, leaves at both ends.</summary>
    Chain,

    /// <summary>Leaves that one of them joins by iroh: some directly, others by a relay of ours.</summary>
    Iroh,
}

/// <summary>All that decides a run; everything else is drawn from the seed.</summary>
internal sealed record FleetOptions(ulong Seed, Severity Severity, Topology Topology, int Leaves)
{
    public const int LeavesMax = 50;

    /// <summary>As the seed has it, in turns with topologies.</summary>
    public Guard Guard { get; } = (Guard)(
        Seed / (ulong)Enum.GetValues<Topology>().Length % (ulong)Enum.GetValues<Guard>().Length);

    /// <summary>How long work is done and cables are pulled.</summary>
    public TimeSpan Window { get; init; } = TimeSpan.FromSeconds(20);

    /// <summary>How long after the healing all nodes may take to agree.</summary>
    public TimeSpan ConvergenceMax { get; init; } = TimeSpan.FromSeconds(90);

    /// <summary>
    /// The line that runs it again. The plan is the same; what the processes make of it is up to the machine.
    /// </summary>
    public string ReplayLine => string.Create(
        CultureInfo.InvariantCulture,
        $"scripts/dev.sh sim real --seed {Seed} --severity {Severity.ToString().ToLowerInvariant()} --topology "
            + $"{Topology.ToString().ToLowerInvariant()} --leaves {Leaves} --window {Window.TotalSeconds:0}");

    /// <summary>Topology and size as the seed has them, where the caller set none.</summary>
    public static FleetOptions Draw(ulong seed, Severity severity, Topology? topology = null, int? leaves = null) =>
        new(
            seed, severity, topology ?? (Topology)(seed % (ulong)Enum.GetValues<Topology>().Length), leaves
            ?? 2 + (int)(seed % 4));
}
