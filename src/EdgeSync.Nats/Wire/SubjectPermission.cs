using System.Text.Json.Serialization;

namespace EdgeSync.Nats.Wire;

/// <summary>
/// Subjects that are allowed and denied, as the <c>import</c> and <c>export</c> of a leaf's INFO list them.
/// </summary>
public sealed record SubjectPermission
{
    /// <summary>Empty: everything that is not denied.</summary>
    [JsonPropertyName("allow")]
    public IReadOnlyList<string> Allow { get; init => field = value ?? []; } = [];

    [JsonPropertyName("deny")]
    public IReadOnlyList<string> Deny { get; init => field = value ?? []; } = [];
}
