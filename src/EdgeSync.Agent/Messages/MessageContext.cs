using System.Text.Json.Serialization;

namespace EdgeSync.Agent.Messages;

/// <summary>The members of an announcement on the wire, in the original's order and spelling.</summary>
internal sealed record AnnouncementFields
{
    public long? Rid { get; init; }

    public string? Uuid { get; init; }

    // The original writes it always.
    [JsonIgnore(Condition = JsonIgnoreCondition.Never)]
    public string? PeerId { get; init; }

    public string? Kind { get; init; }

    public string? Role { get; init; }

    public string? Hub { get; init; }

    public List<string>? With { get; init; }
}

/// <summary>The members of a presence message on the wire; times in seconds.</summary>
internal sealed record PresenceFields
{
    public string? PeerId { get; init; }

    public string? State { get; init; }

    public string? Role { get; init; }

    public string? Hub { get; init; }

    public string? Version { get; init; }

    public string? Platform { get; init; }

    public List<string>? Capabilities { get; init; }

    public long? Interval { get; init; }

    [JsonPropertyName("checkins")]
    public long? CheckIns { get; init; }

    public string? Head { get; init; }

    public long? SinceSync { get; init; }

    public string? Instance { get; init; }

    public string? Behind { get; init; }
}

[JsonSourceGenerationOptions(
    GenerationMode = JsonSourceGenerationMode.Metadata,
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(AnnouncementFields))]
[JsonSerializable(typeof(PresenceFields))]
internal sealed partial class MessageContext : JsonSerializerContext;
