using System.CommandLine;
using EdgeSync.Cli.Printing;
using EdgeSync.Fossil.Checkout;
using EdgeSync.Fossil.Glob;
using EdgeSync.Primitives;
using EdgeSync.Storage.Checkout;

namespace EdgeSync.Cli.Commands.Checkout;

/// <summary>Options of commands that look at working files.</summary>
internal static class FileOptions
{
    public static Argument<string[]> Paths { get; } = new("PATHS")
    {
        Description = "Files and folders (default: the whole checkout).",
        Arity = ArgumentArity.ZeroOrMore,
    };

    public static Argument<string[]> Files { get; } = new("FILES")
    {
        Description = "Files and folders.",
        Arity = ArgumentArity.OneOrMore,
    };

    public static Option<bool> Absolute { get; } = new("--abs-paths")
    {
        Description = "Print paths from the top of the checkout."
    };

    public static Option<bool> Relative { get; } = new("--rel-paths")
    {
        Description = "Print paths from the current folder (default, unless 'relative-paths' is off)."
    };

    public static Option<bool> DotFiles { get; } = new("--dotfiles")
    {
        Description = "Also files that begin with a dot."
    };

    public static Option<string?> Ignore { get; } = new("--ignore")
    {
        Description = "Globs of files to leave out, in place of 'ignore-glob'.",
        HelpName = "GLOBS",
    };

    public static Option<string?> Clean { get; } = new("--clean")
    {
        Description = "More globs of files to leave out, in place of 'clean-glob'.",
        HelpName = "GLOBS",
    };

    public static Option<bool> DryRun { get; } = new("--dry-run", "-n")
    {
        Description = "Change nothing; print what would be done."
    };

    /// <summary>The folder that printed paths start from; null for the top.</summary>
    public static string? CurrentFolder(CommandContext context, WorkingCheckout checkout) =>
        context.Get(Relative)
            || (!context.Get(Absolute) && checkout.Settings.Boolean("relative-paths", otherwise: true))
            ? Environment.CurrentDirectory
            : null;

    public static UntrackedFilter Filter(CommandContext context) =>
        new(context.Get(Ignore) is { } ignore ? new NameGlob(ignore) : null, null, context.Get(DotFiles));
}

internal static class ChangesCommand
{
    private static readonly Option<bool> Hash = new("--hash") { Description = "Read every file, whatever its time." };
    private static readonly Option<bool> Header = new("--header")
    {
        Description = "Name the project above the list."
    };
    private static readonly Option<bool> Classify = new("--classify")
    {
        Description = "Begin each line with the kind of change."
    };
    private static readonly Option<bool> NoClassify = new("--no-classify")
    {
        Description = "Print names only."
    };
    private static readonly Option<bool> NoMerge = new("--no-merge")
    {
        Description = "Leave the merged check-ins out."
    };

    private static readonly (Option<bool> Option, ChangeFilter Filter)[] Filters =
    [
        (new("--edited") { Description = "Edited, merged and conflicted files." }, ChangeFilter.Edited),
        (new("--updated") { Description = "Files updated by a merge." }, ChangeFilter.Updated),
        (new("--changed") { Description = "Both of these." }, ChangeFilter.Changed),
        (new("--missing") { Description = "Missing files." }, ChangeFilter.Missing),
        (new("--added") { Description = "Added files." }, ChangeFilter.Added),
        (new("--deleted") { Description = "Removed files." }, ChangeFilter.Deleted),
        (new("--renamed") { Description = "Renamed files." }, ChangeFilter.Renamed),
        (new("--conflict") { Description = "Files with conflict markers." }, ChangeFilter.Conflict),
        (new("--meta") { Description = "Files whose executable bit or kind changed." }, ChangeFilter.Meta),
        (new("--unchanged") { Description = "Unchanged files." }, ChangeFilter.Unchanged),
        (new("--all") { Description = "All tracked files." }, ChangeFilter.All),
        (new("--extra") { Description = "Files that are not tracked." }, ChangeFilter.Extra),
        (new("--differ") { Description = "Changed files, and those that are not tracked." }, ChangeFilter.Differ),
        (new("--merge") { Description = "Merged check-ins." }, ChangeFilter.Merge),
    ];

    public static CommandSpec Create()
    {
        var command = new CommandSpec("changes", "List the changes of the checkout.", RunChanges)
        {
            Arguments = { FileOptions.Paths },
            Options =
            {
                Hash, Header, Classify, NoClassify, NoMerge, FileOptions.Absolute, FileOptions.Relative,
                FileOptions.DotFiles, FileOptions.Ignore,
            },
            Notes = "Without a filter everything is listed that a commit would hold.",
            Examples = ["changes", "changes --differ", "changes --hash src", "changes --json"],
        };
        foreach (var (option, _) in Filters) command.Options.Add(option);
        return command;
    }

    public static CommandSpec CreateStatus()
    {
        var command = new CommandSpec("status", "Show what is checked out, and its changes.", RunStatus)
        {
            Arguments = { FileOptions.Paths },
            Options =
            {
                Hash, NoMerge, FileOptions.Absolute, FileOptions.Relative, FileOptions.DotFiles, FileOptions.Ignore,
            },
            Examples = ["repo status", "repo status --differ src"],
        };
        foreach (var (option, _) in Filters) command.Options.Add(option);
        return command;
    }

