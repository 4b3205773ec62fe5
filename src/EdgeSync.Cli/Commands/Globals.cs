using System.CommandLine;

namespace EdgeSync.Cli.Commands;

/// <summary>Options that every command knows.</summary>
internal static class Globals
{
    public static Option<string?> Repo { get; } = new("--repo", "-R")
    {
        Description = "Repository file; otherwise that of the checkout or the only *.fossil here or above.",
        HelpName = "FILE",
        Recursive = true,
    };

    public static Option<bool> Verbose { get; } = new("--verbose", "-v") { Description = "Say more, on stderr.", Recursive = true };

    public static Option<bool> Json { get; } = new("--json") { Description = "One JSON object on stdout (docs/cli.md).", Recursive = true };

    public static Option<string?> MemoryLimit { get; } = new("--memory-limit")
    {
        Description = "Memory to work in, such as 96M; otherwise what machine or control group give.",
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
