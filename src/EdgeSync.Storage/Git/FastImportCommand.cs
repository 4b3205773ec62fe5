namespace EdgeSync.Storage.Git;

/// <summary>One command of a fast-import stream.</summary>
internal abstract record FastImportCommand;

/// <param name="Mark">Such as <c>:5</c>, or null.</param>
internal sealed record BlobCommand(string? Mark, byte[] Data) : FastImportCommand;

/// <summary>The author or committer of a command, and the time.</summary>
/// <param name="Contact">Name and address as they are: <c>Alice &lt;alice@example.org&gt;</c>.</param>
internal readonly record struct GitPerson(string Contact, long UnixSeconds)
{
    /// <summary>What stands in the angle brackets.</summary>
    public string Email
    {
        get
        {
            var first = Contact.IndexOf('<', StringComparison.Ordinal);
            return first < 0 ? Contact : Contact[(first + 1)..].TrimEnd('>');
        }
    }
}

/// <summary>A change of the tree.</summary>
/// <param name="Kind"><c>M</c>, <c>D</c>, <c>C</c>, <c>R</c>, or <c>*</c> for <c>deleteall</c>.</param>
/// <param name="Mode">Of <c>M</c>.</param>
/// <param name="Reference">Of <c>M</c>: a mark or hash; null when the data is in line.</param>
/// <param name="Data">Of <c>M</c>, in line.</param>
/// <param name="Path">The path, each byte a character.</param>
/// <param name="To">Of <c>C</c> and <c>R</c>.</param>
internal readonly record struct TreeChangeCommand(
    char Kind, string Mode, string? Reference, byte[]? Data, string Path, string To)
{
    /// <summary>The path holds a commit of another repository.</summary>
    public bool IsSubmodule => Kind == 'M' && Mode == "160000";
}

/// <param name="Reference">Such as <c>refs/heads/main</c>.</param>
/// <param name="From">The parent; null when it is not named.</param>
internal sealed record CommitCommand(
    string Reference, string? Mark, GitPerson? Author, GitPerson? Committer, byte[] Message, string? From,
    IReadOnlyList<string> Merges, IReadOnlyList<TreeChangeCommand> Changes) : FastImportCommand;

internal sealed record TagCommand(string Name, string? From, GitPerson? Tagger, byte[] Message) : FastImportCommand;

internal sealed record ResetCommand(string Reference, string? From) : FastImportCommand;

internal sealed record ProgressCommand(string Text) : FastImportCommand;