    private static ExitCode RunChanges(CommandContext context)
    {
        using var checkout = context.OpenCheckout();
        var filter = FilterOf(context);
        var isMixed = (filter & (filter - 1)) != 0;
        var lines = ListOf(context, checkout, filter);
        context.Output.Write(new ChangesReport(
            checkout.Repository.Settings["project-name"], checkout.LocalRoot, lines)
        {
            HasHeader = context.Get(Header),
            HasClass = !context.Get(NoClassify) && (isMixed || context.Get(Classify)),
            SaysNone = context.IsVerbose,
            HasOrigin = filter != ChangeFilter.Renamed
                && FileOptions.CurrentFolder(context, checkout) is not null,
            Show = Shown(context, checkout),
        });
        return ExitCode.Ok;
    }

    private static ExitCode RunStatus(CommandContext context)
    {
        using var checkout = context.OpenCheckout();
        var lines = ListOf(context, checkout, FilterOf(context));
        context.Output.Write(new CheckoutStatusReport(
            checkout.Repository.Path, checkout.LocalRoot, GlobalConfig.Path,
            checkout.Version.IsNone ? null
                : CheckinDescription.Of(checkout.Repository, checkout.Version, withFamily: true),
            lines, checkout.Undo.Interrupted)
        {
            HasOrigin = FileOptions.CurrentFolder(context, checkout) is not null,
            Show = Shown(context, checkout),
        });
        return ExitCode.Ok;
    }

    private static ChangeFilter FilterOf(CommandContext context)
    {
        var filter = ChangeFilter.None;
        foreach (var (option, one) in Filters)
            if (context.Get(option)) filter |= one;
        if (filter == ChangeFilter.None) filter = ChangeFilter.Default;
        return context.Get(NoMerge) ? filter & ~ChangeFilter.Merge : filter;
    }

    private static List<ChangeLine> ListOf(CommandContext context, WorkingCheckout checkout, ChangeFilter filter) =>
        CheckoutChanges.List(
            checkout, filter, context.NamesOf(checkout, context.Get(FileOptions.Paths)), FileOptions.Filter(context),
            context.Get(Hash));

    private static Func<string, string> Shown(CommandContext context, WorkingCheckout checkout)
    {
        var folder = FileOptions.CurrentFolder(context, checkout);
        return name => checkout.Display(name, folder);
    }
}

internal sealed record ChangesReport(
    string? ProjectName, string LocalRoot, IReadOnlyList<ChangeLine> Changes) : IReport
{
    internal bool HasHeader { get; init; }

    internal bool HasClass { get; init; }

    internal bool SaysNone { get; init; }

    /// <summary>Of a renamed file its old name stands before it.</summary>
    internal bool HasOrigin { get; init; }

    internal Func<string, string> Show { get; init; } = name => name;

    public void Print(TextWriter output)
    {
        if (Changes.Count == 0)
        {
            if (SaysNone) output.WriteLine("  (none)");
            return;
        }

        if (HasHeader) output.WriteLine($"Changes for {ProjectName ?? "<unnamed>"} at {LocalRoot}:");
        foreach (var line in Changes)
            output.WriteLine(TextOf(HasOrigin ? line : line with { OriginalName = null }, HasClass, Show));
    }

    /// <summary>A line as stock prints it.</summary>
    internal static string TextOf(ChangeLine line, bool hasClass, Func<string, string> show)
    {
        var isCheckin = line.Class is "CHERRYPICK" or "BACKOUT" or "INTEGRATE" or "MERGED_WITH";
        var name = isCheckin ? line.Name : DisplayText.Name(show(line.Name));
        if (line.OriginalName is { } before) name = $"{DisplayText.Name(before)}  ->  {name}";
        return hasClass ? $"{line.Class,-10} {name}" : name;
    }
}

/// <param name="Interrupted">A command that was killed halfway.</param>
internal sealed record CheckoutStatusReport(
    string Repository, string LocalRoot, string? ConfigDb, CheckinDescription? Checkout,
    IReadOnlyList<ChangeLine> Changes, string? Interrupted) : IReport
{
    internal bool HasOrigin { get; init; }

    internal Func<string, string> Show { get; init; } = name => name;

    public void Print(TextWriter output)
    {
        output.WriteLine($"repository:   {Repository}");
        output.WriteLine($"local-root:   {LocalRoot}");
        if (ConfigDb is not null) output.WriteLine($"config-db:    {ConfigDb}");
        if (Checkout is { } checkin) CheckinPrinting.Print(output, "checkout:", checkin);
        foreach (var line in Changes)
            output.WriteLine(
                ChangesReport.TextOf(
                    HasOrigin ? line : line with { OriginalName = null }, hasClass: true, Show));
        if (Interrupted is { } command)
            output.WriteLine(
                $"'{command}' was interrupted halfway: edgesync {(command == "redo" ? "redo ends it"
                    : "undo restores the files before it")}");
    }
}
