using System.Text.Json.Serialization;

namespace EdgeSync.Node.Mesh;

/// <summary>What a machine sends with a pairing code, as one line of JSON.</summary>
/// <param name="Token">32 hex digits.</param>
/// <param name="Name">What it calls itself.</param>
/// <param name="Ticket">By which its node can be dialled; null while none runs.</param>
internal sealed record PairRequest(string Token, string Name, string? Ticket = null)
{
    public const int BytesMax = 8 * 1024;
}

/// <summary>The answer, once a person has confirmed or refused.</summary>
/// <param name="Accepted">False: that person refused, or the code is not valid.</param>
/// <param name="Name">Of the node that was asked.</param>
/// <param name="Capabilities">Of the machine there; null when it was refused.</param>
/// <param name="ProjectCode">Of the repository that the code opens.</param>
/// <param name="Reason">Of a refusal.</param>
internal sealed record PairAnswer(
    bool Accepted, string Name, string? Capabilities = null, string? ProjectCode = null, string? Reason = null);

[JsonSourceGenerationOptions(
    GenerationMode = JsonSourceGenerationMode.Metadata, PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    RespectNullableAnnotations = true, RespectRequiredConstructorParameters = true)]
[JsonSerializable(typeof(PairRequest))]
[JsonSerializable(typeof(PairAnswer))]
internal sealed partial class PairContext : JsonSerializerContext;
