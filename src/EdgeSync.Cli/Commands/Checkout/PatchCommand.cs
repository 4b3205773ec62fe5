using System.CommandLine;
using EdgeSync.Cli.Commands.History;
using EdgeSync.Cli.Printing;
using EdgeSync.Primitives;
using EdgeSync.Storage.Checkout;

namespace EdgeSync.Cli.Commands.Checkout;

/// <summary>Uncommitted changes in one file. Spec: patch_cmd in patch.c.</summary>
internal static class PatchCommand
{
    private static readonly Argument<string[]> Words = new("FILE")
    {
        Description = "The patch; in front of it, the folder of a checkout.",
        HelpName = "[FOLDER] FILE",
        Arity = new ArgumentArity(1, 2),
    };

    private static readonly Argument<string> File = new("FILE") { Description = "The patch." };

    private static readonly Option<bool> Overwrite = new("--force", "-f") { Description = "Replace an existing file." };

    private static readonly Option<bool> Force = new("--force", "-f")
    {
        Description = "Revert what has changed here first."
    };

    public static CommandSpec Create()
    {
        var diff = new CommandSpec("diff", "Print what a patch changes, line by line.", Differ)
        {
            Arguments = { File },
            IsPaged = true,
            Examples = ["patch diff changes.patch"],
        };
        foreach (var option in DiffOptionSet.All) diff.Options.Add(option);
        return new CommandSpec("patch", "Take uncommitted changes from one checkout to another.")
        {
            new CommandSpec("create", "Write the uncommitted changes into a file.", RunCreate)
            {
                Arguments = { Words },
                Options = { Overwrite },
                Notes = "The file is an SQLite database that stock Fossil reads, too. It needs the same check-in in "
                    + "the repository where it is applied, not the same checkout.",
                Examples = ["patch create changes.patch", "patch create ~/project changes.patch --force"],
            },
            new CommandSpec("apply", "Make the changes of a patch here.", RunApply)
            {
                Arguments = { Words },
                Options = { Force, FileOptions.DryRun },
                Notes = "The checkout goes to the check-in of the patch first. 'edgesync undo' takes it back.",
                Examples = ["patch apply changes.patch", "patch apply changes.patch --dry-run"],
            },
            new CommandSpec("view", "List the files of a patch.", RunView)
            {
                Arguments = { File },
                Examples = ["patch view changes.patch"],
            },
            diff,
        };
    }

    private static ExitCode RunCreate(CommandContext context)
    {
        var path = Enter(context);
        if (Path.Exists(path) && (!context.Get(Overwrite) || Directory.Exists(path)))
            throw new EdgeSyncException(
                ErrorKind.Conflict, $"patch file already exists: {path}", "--force replaces it");

        using var checkout = context.OpenCheckout();
        context.Output.Write(ReportOf(
            "created", CheckoutPatch.Create(checkout, path, context.UserName)) with
        { IsSilentAsStock = true });
        return ExitCode.Ok;
    }

    private static ExitCode RunApply(CommandContext context)
    {
        var path = Enter(context);
        using var checkout = context.OpenCheckout();
        var patch = Read(path);
        if (context.Get(FileOptions.DryRun))
        {
            context.Output.Write(ReportOf("would_apply", patch));
            return ExitCode.Ok;
        }

        var outcome = patch.Apply(checkout, CheckoutContext.CommandLineText, context.Get(Force));
        context.Output.Write(ReportOf("applied", patch) with { Notice = UndoCommand.Notice(context) });
        if (outcome.Conflicts > 0)
            context.Output.Errors.WriteLine($"WARNING: {outcome.Conflicts} merge conflicts");
        return ExitCode.Ok;
    }

    private static ExitCode RunView(CommandContext context)
    {
        context.Output.Write(ReportOf("listed", Read(context.Require(File))));
        return ExitCode.Ok;
    }

    private static ExitCode Differ(CommandContext context)
    {
        var patch = Read(context.Require(File));
        using var repository = context.OpenToRead();
        var (from, to) = patch.Sides(repository);
        var view = new DiffView(
            DiffOptionSet.Read(context), context.Get(DiffOptionSet.Brief), IsVerbose: true, IsStat: false);
        new DiffPrinter(from, to, view, context.Output).Print(
            patch.Baseline.ToString(), "", Storage.Queries.TreeDiff.Between(from, to, pairsRenames: true));
        return ExitCode.Ok;
    }

    // A folder in front of the file is where the command works.
    private static string Enter(CommandContext context)
    {
        var words = context.Require(Words);
        var path = Path.GetFullPath(words[^1]);
        if (words.Length == 2) Environment.CurrentDirectory = words[0];
        return path;
    }

    private static CheckoutPatch Read(string path) => System.IO.File.Exists(path)
        ? CheckoutPatch.Read(path)
        : throw new EdgeSyncException(ErrorKind.NotFound, $"{path} does not exist", "edgesync patch create FILE");

    private static PatchReport ReportOf(string status, CheckoutPatch patch) => new(
        status, patch.Baseline.ToString(), [.. patch.Files.SelectMany(ActionsOf)],
        [.. patch.Merges.Select(m => m.Hash)]);

    private static IEnumerable<FileAction> ActionsOf(PatchedFile file)
    {
        if (file.OriginalName is { } old) yield return new FileAction("RENAME", old, file.Name);
        yield return new FileAction(file.IsRemoved ? "DELETE" : file.IsNew ? "NEW" : "EDIT", file.Name);
    }
}

/// <param name="Status"><c>created</c>, <c>applied</c>, <c>would_apply</c> or <c>listed</c>.</param>
/// <param name="Baseline">The check-in that the changes were made to.</param>
/// <param name="Merges">What was merged and is not committed yet.</param>
internal sealed record PatchReport(
    string Status, string Baseline, IReadOnlyList<FileAction> Files, IReadOnlyList<string> Merges) : IReport
{
    internal bool IsSilentAsStock { get; init; }

    internal string Notice { get; init; } = "";

    // Spec: patch_view.
    public void Print(TextWriter output)
    {
        output.WriteLine($"{"BASELINE",-12} {Baseline}");
        foreach (var merge in Merges) output.WriteLine($"{"MERGE",-12} {merge}");
        foreach (var file in Files)
            output.WriteLine($"{file.Action,-12} {DisplayText.Name(file.Name)}"
                + (file.NewName is { } to ? $" -> {DisplayText.Name(to)}" : ""));
        if (Notice.Length > 0) output.WriteLine(Notice);
    }

    public void PrintAsStock(TextWriter output)
    {
        if (!IsSilentAsStock) Print(output);
    }
}
