using System.Text.Json.Serialization;

namespace EdgeSync.Node.Control;

/// <summary>Why a request failed.</summary>
/// <param name="Kind">A word per exit code.</param>
internal sealed record Failure(
    [property: JsonRequired] string Kind, [property: JsonRequired] string Message, string? Hint,
    IReadOnlyList<string> Candidates);
