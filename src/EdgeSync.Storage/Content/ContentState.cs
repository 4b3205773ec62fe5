namespace EdgeSync.Storage.Content;

/// <summary>The result of reading an artifact's text.</summary>
public enum ContentState
{
    /// <summary>The text is available.</summary>
    Available,

    /// <summary>No such record.</summary>
    Unknown,

    /// <summary>Only the name is known.</summary>
    Phantom,

    /// <summary>A delta whose chain ends in a phantom or in nothing.</summary>
    SourceMissing,

    /// <summary>The stored bytes cannot be expanded; see <see cref="ContentFault"/>.</summary>
    Damaged,
}

/// <summary>Why a stored artifact cannot be expanded, in words, and at which record of its delta chain.</summary>
public readonly record struct ContentFault(EdgeSync.Primitives.RecordId Rid, string Reason);
