using System.CommandLine;

namespace EdgeSync.Cli.Commands;

/// <summary>The user of new artifacts.</summary>
internal static class AuthorOptions
{
    public static Option<string?> User { get; } = new("--user", "-u")
    {
        Description = "User name to record (default: your login).",
        HelpName = "LOGIN"
    };
}
