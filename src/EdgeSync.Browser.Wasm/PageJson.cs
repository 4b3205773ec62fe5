using System.Text.Json.Serialization;

namespace EdgeSync.Browser.Wasm;

// Setters, not init: the generated reader would set every absent member of those to the default of its type.

/// <summary>What a page gives to open a repository, or to clone one.</summary>
internal sealed record OpenOptions
{
    public string NatsUrl { get; set; } = "";

    public double PollSeconds { get; set; } = 5;

    public string? ProjectCode { get; set; }

    public string Prefix { get; set; } = "fossil";

    public string? Name { get; set; }

    public string? User { get; set; }

    public string? Password { get; set; }

    public bool Push { get; set; } = true;
}

internal sealed record TimelineOptions
{
    public int Limit { get; set; } = 50;

    public string? Branch { get; set; }

    /// <summary>Milliseconds since 1970.</summary>
    public double? Before { get; set; }
}

internal sealed record CommitFile(string Name, int? Size, bool? Executable);

internal sealed record CommitOptions
{
    public string Comment { get; set; } = "";

    public string User { get; set; } = "";

    public string? Branch { get; set; }

    public string? Parent { get; set; }

    public IReadOnlyList<CommitFile> Files { get; set; } = [];
}

internal sealed record TimelineEntry(
    string Hash, double Date, string User, string Comment, string Branch, IReadOnlyList<string> Tags,
    IReadOnlyList<string> Parents, bool IsLeaf);

internal sealed record FileEntry(string Name, string Hash, bool Executable, bool Symlink);

internal sealed record CloneResult(int Artifacts, int Rounds, int CheckIns, double Bytes, string ProjectCode);

internal sealed record SyncResult(int Sessions, int Received, int Sent, IReadOnlyList<string> Errors);

internal sealed record StatusResult(
    bool Connected, string State, IReadOnlyList<string> Reasons, string? ProjectCode, string? ProjectName, int CheckIns,
    int Unsent, double Bytes);

/// <summary>An event for the page; which members it has depends on its type.</summary>
internal sealed record PageEvent(string Type)
{
    public bool? Connected { get; set; }

    public string? Target { get; set; }

    public int? Received { get; set; }

    public int? Sent { get; set; }

    public string? Error { get; set; }
}

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(OpenOptions))]
[JsonSerializable(typeof(TimelineOptions))]
[JsonSerializable(typeof(CommitOptions))]
[JsonSerializable(typeof(IReadOnlyList<TimelineEntry>))]
[JsonSerializable(typeof(IReadOnlyList<FileEntry>))]
[JsonSerializable(typeof(TimelineEntry))]
[JsonSerializable(typeof(CloneResult))]
[JsonSerializable(typeof(SyncResult))]
[JsonSerializable(typeof(StatusResult))]
[JsonSerializable(typeof(PageEvent))]
internal sealed partial class PageJson : JsonSerializerContext;
