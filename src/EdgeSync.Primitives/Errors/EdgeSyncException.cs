namespace EdgeSync.Primitives;

/// <summary>What a caller can do about a failure. One kind per reaction, never one per place.</summary>
public enum ErrorKind
{
    /// <summary>The request itself is wrong: fix the arguments.</summary>
    Usage,

    /// <summary>What was named does not exist here.</summary>
    NotFound,

    /// <summary>A name matches several things: give more of it.</summary>
    Ambiguous,

    /// <summary>A conflict (exists already, would fork, has local edits): choose with an option and repeat.</summary>
    Conflict,

    /// <summary>Credentials or capabilities do not suffice.</summary>
    Denied,

    /// <summary>May work later: busy, unreachable, timed out.</summary>
    Unavailable,

    /// <summary>Stored data is damaged: run verify or rebuild.</summary>
    Corrupt,

    /// <summary>The peer did not follow the protocol; nothing was stored.</summary>
    Protocol,

    /// <summary>The disk or system refused: full, read-only, no permission.</summary>
    System,
}

/// <summary>
/// An operation failed. The message names the operation, its object, what was expected and found; the hint names what
/// to try. Only <c>Program</c> turns kinds into exit codes.
/// </summary>
public class EdgeSyncException(ErrorKind kind, string message, string? hint = null, Exception? inner = null)
    : Exception(message, inner)
{
    public ErrorKind Kind { get; } = kind;

    /// <summary>A command or action to try, or null.</summary>
    public string? Hint { get; } = hint;

    /// <summary>What a name could have meant, for <see cref="ErrorKind.Ambiguous"/>; otherwise empty.</summary>
    public IReadOnlyList<string> Candidates { get; init; } = [];
}
