using EdgeSync.Primitives;

namespace EdgeSync.Storage.Authoring;

/// <summary>A branch to be started with an empty check-in.</summary>
public sealed record BranchOptions
{
    public required string Name { get; init; }

    /// <summary>The check-in at which it starts.</summary>
    public required RecordId Parent { get; init; }

    public required string User { get; init; }

    /// <summary>By default names the branch.</summary>
    public string? Comment { get; init; }

    public Instant? Date { get; init; }

    public string? Color { get; init; }

    public bool IsPrivate { get; init; }
}
