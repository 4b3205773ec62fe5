using System.Text.Json;
using EdgeSync.Node.Control;
using EdgeSync.Primitives;

namespace EdgeSync.Cli.Printing;

/// <summary>What stands on stdout when a command with <c>--json</c> fails.</summary>
internal sealed record FailureReport(Failure Error) : IJsonObject
{
    public void WriteFields(Utf8JsonWriter json) => json.Put("error"u8, Error);
}
