using EdgeSync.Agent;
using EdgeSync.Node.Iroh;
using EdgeSync.Node.Repositories;
using EdgeSync.Primitives;
using EdgeSync.Storage;
using Microsoft.Extensions.Logging;

namespace EdgeSync.Node.Agents;

/// <summary>The iroh endpoint as the repositories of a node use it.</summary>
/// <param name="Connections">For streams to peers.</param>
/// <param name="CapabilitiesAt">The capabilities of the peer behind an origin of NATS messages, at the repository with
/// this file; null for another origin than a peer of the endpoint.</param>
internal sealed record IrohAccess(PeerConnections Connections, Func<string, string, string?> CapabilitiesAt);

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

    /// <summary>The iroh endpoint; null without one. Set before repositories are opened.</summary>
    public IrohAccess? Iroh { get; set; }

    /// <summary>A generator of its own for each core.</summary>
    public Prng NewPrng()
    {
        Span<byte> seed = stackalloc byte[8];
        Entropy.Fill(seed);
        return new Prng(BitConverter.ToUInt64(seed));
    }
}
