using System.Text.Json.Serialization;
using EdgeSync.Node.Status;

namespace EdgeSync.Node.Control;

/// <summary>A status and the messages of the control socket as JSON: names in snake case; null is left out (docs/status.md).</summary>
[JsonSourceGenerationOptions(
    GenerationMode = JsonSourceGenerationMode.Metadata,
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    RespectNullableAnnotations = true)]
[JsonSerializable(typeof(NodeStatus))]
[JsonSerializable(typeof(ControlRequest))]
[JsonSerializable(typeof(ControlReply))]
[JsonSerializable(typeof(IReadOnlyDictionary<string, string>))]
internal sealed partial class NodeContext : JsonSerializerContext;
