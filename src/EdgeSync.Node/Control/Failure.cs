using System.Text.Json;
using EdgeSync.Primitives;

namespace EdgeSync.Node.Control;

/// <summary>Why something that was asked for did not happen.</summary>
/// <param name="Kind">A word per exit code.</param>
internal sealed record Failure(string Kind, string Message, string? Hint, IReadOnlyList<string> Candidates) : IJsonObject
{
    public void WriteFields(Utf8JsonWriter json)
    {
        json.Put("kind"u8, Kind);
        json.Put("message"u8, Message);
        json.Put("hint"u8, Hint);
        json.Put("candidates"u8, Candidates);
    }
}
