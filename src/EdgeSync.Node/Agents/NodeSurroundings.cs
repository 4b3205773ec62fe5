using EdgeSync.Agent;
using EdgeSync.Node.Logging;
using EdgeSync.Storage;

namespace EdgeSync.Node.Agents;

/// <summary>What the repositories of one daemon share.</summary>
/// <param name="NodeId">One token, stable: the name by which peers address this node.</param>
/// <param name="Capabilities">What it offers, for the others' lists.</param>
/// <param name="Failed">Told of a bug; ends the process.</param>
internal sealed record NodeSurroundings(
    string NodeId, NodeRole Role, IReadOnlyList<string> Capabilities, TimeProvider Clock, ServeLog Log, Action<Exception> Failed)
{
    /// <summary>Another for each run: tells this node from another that goes by its name.</summary>
    public string Instance { get; } = SystemEntropy.Instance.NextHex(8);

    /// <summary>An outside server may keep announcements; whether it does is found out when it is there.</summary>
    public bool UsesJetStream { get; init; }

    public string? JetStreamDomain { get; init; }
}
