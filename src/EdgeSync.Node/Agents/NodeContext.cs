using EdgeSync.Agent;
using EdgeSync.Node.Repositories;
using EdgeSync.Primitives;
using EdgeSync.Storage;
using Microsoft.Extensions.Logging;

namespace EdgeSync.Node.Agents;

/// <summary>State shared by the repositories of one node.</summary>
/// <param name="NodeId">One token, stable: the name by which peers address this node.</param>
/// <param name="Capabilities">The capabilities in its presence messages.</param>
/// <param name="Clock">The time, and all delays and timers.</param>
/// <param name="Failed">Called with a bug; ends the process.</param>
internal sealed record NodeContext(
    string NodeId, NodeRole Role, IReadOnlyList<string> Capabilities, TimeProvider Clock, ILogger Log,
    Action<Exception> Failed)
{
    /// <summary>The scheduler of loops. A simulation runs all of them in order, in virtual time.</summary>
    public TaskScheduler Scheduler { get; init; } = TaskScheduler.Default;

    /// <summary>The source of randomness: seeds, names of transfers.</summary>
    public Entropy Entropy { get; init; } = SystemEntropy.Instance;

    /// <summary>The failed logins at all ports of the node.</summary>
    public LoginAccount Logins { get; init; } = new(Clock);

    /// <summary>Different for each run: it distinguishes this node from another with its node id.</summary>
    public string Instance { get; init; } = SystemEntropy.Instance.NextHex(8);

    /// <summary>An outside server may store announcements; JetStream is detected when it is connected.</summary>
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
