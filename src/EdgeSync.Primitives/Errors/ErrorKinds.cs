namespace EdgeSync.Primitives;

/// <summary>Kinds of failure as words, for JSON and telemetry.</summary>
public static class ErrorKinds
{
    /// <summary>The word for a kind in JSON.</summary>
    public static string Word(ErrorKind kind) => kind switch
    {
        ErrorKind.Usage => "usage",
        ErrorKind.NotFound => "not_found",
        ErrorKind.Ambiguous => "ambiguous",
        ErrorKind.Conflict => "conflict",
        ErrorKind.Denied => "denied",
        ErrorKind.Unavailable => "unavailable",
        ErrorKind.Corrupt => "corrupt",
        ErrorKind.Protocol => "protocol",
        _ => "system",
    };

    /// <summary>The kind for a word in JSON; an unknown word (of a newer daemon) is <see
    /// cref="ErrorKind.System"/>.</summary>
    public static ErrorKind Parse(string word)
    {
        foreach (var kind in Enum.GetValues<ErrorKind>())
        {
            if (Word(kind) == word) return kind;
        }

        return ErrorKind.System;
    }
}
