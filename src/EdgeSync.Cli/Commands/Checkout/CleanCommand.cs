using System.CommandLine;
using EdgeSync.Cli.Printing;
using EdgeSync.Fossil.Glob;
using EdgeSync.Primitives;
using EdgeSync.Storage.Checkout;

namespace EdgeSync.Cli.Commands.Checkout;

internal static class CleanCommand
{
    private static readonly Option<bool> Force = new("--force", "-f") { Description = "Never prompt." };
    private static readonly Option<bool> Prompt = new("--prompt", "-i")
    {
        Description = "Ask for each file; nothing is kept for undo."
    };
    private static readonly Option<bool> NoPrompt = new("--no-prompt")
    {
        Description = "Answer every question with no."
    };
    private static readonly Option<bool> Verily = new("--verily", "-x")
    {
        Description = "Remove everything that is not tracked: --force --emptydirs --dotfiles --disable-undo."
    };
    private static readonly Option<bool> Folders = new("--emptydirs", "-d")
    {
        Description = "Remove empty folders too."
    };
    private static readonly Option<bool> FoldersOnly = new("--dirsonly") { Description = "Remove empty folders only." };
    private static readonly Option<bool> AllCheckouts = new("--allckouts")
    {
        Description = "Look for empty folders in other checkouts inside of this one, too."
    };
    private static readonly Option<bool> NoUndo = new("--disable-undo") { Description = "Keep nothing for undo." };
    private static readonly Option<bool> Temporary = new("--temp")
    {
        Description = "Only files that a merge left beside its own."
    };
    private static readonly Option<string?> Keep = new("--keep")
    {
        Description = "Globs of files to keep, in place of 'keep-glob'.",
        HelpName = "GLOBS",
    };
    private static readonly Option<string?> CleanGlobs = new("--clean")
    {
        Description = "Globs of files to remove without question or undo, in place of 'clean-glob'.",
        HelpName = "GLOBS",
    };

    public static CommandSpec Create() => new("clean", "Remove files that are not tracked.", Run)
    {
        Arguments = { FileOptions.Paths },
        Options =
        {
            FileOptions.DryRun, Force, Prompt, NoPrompt, Verily, Folders, FoldersOnly, AllCheckouts, NoUndo, Temporary,
            FileOptions.DotFiles, FileOptions.Ignore, Keep, CleanGlobs,
        },
        Notes = "'edgesync undo' restores files of up to 10 MB; larger ones need a confirmation.",
        Examples = ["clean --dry-run", "clean --force build", "clean --emptydirs"],
    };

    private static ExitCode Run(CommandContext context)
    {
        using var checkout = context.OpenCheckout();
        var isVerily = context.Get(Verily);
        var isForced = context.Get(Force) || isVerily;
        var question = new Question(context.Output, isForced ? true : context.Get(NoPrompt) ? false : null);
        var given = FileOptions.Filter(context);
        var outcome = CheckoutCleaning.Run(checkout, new CleanOptions
        {
            CommandLine = CheckoutContext.CommandLineText,
            Paths = context.NamesOf(checkout, context.Get(FileOptions.Paths)),
            Filter = given with { IgnoresNothing = isVerily },
            Keep = GlobOf(context.Get(Keep), "keep-glob"),
            Clean = isVerily ? new NameGlob("") : GlobOf(context.Get(CleanGlobs), "clean-glob"),
            RemovesFiles = !context.Get(FoldersOnly),
            RemovesFolders = context.Get(Folders) || context.Get(FoldersOnly) || isVerily,
            EntersCheckouts = context.Get(AllCheckouts),
            IsDryRun = context.Get(FileOptions.DryRun),
            HasUndo = !context.Get(NoUndo) && !isVerily,
            AsksAlways = context.Get(Prompt),
            IsTemporaryOnly = context.Get(Temporary),
            MayRemove = (name, why) => question.Ask(QuestionOf(name, why)),
        });
        var isShown = context.IsVerbose || context.Get(FileOptions.DryRun);
        context.Output.Write(new CleanReport(
            context.Get(FileOptions.DryRun), outcome.Removed, outcome.RemovedFolders, outcome.Kept, outcome.Failed,
            outcome.IsUndoable)
        { IsShown = isShown });
        return outcome.Failed.Count == 0 ? ExitCode.Ok : ExitCode.Failed;

        NameGlob GlobOf(string? text, string setting) =>
            text is not null ? new NameGlob(text) : isVerily ? new NameGlob("") : checkout.Settings.Glob(setting);
    }

    private static string QuestionOf(string name, string why) => why.Length == 0
        ? $"Remove unmanaged file \"{DisplayText.Name(name)}\""
        : $"\nWARNING: Deletion of this file will not be undoable via the 'undo'\n         command because {why}.\n\n"
            + $"Remove unmanaged file \"{DisplayText.Name(name)}\"";
}

internal sealed record CleanReport(
    bool IsDryRun, IReadOnlyList<string> Removed, IReadOnlyList<string> RemovedFolders, IReadOnlyList<string> Kept,
    IReadOnlyList<SkippedFile> Failed, bool IsUndoable) : IReport
{
    internal bool IsShown { get; init; }

    public void Print(TextWriter output) => Print(output, "\"edgesync undo\" brings the files back");

    public void PrintAsStock(TextWriter output) =>
        Print(output, " \"fossil undo\" is available to undo changes to the working checkout.");

    private void Print(TextWriter output, string notice)
    {
        if (IsShown)
        {
            var kept = Kept.ToHashSet(StringComparer.Ordinal);
            foreach (var name in Kept.Concat(Removed).Order(StringComparer.Ordinal))
                output.WriteLine(
                    kept.Contains(name)
                        ? $"KEPT file \"{DisplayText.Name(name)}\" not removed (due to --keep or \"keep-glob\")"
                        : $"Removed unmanaged file: {DisplayText.Name(name)}");
            foreach (var name in RemovedFolders) output.WriteLine(
                $"Removed unmanaged directory: {DisplayText.Name(name)}");
        }

        foreach (var file in Failed) output.WriteLine(
            $"Could not remove file: {DisplayText.Name(file.Name)}: {file.Reason}");
        if (IsUndoable) output.WriteLine(notice);
    }
}
