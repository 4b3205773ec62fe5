using System.CommandLine;
using EdgeSync.Cli.Commands.Stock;
using EdgeSync.Cli.Printing;
using EdgeSync.Fossil.Glob;
using EdgeSync.Fossil.Merge;
using EdgeSync.Primitives;
using EdgeSync.Storage.Checkout;

namespace EdgeSync.Cli.Commands.Checkout;

internal static class MergeCommand
{
    private static readonly Argument<string?> Version = new("VERSION")
    {
        Description = "Check-in or branch to merge (default: the newest fork of this branch).",
        Arity = ArgumentArity.ZeroOrOne,
    };
    private static readonly Argument<string> OneVersion = new("VERSION")
    {
        Description = "Check-in or branch.",
    };
    private static readonly Option<bool> Cherrypick = new("--cherrypick")
    {
        Description = "Take the changes of that check-in alone."
    };
    private static readonly Option<bool> Backout = new("--backout")
    {
        Description = "Take the changes of that check-in alone back."
    };
    private static readonly Option<bool> Integrate = new("--integrate")
    {
        Description = "Close the merged leaf with the next commit."
    };
    private static readonly Option<string?> Baseline = new("--baseline")
    {
        Description = "Check-in to compare both sides with (default: the nearest common ancestor).",
        HelpName = "VERSION",
    };
    private static readonly Option<string?> Binary = new("--binary")
    {
        Description = "Globs of files that are never merged, in place of 'binary-glob'.",
        HelpName = "GLOBS",
    };
    private static readonly Option<bool> Force = new("--force", "-f")
    {
        Description = "Merge even if there is nothing new, or into a closed leaf."
    };
    private static readonly Option<bool> ForceMissing = new("--force-missing")
    {
        Description = "Go on without the files whose content is missing."
    };
    private static readonly Option<string?> Strategy = new("--strategy")
    {
        Description = "Strategy for every file, regardless of .edgesync-merge: "
            + string.Join(", ", MergeStrategies.Words) + ".",
        HelpName = "NAME",
    };

    /// <summary>For every command that merges files.</summary>
    public static Option<bool> KeepMergeFiles { get; } = new("--keep-merge-files", "-K")
    {
        Description = "Keep the three texts of a conflict beside the file."
    };

    /// <summary>For every command that merges files.</summary>
    public static Option<string?> Tool { get; } = new("--tool")
    {
        Description = "Program for conflicts, with %baseline, %original, %merge, %output (default: 'gmerge-command').",
        HelpName = "COMMAND",
    };

    public static CommandSpec Create() => Create("merge", "Merge a check-in into the checkout.", Version, null,
        ["merge feature", "merge", "merge --cherrypick 1f3a9c", "merge --integrate feature", "merge -n feature"],
        Cherrypick, Backout, Integrate, Baseline);

    public static CommandSpec CreateCherrypick() => Create(
        "cherry-pick", "Merge the changes of one check-in.", OneVersion, MergeKind.Cherrypick,
        ["cherry-pick 1f3a9c"]);

    public static CommandSpec CreateBackout() => Create(
        "backout", "Take the changes of one check-in back.", OneVersion, MergeKind.Backout, ["backout 1f3a9c"]);

    public static CommandSpec CreateIntegrate() => Create(
        "integrate", "Merge a branch, and close it with the next commit.", OneVersion, MergeKind.Integrate,
        ["integrate feature"], Baseline);

    private static CommandSpec Create(
        string name, string summary, Argument version, MergeKind? kind, string[] examples,
        params ReadOnlySpan<Option> own)
    {
        var command = new CommandSpec(
            name, summary, (context, cancellationToken) => RunAsync(context, kind, cancellationToken))
        {
            Arguments = { version },
            Notes = "Nothing is committed: look at the result, then 'edgesync commit'. Conflicts are marked in the "
                + "files, and 'edgesync conflicts' lists them; 'edgesync undo' takes the merge back. The setting "
                + "'autosync' decides whether the remembered peer is pulled from before.",
            Examples = examples,
        };
        foreach (var option in (ReadOnlySpan<Option>)[.. own, Binary, Force, ForceMissing, KeepMergeFiles,
            FileOptions.DryRun, CheckoutAutosync.NoSync, Strategy, Tool]) command.Options.Add(option);
        return command;
    }

