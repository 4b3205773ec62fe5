using System.CommandLine;
using System.Text;
using EdgeSync.Cli.Printing;
using EdgeSync.Fossil.Artifacts;
using EdgeSync.Fossil.Merge;
using EdgeSync.Primitives;
using EdgeSync.Storage.Checkout;

namespace EdgeSync.Cli.Commands.Checkout;

/// <summary>What merges left to be decided: <c>conflicts</c> and <c>mark-resolved</c>.</summary>
internal static class ConflictsCommand
{
    private static readonly Argument<string> File = new("FILE") { Description = "File with a conflict." };
    private static readonly Option<bool> Local = new("--local") { Description = "What was here before the merge." };
    private static readonly Option<bool> Remote = new("--remote") { Description = "What was merged in." };
    private static readonly Option<bool> Base = new("--base") { Description = "What both come from." };
    private static readonly Option<string> Strategy = new("--strategy")
    {
        Description = "three-way or last-writer-wins.",
        HelpName = "NAME",
        DefaultValueFactory = _ => "three-way",
    };

    public static CommandSpec Create() => new("conflicts", "List and decide what merges left.", List)
    {
        Subcommands =
        {
            new CommandSpec("list", "List files with a conflict.", List)
            {
                Examples = ["conflicts list", "conflicts list --json"],
            }.Also("ls"),
            new CommandSpec("show", "Print the three versions of a file.", Show)
            {
                Arguments = { File },
                Examples = ["conflicts show src/main.c"],
            },
            new CommandSpec("extract", "Write the three versions beside a file: .BASE, .LOCAL, .REMOTE.", Extract)
            {
                Arguments = { File },
                Examples = ["conflicts extract src/main.c"],
            },
            new CommandSpec("pick", "Decide a file by one of its versions.", Pick)
            {
                Arguments = { File },
                Options = { Local, Remote, Base },
                Notes = "The whole version is taken, where it is known; of a merge that stock Fossil made, its side of "
                    + "each marked place.",
                Examples = ["conflicts pick --local src/main.c", "conflicts pick --remote logo.png"],
            },
            new CommandSpec("merge", "Merge a file again, from its versions.", Merge)
            {
                Arguments = { File },
                Options = { Strategy },
                Examples = ["conflicts merge src/main.c", "conflicts merge --strategy last-writer-wins go.sum"],
            },
        },
        Examples = ["conflicts", "conflicts pick --local src/main.c"],
    };

    public static CommandSpec CreateMarkResolved() => new(
        "mark-resolved", "Say that a file with a conflict is as it should be.", MarkResolved)
    {
        Arguments = { File },
        Notes = "A file with conflict markers is decided by removing them.",
        Examples = ["mark-resolved logo.png"],
    };

    private static ExitCode List(CommandContext context)
    {
        using var checkout = context.OpenCheckout();
        var folder = FileOptions.CurrentFolder(context, checkout);
        context.Output.Write(new ConflictsReport(
            [
                .. CheckoutConflicts.List(checkout).Select(
                    c => new ConflictEntry(c.Name, c.Kind, c.Base, c.Local, c.Remote)),
            ])
        { Show = name => checkout.Display(name, folder) });
        return ExitCode.Ok;
    }

    private static ExitCode Show(CommandContext context)
    {
        using var checkout = context.OpenCheckout();
        var name = NameOf(context, checkout);
        var versions = CheckoutConflicts.Versions(checkout, name);
        context.Output.Write(new ConflictVersionsReport(
            name, TextOf(versions.Base), TextOf(versions.Local), TextOf(versions.Remote)));
        return ExitCode.Ok;
    }

    private static ExitCode Extract(CommandContext context)
    {
        using var checkout = context.OpenCheckout();
        var name = NameOf(context, checkout);
        var versions = CheckoutConflicts.Versions(checkout, name);
        var files = new List<FileAction>();
        foreach (var (suffix, content) in (ReadOnlySpan<(string, byte[]?)>)[
            (".BASE", versions.Base), (".LOCAL", versions.Local), (".REMOTE", versions.Remote)])
        {
            if (content is null) continue;

            checkout.Disk.Write(name + suffix, content, FilePermission.Regular, replace: false);
            files.Add(new FileAction("WROTE", name + suffix));
        }

        context.Output.Write(new FileActionsReport(false, files, []));
        return ExitCode.Ok;
    }

