using System.Text.Json.Serialization;

namespace EdgeSync.Node.Status;

/// <summary>
/// A status and the file of addresses as JSON: names in snake case; null is omitted (docs/status.md).
/// </summary>
[JsonSourceGenerationOptions(
    GenerationMode = JsonSourceGenerationMode.Metadata,
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    RespectNullableAnnotations = true)]
[JsonSerializable(typeof(NodeStatus))]
[JsonSerializable(typeof(IrohStatus))]
[JsonSerializable(typeof(IReadOnlyDictionary<string, string>))]
internal sealed partial class StatusContext : JsonSerializerContext;
