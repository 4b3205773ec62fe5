using System.CommandLine;

namespace EdgeSync.Cli.Commands;

/// <summary>Who signs what a command makes.</summary>
internal static class AuthorOptions
{
    public static Option<string?> User { get; } = new("--user", "-u")
    {
        Description = "User name to record (default: your login).",
        HelpName = "LOGIN"
    };
}
