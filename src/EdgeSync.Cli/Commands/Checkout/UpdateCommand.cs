using System.CommandLine;
using EdgeSync.Cli.Printing;
using EdgeSync.Primitives;
using EdgeSync.Storage.Checkout;

namespace EdgeSync.Cli.Commands.Checkout;

internal static class UpdateCommand
{
    private static readonly Argument<string[]> Words = new("VERSION")
    {
        Description = "Check-in to go to (default: the newest that follows), then files to take from it alone.",
        HelpName = "VERSION FILES",
        Arity = ArgumentArity.ZeroOrMore,
    };

    private static readonly Argument<string?> Version = new("VERSION")
    {
        Description = "Check-in to go to.",
        Arity = ArgumentArity.ZeroOrOne,
    };

    private static readonly Option<bool> Latest = new("--latest")
    {
        Description = "Go to the newest check-in that follows, on any branch."
    };
    private static readonly Option<bool> ForceMissing = new("--force-missing")
    {
        Description = "Go on without the files whose content is missing."
    };
    private static readonly Option<bool> SetTimes = new("--setmtime")
    {
        Description = "Give each file the time of the check-in that last changed it."
    };
    private static readonly Option<bool> Force = new("--force", "-f")
    {
        Description = "Replace files whatever they are: edits are lost."
    };
    private static readonly Option<bool> Keep = new("--keep") { Description = "Leave all files as they are." };

    public static CommandSpec Create() =>
        new("update", "Go to another check-in, and keep what was edited.", RunUpdateAsync)
        {
            Arguments = { Words },
            Options =
            {
                FileOptions.DryRun, Latest, ForceMissing, MergeCommand.KeepMergeFiles, MergeCommand.Tool, SetTimes,
                CheckoutAutosync.NoSync,
            },
            Notes = "Edited files are merged with what the check-in has; 'edgesync undo' takes it back. The setting "
                + "'autosync' decides whether the remembered peer is pulled from before.",
            Examples = ["update", "update trunk", "update v1.0 src/main.c", "update --dry-run"],
        };

    public static CommandSpec CreateCheckout() =>
        new("checkout", "Go to another check-in, when nothing was edited.", RunCheckout)
        {
            Arguments = { Version },
            Options = { Latest, Force, Keep, ForceMissing, SetTimes },
            Notes = "Outside of a checkout, 'edgesync repo co' writes the files of a check-in.",
            Examples = ["checkout trunk", "checkout --latest"],
        };

    private static async Task<ExitCode> RunUpdateAsync(CommandContext context, CancellationToken cancellationToken)
    {
        var autosync = await CheckoutAutosync.PullAsync(context, "update", cancellationToken);
        cancellationToken.ThrowIfCancellationRequested();
        using var checkout = context.OpenCheckout();
        var words = context.Get(Words) ?? [];
        var before = checkout.Version;
        var target = TargetOf(checkout, words.FirstOrDefault(), context.Get(Latest));
        if (target.IsNone)
            throw new EdgeSyncException(
                ErrorKind.NotFound, "the repository has no check-in to go to", "edgesync commit --help");

        var outcome = CheckoutUpdate.Run(checkout, new CheckoutUpdateOptions
        {
            CommandLine = CheckoutContext.CommandLineText,
            Target = target,
            Paths = context.NamesOf(checkout, words.Skip(1)),
            IsDryRun = context.Get(FileOptions.DryRun),
            LacksContent = context.Get(ForceMissing),
            KeepsMergeFiles = context.Get(MergeCommand.KeepMergeFiles),
            ToolCommand = context.Get(MergeCommand.Tool),
            Tool = MergeTools.Run,
            SetsTimes = context.Get(SetTimes),
        });
        Report(context, checkout, before, target, outcome, isUpdate: true, autosync);
        return ExitCode.Ok;
    }

    private static ExitCode RunCheckout(CommandContext context)
    {
        if ((context.Get(Version) is null) != context.Get(Latest))
            throw new EdgeSyncException(
                ErrorKind.Usage, "name one check-in, or --latest", "edgesync checkout --help");

        using var checkout = context.OpenCheckout();
        var before = checkout.Version;
        var isForced = context.Get(Force);
        if (!isForced && checkout.Refresh().Any(f => f.Change != 0 || f.IsRenamed))
            throw new EdgeSyncException(
                ErrorKind.Conflict, "there are unsaved changes in the current checkout",
                "edgesync update keeps them");

        var target = TargetOf(checkout, context.Get(Version), context.Get(Latest));
        if (target == before && !isForced)
        {
            Report(context, checkout, before, target, new UpdateOutcome([], 0, 0, []));
            return ExitCode.Ok;
        }

        var outcome = CheckoutUpdate.Run(checkout, new CheckoutUpdateOptions
        {
            CommandLine = CheckoutContext.CommandLineText,
            Target = target,
            LacksContent = context.Get(ForceMissing),
            SetsTimes = context.Get(SetTimes),
            IsForced = isForced,
            KeepsFiles = context.Get(Keep),
            HasUndo = false,
        });
        Report(context, checkout, before, target, outcome);
        return ExitCode.Ok;
    }