    private static async Task<ExitCode> RunAsync(
        CommandContext context, MergeKind? fixedKind, CancellationToken cancellationToken)
    {
        var kind = fixedKind ?? KindOf(context);
        if (kind == MergeKind.Cherrypick && context.Get(Baseline) is not null)
            throw new EdgeSyncException(
                ErrorKind.Usage, "incompatible options: --cherrypick and --baseline", "edgesync merge --help");

        var autosync = await CheckoutAutosync.PullAsync(context, "merge", cancellationToken);
        cancellationToken.ThrowIfCancellationRequested();
        using var checkout = context.OpenCheckout();
        var name = fixedKind is null ? context.Get(Version) : context.Require(OneVersion);
        var names = checkout.Repository.Names;
        var outcome = CheckoutMerge.Run(checkout, new CheckoutMergeOptions
        {
            CommandLine = CheckoutContext.CommandLineText,
            Version = name is null ? RecordId.None : names.ResolveCheckin(name),
            Kind = kind,
            Baseline = context.Get(Baseline) is { } baseline ? names.ResolveCheckin(baseline) : RecordId.None,
            IsForced = context.Get(Force),
            LacksContent = context.Get(ForceMissing),
            KeepsMergeFiles = context.Get(KeepMergeFiles),
            IsDryRun = context.Get(FileOptions.DryRun),
            Binary = context.Get(Binary) is { } globs ? new NameGlob(globs) : null,
            Strategy = context.Get(Strategy) is { } word ? MergeStrategies.Parse(word) : null,
            ToolCommand = context.Get(Tool),
            Tool = MergeTools.Run,
        });
        Report(context, checkout, outcome, name, autosync);
        return ExitCode.Ok;
    }

    private static MergeKind KindOf(CommandContext context)
    {
        var kinds = new List<MergeKind>();
        if (context.Get(Cherrypick)) kinds.Add(MergeKind.Cherrypick);
        if (context.Get(Backout)) kinds.Add(MergeKind.Backout);
        if (context.Get(Integrate)) kinds.Add(MergeKind.Integrate);
        return kinds switch
        {
            [] => MergeKind.Merge,
            [var one] => one,
            _ => throw new EdgeSyncException(
                ErrorKind.Usage, "incompatible options: --cherrypick, --backout and --integrate exclude each other",
                "edgesync merge --help"),
        };
    }

    private static void Report(
        CommandContext context, WorkingCheckout checkout, CheckoutMergeOutcome outcome, string? name,
        string? autosync)
    {
        var (repository, sides) = (checkout.Repository, outcome.Sides);
        if (sides.NotIntegrated is { } reason)
            context.Output.Errors.WriteLine($"ignoring --integrate: {name} {reason["it ".Length..]}");
        context.Output.Write(new MergeReport(
            context.Get(FileOptions.DryRun), outcome.IsNoOp ? "already_merged" : "merged",
            sides.Kind.ToString().ToLowerInvariant(), CheckinSummary.Of(repository, sides.Version),
            CheckinSummary.Of(repository, sides.Ancestor),
            [.. outcome.Files.Select(f => new FileAction(f.Action, f.Name, f.NewName, f.Note))],
            outcome.Unrelated, outcome.Conflicts, outcome.Overwritten, autosync)
        {
            IsFork = sides.IsFork,
            IsVerbose = context.IsVerbose,
            Details = outcome.Files,
            IsUndoable = outcome.IsUndoable,
            LineWidth = context.Output.IsTerminal ? Console.WindowWidth : 0,
        });
        context.Output.Flush();
        Warn(context.Output, outcome, context.Get(FileOptions.DryRun));

        // Differs from Fossil, which does not look: what was pulled may have ended this branch a second time.
        if (autosync is not null && !sides.IsFork && !context.Output.IsStock)
            CheckoutAutosync.WarnOfFork(context.Output, repository, checkout.Version);
    }

    private static void Warn(Output output, CheckoutMergeOutcome outcome, bool isDryRun)
    {
        foreach (var unrelated in outcome.Unrelated)
            output.Errors.WriteLine($"WARNING: no common ancestor for {DisplayText.Name(unrelated)}");
        foreach (var file in outcome.Files.Where(f => f is { Action: "DELETE", BackupName: not null }))
            output.Errors.WriteLine(
                output.IsStock ? $"WARNING: local edits lost for {DisplayText.Name(file.Name)}"
                    : $"WARNING: local edits of {DisplayText.Name(file.Name)} are kept in "
                        + DisplayText.Name(file.BackupName!));
        if (outcome.Conflicts > 0) output.Errors.WriteLine($"WARNING: {outcome.Conflicts} merge conflicts");
        if (outcome.Overwritten > 0)
            output.Errors.WriteLine($"WARNING: {outcome.Overwritten} unmanaged files were overwritten");
        if (isDryRun && !outcome.IsNoOp)
            output.Errors.WriteLine("REMINDER: this was a dry run - no files were actually changed.");
    }
}