    private static ExitCode Pick(CommandContext context)
    {
        var sides = new List<ConflictSide>();
        if (context.Get(Local)) sides.Add(ConflictSide.Local);
        if (context.Get(Remote)) sides.Add(ConflictSide.Remote);
        if (context.Get(Base)) sides.Add(ConflictSide.Base);
        if (sides.Count != 1)
            throw new EdgeSyncException(
                ErrorKind.Usage, "say which: --local, --remote or --base", "edgesync conflicts pick --help");

        using var checkout = context.OpenCheckout();
        var name = NameOf(context, checkout);
        CheckoutConflicts.Pick(checkout, name, sides[0], CheckoutContext.CommandLineText);
        context.Output.Write(new ConflictDecisionReport(
            "resolved", name, 0, $"picked {sides[0].ToString().ToLowerInvariant()}"));
        return ExitCode.Ok;
    }

    private static ExitCode Merge(CommandContext context)
    {
        using var checkout = context.OpenCheckout();
        var name = NameOf(context, checkout);
        var outcome = CheckoutConflicts.Merge(
            checkout, name, MergeStrategies.Parse(context.Require(Strategy)), CheckoutContext.CommandLineText);
        context.Output.Write(new ConflictDecisionReport(
            outcome.Conflicts == 0 ? "resolved" : "merged", name, outcome.Conflicts,
            outcome.Conflicts == 0 ? null : $"{outcome.Conflicts} conflicts remain"));
        return ExitCode.Ok;
    }

    private static ExitCode MarkResolved(CommandContext context)
    {
        using var checkout = context.OpenCheckout();
        var name = NameOf(context, checkout);
        var outcome = CheckoutConflicts.MarkResolved(checkout, name);
        context.Output.Write(new ConflictDecisionReport(
            outcome.WasOpen ? "resolved" : "already_resolved", name, 0, null));
        return ExitCode.Ok;
    }

    private static string NameOf(CommandContext context, WorkingCheckout checkout) =>
        checkout.NameOf(context.Require(File), Environment.CurrentDirectory);

    // Of a binary file only the size can be shown.
    private static string? TextOf(byte[]? content) => content is null ? null
        : content.Contains((byte)0) ? $"(binary, {content.Length} bytes)\n" : Encoding.UTF8.GetString(content);
}

/// <param name="Kind">conflict, fork, binary, link or removed.</param>
internal sealed record ConflictEntry(string Name, string Kind, string? Base, string? Local, string? Remote);

internal sealed record ConflictsReport(IReadOnlyList<ConflictEntry> Conflicts) : IReport
{
    internal Func<string, string> Show { get; init; } = name => name;

    public void Print(TextWriter output)
    {
        if (Conflicts.Count == 0) output.WriteLine("no conflicts");
        foreach (var file in Conflicts)
        {
            var line = $"{file.Kind.ToUpperInvariant(),-9} {DisplayText.Name(Show(file.Name))}";
            output.WriteLine(file.Kind == "conflict" || file.Base is null ? line
                : $"{line} (base={Short(file.Base)} local={Short(file.Local)} remote={Short(file.Remote)})");
        }
    }

    private static string Short(string? hash) => hash is null ? "-" : CheckinPrinting.Short(hash);
}

/// <summary>The versions of a file; none where it did not exist.</summary>
internal sealed record ConflictVersionsReport(string Name, string? Base, string? Local, string? Remote) : IReport
{
    public void Print(TextWriter output)
    {
        foreach (var (title, text) in (ReadOnlySpan<(string, string?)>)[
            ("base", Base), ("local", Local), ("remote", Remote)])
        {
            output.WriteLine($"=== {title}: {DisplayText.Name(Name)}{(text is null ? " (not there)" : "")}");
            if (text is null) continue;

            output.Write(text);
            if (text is not [.., '\n']) output.WriteLine();
        }
    }
}

/// <param name="Status">resolved, already_resolved, or merged where conflicts are left.</param>
internal sealed record ConflictDecisionReport(string Status, string Name, int Conflicts, string? Note) : IReport
{
    public void Print(TextWriter output) => output.WriteLine(
        $"{Status.Replace('_', ' ')}: {DisplayText.Name(Name)}{(Note is { } note ? $" ({note})" : "")}");
}
