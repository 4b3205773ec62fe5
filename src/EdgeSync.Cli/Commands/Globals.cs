using System.CommandLine;

namespace EdgeSync.Cli.Commands;

/// <summary>Options of every command.</summary>
internal static class Globals
{
    public static Option<string?> Repo { get; } = new("--repo", "-R")
    {
        Description = "Repository file (default: that of the checkout, or the only *.fossil here or above).",
        HelpName = "FILE",
        Recursive = true,
    };

    /// <summary>The same, as an argument: for commands whose only subject is a repository.</summary>
    public static Argument<string?> RepoArgument { get; } = new("REPO")
    {
        Description = "Repository file, in place of -R.",
        Arity = ArgumentArity.ZeroOrOne,
    };

    public static Option<bool> Verbose { get; } = new("--verbose", "-v")
    {
        Description = "Print more, on stderr.",
        Recursive = true
    };

    public static Option<bool> Json { get; } = new("--json")
    {
        Description = "Print one JSON object on stdout (docs/cli.md).",
        Recursive = true
    };

    public static Option<string?> MemoryLimit { get; } = new("--memory-limit")
    {
        Description = "Memory limit, e.g. 96M (default: what the system or cgroup allows).",
        HelpName = "SIZE",
        Recursive = true,
    };

    public static void AddTo(Command root)
    {
        root.Options.Add(Repo);
        root.Options.Add(Verbose);
        root.Options.Add(Json);
        root.Options.Add(MemoryLimit);
    }
}
