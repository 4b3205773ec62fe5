using System.Text.Json.Serialization;

namespace EdgeSync.Node.Status;

/// <param name="Name">One word, such as <c>repository</c>; two of a kind carry their subject:
/// <c>repository:site.fossil</c>.</param>
/// <param name="Detail">The result, in one line. A state other than ok without a reason is a bug.</param>
/// <param name="Hint">What to try.</param>
public sealed record NodeCheck(string Name, CheckState State, string? Detail = null, string? Hint = null)
{
    internal static NodeCheck Of(string name, string? fault) =>
        new(name, fault is null ? CheckState.Ok : CheckState.Failed, fault);
}

/// <summary>The result of one check of a daemon or of <c>doctor</c>.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<CheckState>))]
public enum CheckState
{
    [JsonStringEnumMemberName("ok")]
    Ok,

    /// <summary>Works, but needs attention: readiness stays.</summary>
    [JsonStringEnumMemberName("warning")]
    Warning,

    [JsonStringEnumMemberName("failed")]
    Failed,
}