/// <summary>Programs for conflicts.</summary>
internal static class MergeTools
{
    /// <summary>Runs one in the shell of the system.</summary>
    public static MergeTool Run { get; } = commandLine =>
    {
        var start = OperatingSystem.IsWindows()
            ? new System.Diagnostics.ProcessStartInfo("cmd.exe") { ArgumentList = { "/c", commandLine } }
            : new System.Diagnostics.ProcessStartInfo("/bin/sh") { ArgumentList = { "-c", commandLine } };
        start.UseShellExecute = false;
        using var process = System.Diagnostics.Process.Start(start);
        process?.WaitForExit();
    };
}

/// <param name="Status">merged, or already_merged when there was nothing to do.</param>
/// <param name="Kind">merge, integrate, cherrypick or backout.</param>
/// <param name="Unrelated">Files of both sides without a common ancestor: those here stay.</param>
/// <param name="Autosync"><c>done</c> or <c>failed</c>; null when nothing was pulled before.</param>
internal sealed record MergeReport(
    bool IsDryRun, string Status, string Kind, CheckinSummary MergeFrom, CheckinSummary Baseline,
    IReadOnlyList<FileAction> Files, IReadOnlyList<string> Unrelated, int Conflicts, int Overwritten,
    string? Autosync) : IReport
{
    private const int Indent = 12;
    private const int HashDigits = 10;

    internal bool IsFork { get; init; }

    internal bool IsVerbose { get; init; }

    internal IReadOnlyList<MergeFileOutcome> Details { get; init; } = [];

    internal bool IsUndoable { get; init; }

    /// <summary>Where comments are wrapped; 0 where they are not.</summary>
    internal int LineWidth { get; init; }

    public void Print(TextWriter output) => Print(output, "edgesync");

    public void PrintAsStock(TextWriter output) => Print(output, "fossil");

    private void Print(TextWriter output, string program)
    {
        if (IsFork)
            StockComment.Print(
                output,
                $"Merging fork [{MergeFrom.Hash[..HashDigits]}] at {MergeFrom.Date} by {MergeFrom.User}: "
                    + $"\"{MergeFrom.Comment}\"", 0, LineWidth);
        if (Status == "already_merged")
        {
            output.WriteLine("Merge skipped because it is a no-op.  Use --force to override.");
            return;
        }

        if (IsVerbose)
        {
            Print(output, Kind == "integrate" ? "integrate:" : "merge-from:", MergeFrom);
            Print(output, "baseline:", Baseline);
        }

        foreach (var file in Details) PrintFile(output, file);
        if (IsUndoable && !IsDryRun)
            output.WriteLine($" \"{program} undo\" is available to undo changes to the working checkout.");
    }

    private void Print(TextWriter output, string label, CheckinSummary checkin)
    {
        output.WriteLine(
            $"{label.PadRight(Indent - 1)} [{checkin.Hash[..HashDigits]}] by {checkin.User} on "
                + checkin.Date);
        output.Write(new string(' ', Indent));
        StockComment.Print(
            output, checkin.Tags is { } tags ? $"{checkin.Comment} ({tags})" : checkin.Comment, Indent, LineWidth);
    }

    private void PrintFile(TextWriter output, MergeFileOutcome file)
    {
        var name = DisplayText.Name(file.Name);
        if (file.NewName is { } to) name = $"{name} -> {DisplayText.Name(to)}";
        if (file.Action == "MERGE" && IsVerbose)
            name += $"  (pivot={file.Contents.Ancestor} v1={file.Contents.Other} v2={file.Contents.Current})";
        if (file is { Action: "ADDED", BackupName: not null })
            name += " (overwrites an unmanaged file)" + (IsDryRun ? "" : ", original copy backed up locally");
        output.WriteLine($"{file.Action} {name}");
        if (file.ToolCommandLine is { } tool) output.WriteLine(tool);
        if (file.Note is { } note) output.WriteLine($"***** {DisplayText.OneLine(note)}");
    }
}
