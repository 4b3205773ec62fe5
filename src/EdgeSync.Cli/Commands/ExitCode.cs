using EdgeSync.Primitives;

namespace EdgeSync.Cli.Commands;

/// <summary>
/// The exit codes: one number per reaction of a script. Numbers never change meaning (docs/cli.md).
/// </summary>
internal enum ExitCode
{
    /// <summary>Done.</summary>
    Ok = 0,

    /// <summary>
    /// The system failed: disk full, no permission, address in use. A supervisor need not restart at once.
    /// </summary>
    Failed = 1,

    /// <summary>The command line is wrong.</summary>
    Usage = 2,

    /// <summary>A named thing does not exist.</summary>
    NotFound = 3,

    /// <summary>A name matches several things.</summary>
    Ambiguous = 4,

    /// <summary>A conflict; a decision is needed.</summary>
    Conflict = 5,

    /// <summary>Credentials or capabilities do not suffice.</summary>
    Denied = 6,

    /// <summary>Busy, unreachable or timed out: a retry may help.</summary>
    Unavailable = 7,

    /// <summary>Stored data is damaged: run <c>edgesync repo verify</c>.</summary>
    Corrupt = 8,

    /// <summary>The peer did not speak the sync protocol; nothing was stored.</summary>
    Protocol = 9,

    /// <summary>A bug of ours.</summary>
    Bug = 70,

    /// <summary>Stopped by SIGINT before the work was done.</summary>
    Interrupted = 130,

    /// <summary>Stopped by SIGTERM before the work was done.</summary>
    Terminated = 143,
}

/// <summary>Maps kinds of failure to exit codes.</summary>
internal static class ExitCodes
{
    public static ExitCode Of(ErrorKind kind) => kind switch
    {
        ErrorKind.Usage => ExitCode.Usage,
        ErrorKind.NotFound => ExitCode.NotFound,
        ErrorKind.Ambiguous => ExitCode.Ambiguous,
        ErrorKind.Conflict => ExitCode.Conflict,
        ErrorKind.Denied => ExitCode.Denied,
        ErrorKind.Unavailable => ExitCode.Unavailable,
        ErrorKind.Corrupt => ExitCode.Corrupt,
        ErrorKind.Protocol => ExitCode.Protocol,
        _ => ExitCode.Failed,
    };

    /// <summary>The table at the end of every help page.</summary>
    public const string Help = """
        Exit codes:
          0 done   1 system error   2 usage   3 not found   4 ambiguous name
          5 conflict (already exists, would fork, other project)   6 denied
          7 unavailable: retry later   8 repository damaged: run 'edgesync repo verify'
          9 the peer did not speak the sync protocol   70 bug of edgesync   130, 143 interrupted
        """;
}