    private static RecordId TargetOf(WorkingCheckout checkout, string? version, bool isLatest) => version switch
    {
        null or "current" => CheckoutUpdate.NewestBelow(checkout, isLatest),
        "latest" => CheckoutUpdate.NewestBelow(checkout, isLatest: true),
        _ => checkout.Repository.Names.ResolveCheckin(version),
    };

    /// <summary>What going from one check-in to another did.</summary>
    public static UpdateReport ReportOf(
        WorkingCheckout checkout, RecordId before, RecordId target, UpdateOutcome outcome, bool isVerbose = false)
    {
        var repository = checkout.Repository;
        return new UpdateReport(
            false,
            before.IsNone ? null : CheckinDescription.Of(repository, before, withFamily: false),
            CheckinDescription.Of(repository, target, withFamily: false),
            [
                .. outcome.Files.Where(f => isVerbose || f.Action is not ("EDITED" or "UNCHANGED")).Select(
                    f => new FileAction(f.Action, f.Name, f.NewName, f.Note)),
            ],
            outcome.Changes, outcome.Conflicts, outcome.Overwritten, outcome.PendingMerges.Count, null);
    }

    private static string WordOf(MergeRow merge) =>
        merge.Kind switch { -1 => "cherrypick merge", -2 => "backout merge", _ => "merge" };

    private static void Report(
        CommandContext context, WorkingCheckout checkout, RecordId before, RecordId target, UpdateOutcome outcome,
        bool isUpdate = false, string? autosync = null)
    {
        var repository = checkout.Repository;
        var isDryRun = context.Get(FileOptions.DryRun);
        context.Output.Write(ReportOf(checkout, before, target, outcome, context.IsVerbose) with
        {
            IsDryRun = isDryRun,
            Autosync = autosync,
        });
        if (isDryRun) return;

        foreach (var merge in outcome.PendingMerges)
            context.Output.Errors.WriteLine($"uncommitted {WordOf(merge)} against {merge.Hash[..10]}.");
        if (isUpdate) CheckoutAutosync.WarnOfFork(context.Output, repository, target);
        if (outcome.Conflicts > 0) context.Output.Errors.WriteLine($"WARNING: {outcome.Conflicts} merge conflicts");
        if (outcome.Overwritten > 0)
            context.Output.Errors.WriteLine($"WARNING: {outcome.Overwritten} unmanaged files were overwritten");
        if (outcome.PendingMerges.Count > 0)
            context.Output.Errors.WriteLine($"WARNING: {outcome.PendingMerges.Count} uncommitted prior merges");
    }
}

/// <param name="Changes">Files with a change of any kind.</param>
/// <param name="Autosync"><c>done</c> or <c>failed</c>; null when nothing was synced.</param>
internal sealed record UpdateReport(
    bool IsDryRun, CheckinDescription? UpdatedFrom, CheckinDescription UpdatedTo, IReadOnlyList<FileAction> Files,
    int Changes, int Conflicts, int Overwritten, int PendingMerges, string? Autosync) : IReport
{
    /// <summary>Part of a command that reports itself that it can be undone.</summary>
    internal bool IsPart { get; init; }

    public void Print(TextWriter output) => Print(output, "edgesync");

    public void PrintAsStock(TextWriter output) => Print(output, "fossil");

    private void Print(TextWriter output, string program)
    {
        foreach (var file in Files) Print(output, file);
        output.WriteLine(new string('-', 79));
        if (Changes == 0)
        {
            CheckinPrinting.Print(output, "checkout:", UpdatedTo);
            output.WriteLine($"{"changes:",-13} None. Already up-to-date");
            return;
        }

        if (UpdatedFrom is { } from)
            output.WriteLine($"{"updated-from:",-13} {CheckinPrinting.Short(from.Hash)} {from.Date} UTC");
        CheckinPrinting.Print(output, "updated-to:", UpdatedTo);
        output.WriteLine($"{"changes:",-13} {Changes} file{(Changes > 1 ? "s" : "")} modified.");
        if (!IsDryRun && !IsPart)
            output.WriteLine($" \"{program} undo\" is available to undo changes to the working checkout.");
    }

    private static void Print(TextWriter output, FileAction file)
    {
        var name = DisplayText.Name(file.Name);
        if (file.NewName is { } to) name = $"{name} -> {DisplayText.Name(to)}";
        if (file.Action != "MERGE")
        {
            output.WriteLine(file.Note is { } what ? $"{file.Action} {name} - {what}" : $"{file.Action} {name}");
            return;
        }

        output.WriteLine($"{file.Action} {name}");
        if (file.Note is { } note) output.WriteLine($"***** {DisplayText.OneLine(note)}");
    }
}
