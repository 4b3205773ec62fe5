using System.Text.Json.Serialization;

namespace EdgeSync.Node.Notify;

/// <summary>What a client of the HTTP interface sends; each route reads its own members (docs/notify.md).</summary>
internal sealed record NotifyRequest
{
    public string? Project { get; init; }

    public string? Thread { get; init; }

    /// <summary>A message id or a thread.</summary>
    public string? Target { get; init; }

    public string? Body { get; init; }

    public string? Priority { get; init; }

    /// <summary>Labels, with commas in between.</summary>
    public string? Actions { get; init; }

    public string? Action { get; init; }

    public IReadOnlyList<string>? Ids { get; init; }

    /// <summary>The token of the session, for a client that logged in by the form of the pages.</summary>
    public string? Csrf { get; init; }
}

internal sealed record NotifyThreadsAnswer(IReadOnlyList<NotifyThreadItem> Threads);

internal sealed record NotifyMessagesAnswer(IReadOnlyList<NotifyItem> Messages);

internal sealed record NotifyMessageAnswer(NotifyItem Message);

internal sealed record NotifyReadAnswer(int Read);

/// <param name="Login">Whose rights the client has; null: those of <c>nobody</c>.</param>
/// <param name="Csrf">The token that changes must bring, for a client with a cookie.</param>
internal sealed record NotifyStatusAnswer(
    string Device, string ProjectCode, string? Login, IReadOnlyList<NotifyProjectItem> Projects,
    IReadOnlyList<NotifyDeviceItem> Devices, string? Csrf);

internal sealed record NotifyErrorAnswer(string Error);

[JsonSourceGenerationOptions(
    GenerationMode = JsonSourceGenerationMode.Metadata,
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(NotifyRequest))]
[JsonSerializable(typeof(NotifyThreadsAnswer))]
[JsonSerializable(typeof(NotifyMessagesAnswer))]
[JsonSerializable(typeof(NotifyMessageAnswer))]
[JsonSerializable(typeof(NotifyReadAnswer))]
[JsonSerializable(typeof(NotifyStatusAnswer))]
[JsonSerializable(typeof(NotifyErrorAnswer))]
internal sealed partial class NotifyContext : JsonSerializerContext;
