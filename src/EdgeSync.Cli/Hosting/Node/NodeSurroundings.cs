using EdgeSync.Agent;

namespace EdgeSync.Cli.Hosting.Node;

/// <summary>What the repositories of one daemon share.</summary>
/// <param name="NodeId">One token, stable: the name by which peers address this node.</param>
/// <param name="Capabilities">What it offers, for the others' lists.</param>
/// <param name="Failed">Told of a bug; ends the process.</param>
internal sealed record NodeSurroundings(
    string NodeId, NodeRole Role, IReadOnlyList<string> Capabilities, TimeProvider Clock, ServeLog Log, Action<Exception> Failed);
