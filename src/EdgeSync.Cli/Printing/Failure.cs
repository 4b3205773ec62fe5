using EdgeSync.Node.Control;

namespace EdgeSync.Cli.Printing;

/// <summary>The object on stdout when a command with <c>--json</c> fails.</summary>
internal sealed record FailureReport(Failure Error);
