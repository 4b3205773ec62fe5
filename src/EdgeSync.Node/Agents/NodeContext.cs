using EdgeSync.Agent;
using EdgeSync.Node.Repositories;
using EdgeSync.Primitives;
using EdgeSync.Storage;
using Microsoft.Extensions.Logging;

namespace EdgeSync.Node.Agents;

/// <summary>What the repositories of one node share.</summary>
/// <param name="NodeId">One token, stable: the name by which peers address this node.</param>
/// <param name="Capabilities">What it offers, for the others' lists.</param>
/// <param name="Clock">The time, and all delays and timers.</param>
/// <param name="Failed">Called with a bug; ends the process.</param>
internal sealed record NodeContext(
    string NodeId, NodeRole Role, IReadOnlyList<string> Capabilities, TimeProvider Clock, ILogger Log,
    Action<Exception> Failed)
{
    /// <summary>Where loops run. A simulation gives one that runs all in order, in virtual time.</summary>
    public TaskScheduler Scheduler { get; init; } = TaskScheduler.Default;

    /// <summary>All chance: seeds, names of transfers.</summary>
    public Entropy Entropy { get; init; } = SystemEntropy.Instance;

    /// <summary>The failed logins of all doors of the node.</summary>
    public LoginAccount Logins { get; init; } = new(Clock);

    /// <summary>Another for each run: tells this node from another that uses its node id.</summary>
    public string Instance { get; init; } = SystemEntropy.Instance.NextHex(8);

    /// <summary>An outside server may keep announcements; whether it does is found out when it is there.</summary>
    public bool UsesJetStream { get; init; }

    public string? JetStreamDomain { get; init; }

    /// <summary>A generator of its own for each core.</summary>
    public Prng NewPrng()
    {
        Span<byte> seed = stackalloc byte[8];
        Entropy.Fill(seed);
        return new Prng(BitConverter.ToUInt64(seed));
    }
}
