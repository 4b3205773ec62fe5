using System.Text.Json.Serialization;

namespace EdgeSync.Node.Status;

/// <summary>A check-out folder whose changes are committed automatically.</summary>
/// <param name="State"><c>watching</c>, <c>settling</c> (changes, waiting for quiet), <c>committing</c> or
/// <c>failed</c>.</param>
/// <param name="Warning">Files that are not committed although the others are, such as a named pipe or an unreadable
/// file.</param>
public sealed record FolderWatchStatus(
    string Folder, string State, DateTimeOffset? LastCommitAt = null, string? LastError = null,
    [property: JsonPropertyOrder(1)] long Commits = 0, string? Warning = null)
{
    /// <summary>The last error concerns some files; the others are committed.</summary>
    internal bool IsPartial { get; init; }
}
