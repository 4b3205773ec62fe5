namespace EdgeSync.Storage.Git;

/// <summary>How a stream of git becomes check-ins.</summary>
public sealed record GitImportOptions
{
    /// <summary>The tag of roots, and the main branch.</summary>
    public string TrunkName { get; init; } = "trunk";

    /// <summary>The branch that git calls <c>master</c>.</summary>
    public string MasterName { get; init; } = "master";

    /// <summary>The author is the user of a check-in, not the committer.</summary>
    public bool UsesAuthor { get; init; }

    /// <summary>Users by mail address.</summary>
    public IReadOnlyDictionary<string, string> Users { get; init; } = new Dictionary<string, string>();

    /// <summary>Around the names of branches.</summary>
    public (string Before, string Behind) BranchAffix { get; init; } = ("", "");

    /// <summary>Around the names of tags.</summary>
    public (string Before, string Behind) TagAffix { get; init; } = ("", "");

    /// <summary>Marks of an earlier run; null for none.</summary>
    public string? MarksToRead { get; init; }

    /// <summary>Where this run's marks go; null for nowhere.</summary>
    public string? MarksToWrite { get; init; }

    /// <summary>Called with texts of the stream, and the date of each commit.</summary>
    public Action<string>? Progress { get; init; }
}

/// <summary>What an import has made.</summary>
public sealed record GitImportResult(long Blobs, long Checkins, long Tags);
