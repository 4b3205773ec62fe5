using System.CommandLine;
using EdgeSync.Fossil.Glob;
using EdgeSync.Primitives;
using EdgeSync.Storage.Checkout;

namespace EdgeSync.Cli.Commands.Checkout;

internal static class AddCommand
{
    private static readonly Argument<string[]> Files = new("FILES")
    {
        Description = "Files and folders.",
        Arity = ArgumentArity.ZeroOrMore,
    };

    private static readonly Option<bool> Force = new("--force", "-f")
    {
        Description = "Add ignored files that are named, without a question."
    };

    private static readonly Option<bool> ResetAdded = new("--reset")
    {
        Description = "Take back all that was added and is not committed."
    };

    private static readonly Option<bool> ResetAll = new("--reset")
    {
        Description = "Take back all that was added or removed and is not committed."
    };

    private static readonly Option<bool> AllowReserved = new("--allow-reserved")
    {
        Description = "Also names that Windows cannot hold."
    };

    public static CommandSpec Create() => new("add", "Track files: the next commit adds them.", Run)
    {
        Arguments = { Files },
        Options =
        {
            FileOptions.DotFiles, Force, FileOptions.Ignore, FileOptions.Clean, ResetAdded, AllowReserved,
            FileOptions.DryRun,
        },
        Notes = "A folder stands for its files, without those that 'ignore-glob' or 'clean-glob' name, or that begin "
            + "with a dot.",
        Examples = ["add src README.md", "add --dotfiles .", "add --reset"],
    };

    public static CommandSpec CreateAddRemove() =>
        new("addremove", "Track all new files, and stop tracking missing ones.", RunAddRemove)
        {
            Options =
            {
                FileOptions.DotFiles, FileOptions.Ignore, FileOptions.Clean, ResetAll, FileOptions.DryRun,
            },
            Examples = ["addremove", "addremove --dry-run"],
        };

    private static ExitCode Run(CommandContext context)
    {
        using var checkout = context.OpenCheckout();
        var isDryRun = context.Get(FileOptions.DryRun);
        if (context.Get(ResetAdded))
        {
            context.Output.Write(
                ResetReport(context, checkout, CheckoutEditing.Reset(checkout, isOfAdded: true, isDryRun)));
            return ExitCode.Ok;
        }

        if (context.Get(Files) is not { Length: > 0 } files)
            throw new EdgeSyncException(ErrorKind.Usage, "FILES is missing", "edgesync add --help");

        var names = context.NamesOf(checkout, files);
        if (!context.Get(AllowReserved)) RequirePortable(names);
        var question = new Question(context.Output, context.Get(Force) ? true : null);
        var done = CheckoutEditing.Add(
            checkout, names, FilterOf(context, checkout),
            name => question.Ask($"file \"{DisplayText.Name(name)}\" matches \"ignore-glob\".  Add it"),
            out var skipped, isDryRun);
        context.Output.Write(FileActionsReport.Of(isDryRun, done, skipped).Warn(context.Output));
        return ExitCode.Ok;
    }

    private static ExitCode RunAddRemove(CommandContext context)
    {
        using var checkout = context.OpenCheckout();
        var isDryRun = context.Get(FileOptions.DryRun);
        if (context.Get(ResetAll))
        {
            context.Output.Write(ResetReport(
                context, checkout,
                [
                    .. CheckoutEditing.Reset(checkout, isOfAdded: false, isDryRun),
                    .. CheckoutEditing.Reset(checkout, isOfAdded: true, isDryRun),
                ]));
            return ExitCode.Ok;
        }

        var done = CheckoutEditing.AddRemove(checkout, FilterOf(context, checkout), out var skipped, isDryRun);
        var added = done.Count(f => f.Action == "ADDED");
        context.Output.Write(
            (FileActionsReport.Of(
                isDryRun, [.. done.Where(f => f.Action != "SKIP")], skipped) with
            {
                WidthOfDeleted = 8,
                Summary =
                [
                    $"added {added} files, deleted {done.Count(f => f.Action == "DELETED")} files",
                    .. isDryRun ? (string[])["Dry-run mode: no changes were made."] : [],
                ],
            }).Warn(context.Output));
        return ExitCode.Ok;
    }

    internal static FileActionsReport ResetReport(
        CommandContext context, WorkingCheckout checkout, IReadOnlyList<EditedFile> done)
    {
        var isDryRun = context.Get(FileOptions.DryRun);
        var summary = new List<string>();
        foreach (var group in done.GroupBy(f => f.Action == "UNADDED"))
        {
            if (context.IsVerbose)
                summary.AddRange(group.Select(f => WordOf(f.Action, isDryRun) + DisplayText.Name(
                    Shown(checkout, f.Name))));
            summary.Add(
                group.Key ? $"Un-added {group.Count()} file(s)."
                    : $"Un-removed {group.Count(f => f.Action == "UNREMOVED")} file(s).");
        }

        return FileActionsReport.Of(isDryRun, done) with { IsSummaryOnly = true, Summary = summary };
    }

    private static string WordOf(string action, bool isDryRun) => action switch
    {
        "UNADDED" => "Un-added: ",
        "UNREMOVED" => "Un-removed: ",
        _ => isDryRun ? "Dry-run: not restoring missing file: " : "Restored missing file: ",
    };

    private static string Shown(WorkingCheckout checkout, string name)
    {
        var path = checkout.Display(name, Environment.CurrentDirectory);
        return path.StartsWith("../", StringComparison.Ordinal) ? path : "./" + path;
    }

    private static UntrackedFilter FilterOf(CommandContext context, WorkingCheckout checkout) =>
        FileOptions.Filter(context) with
        {
            Clean = context.Get(FileOptions.Clean) is { } clean ? new NameGlob(clean)
                : checkout.Settings.Glob("clean-glob"),
        };

    private static void RequirePortable(IEnumerable<string> names)
    {
        var reserved = names.Where(Fossil.Checkout.WindowsName.IsReserved).ToList();
        if (reserved.Count > 0)
            throw new EdgeSyncException(
                ErrorKind.Usage, "Windows cannot hold files of these names", "--allow-reserved adds them anyway")
            {
                Candidates = [.. reserved.Take(11)],
            };
    }
}
