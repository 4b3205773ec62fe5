using System.CommandLine;
using EdgeSync.Cli.Commands.History;
using EdgeSync.Cli.Printing;
using EdgeSync.Primitives;
using EdgeSync.Storage.Checkout;

namespace EdgeSync.Cli.Commands.Checkout;

/// <summary>Puts changes aside. Spec: stash_cmd in stash.c.</summary>
internal static class StashCommand
{
    private const string Summary = "Put changes aside, and bring them back.";

    private static readonly Argument<string?> Id = new("STASHID")
    {
        Description = "Number of the stash (default: the newest).",
        Arity = ArgumentArity.ZeroOrOne,
    };

    private static readonly Argument<string[]> Ids = new("STASHID")
    {
        Description = "Numbers of stashes (default: the newest).",
        Arity = ArgumentArity.ZeroOrMore,
    };

    private static readonly Option<string?> Comment = new("--comment", "-m", "--message")
    {
        Description = "What is put aside.",
        HelpName = "TEXT",
    };

    private static readonly Option<bool> All = new("--all", "-a") { Description = "Every stash, for good." };

    private static readonly Option<bool> Force = new("--force", "-f") { Description = "Never prompt." };

    public static CommandSpec Create() => WithVerbs(new CommandSpec("stash", Summary));

    /// <summary>Stock's: alone it saves.</summary>
    public static CommandSpec CreateForStock() =>
        WithVerbs(new CommandSpec("stash", Summary, c => Save(c, reverts: true)));

    private static CommandSpec WithVerbs(CommandSpec command)
    {
        foreach (var verb in (CommandSpec[])[
            Save(), Snapshot(), Pop(), Apply(), GoTo(), Ls(), Show(), Diff(), Drop(), Clear()])
            command.Subcommands.Add(verb);
        return command;
    }

    private static CommandSpec Save() => new("save", "Put changes aside, and revert them.", c => Save(c, reverts: true))
    {
        Arguments = { FileOptions.Paths },
        Options = { Comment },
        Notes = "'edgesync undo' brings the files back; the stash stays.",
        Examples = ["stash save -m 'Half done'", "stash save -m 'This alone' src/main.c"],
    };

    private static CommandSpec Snapshot() => new(
        "snapshot", "Keep a copy of the changes.", c => Save(c, reverts: false))
    {
        Arguments = { FileOptions.Paths },
        Options = { Comment },
        Examples = ["stash snapshot -m 'Before the rewrite'"],
    };

    private static CommandSpec Pop() => new(
        "pop", "Bring the newest stash back, and drop it.", c => Apply(c, pops: true, goes: false))
    {
        Notes = "Files that were edited meanwhile are merged; 'edgesync undo' takes it back.",
        Examples = ["stash pop"],
    };

    private static CommandSpec Apply() => new(
        "apply", "Bring a stash back, and keep it.", c => Apply(c, pops: false, goes: false))
    {
        Arguments = { Id },
        Examples = ["stash apply", "stash apply 3"],
    };

    private static CommandSpec GoTo() => new(
        "goto", "Go to the check-in of a stash, and bring it back.", c => Apply(c, pops: false, goes: true))
    {
        Arguments = { Id },
        Examples = ["stash goto 3"],
    };

    private static CommandSpec Ls() => new CommandSpec("ls", "List stashes.", List)
    {
        Notes = "--verbose lists their files too.",
        Examples = ["stash ls", "stash ls -v"],
    }.Also("list");

    private static CommandSpec Show()
    {
        var command = new CommandSpec("show", "Print a stash as differences to its check-in.", c => Differ(c, true))
        {
            Arguments = { Id },
            IsPaged = true,
            Examples = ["stash show", "stash show 3 -U 10"],
        };
        foreach (var option in DiffOptionSet.All) command.Options.Add(option);
        return command.Also("cat");
    }

    private static CommandSpec Diff()
    {
        var command = new CommandSpec("diff", "Print what applying a stash would change.", c => Differ(c, false))
        {
            Arguments = { Id },
            IsPaged = true,
            Examples = ["stash diff", "stash diff 3"],
        };
        foreach (var option in DiffOptionSet.All) command.Options.Add(option);
        return command;
    }

    private static CommandSpec Drop() => new CommandSpec("drop", "Forget stashes.", RunDrop)
    {
        Arguments = { Ids },
        Options = { All, Force },
        Notes = "'edgesync undo' brings them back, unless --all is given.",
        Examples = ["stash drop", "stash drop 3 4"],
    }.Also("rm", "delete", "remove");

    private static CommandSpec Clear() => new("clear", "Forget every stash, for good.", RunClear)
    {
        Options = { Force },
        Examples = ["stash clear --force"],
    };

    private static ExitCode Save(CommandContext context, bool reverts)
    {
        using var checkout = context.OpenCheckout();
        var comment = context.Get(Comment) ?? (context.Output.IsStock ? CommentEditor.AskForStash(checkout) : null);
        var (id, reverted) = CheckoutStash.Save(
            checkout, comment, context.NamesOf(checkout, context.Get(FileOptions.Paths)), reverts,
            CheckoutContext.CommandLineText);
        context.Output.Write(new StashReport(
            reverts ? "saved" : "kept", id, null, null,
            [.. reverted.Select(f => new FileAction(f.Action, f.Name, f.NewName))], 0)
        {
            Notice = reverts ? UndoCommand.Notice(context) : "",
        });
        return ExitCode.Ok;
    }

    private static ExitCode Apply(CommandContext context, bool pops, bool goes)
    {
        using var checkout = context.OpenCheckout();
        var entry = CheckoutStash.Find(checkout, pops ? null : context.Get(Id));
        var outcome = CheckoutStash.Apply(checkout, entry, new StashApplyOptions
        {
            CommandLine = CheckoutContext.CommandLineText,
            Pops = pops,
            GoesToBase = goes,
        });
        context.Output.Write(new StashReport(
            pops ? "popped" : "applied", entry.Id, new StashLine(entry.Id, entry.Hash, entry.Date, entry.Comment, null),
            outcome.Update is { } update
                ? UpdateCommand.ReportOf(checkout, outcome.Before, outcome.After, update) with { IsPart = true }
                : null,
            [.. outcome.Files.Select(f => new FileAction(f.Action, f.Name, f.NewName, f.Note))], outcome.Conflicts)
        {
            NamesEntry = !goes,
            Notice = UndoCommand.Notice(context),
        });
        return ExitCode.Ok;
    }

    private static ExitCode List(CommandContext context)
    {
        using var checkout = context.OpenCheckout();
        context.Output.Write(new StashListReport([
            .. CheckoutStash.Entries(checkout).Select(e => new StashLine(
                e.Id, e.Hash, e.Date, e.Comment,
                context.IsVerbose || context.Output.IsJson
                    ? [.. CheckoutStash.Files(checkout, e).Select(ActionOf)] : null)),
        ]));
        return ExitCode.Ok;
    }

    private static FileAction ActionOf(StashedFile file) => file switch
    {
        { IsAdded: true } => new FileAction("ADD", file.Name),
        { IsRemoved: true } => new FileAction("REMOVE", file.OriginalName),
        _ when file.OriginalName != file.Name => new FileAction("RENAME", file.OriginalName, file.Name),
        _ => new FileAction("EDIT", file.Name),
    };

    private static ExitCode Differ(CommandContext context, bool isToBase)
    {
        using var checkout = context.OpenCheckout();
        var entry = CheckoutStash.Find(checkout, context.Get(Id));
        new StashDiffPrinter(checkout, DiffOptionSet.Read(context), isToBase, context.Output).Print(entry);
        return ExitCode.Ok;
    }

    private static ExitCode RunDrop(CommandContext context)
    {
        if (context.Get(All)) return RunClear(context);

        using var checkout = context.OpenCheckout();
        var entries = (context.Get(Ids) is { Length: > 0 } ids ? ids : new string?[] { null })
            .Select(id => CheckoutStash.Find(checkout, id)).DistinctBy(e => e.Id).ToList();
        CheckoutStash.Drop(checkout, entries, CheckoutContext.CommandLineText);
        context.Output.Write(new StashDropReport("dropped", [.. entries.Select(e => e.Id)]));
        return ExitCode.Ok;
    }

    private static ExitCode RunClear(CommandContext context)
    {
        using var checkout = context.OpenCheckout();
        var entries = CheckoutStash.Entries(checkout);
        if (!context.Get(Force) && entries.Count > 0
            && !Question.Confirm(context.Output, "This action is not undoable.  Continue (y/N)? "))
            throw new EdgeSyncException(ErrorKind.Usage, "nothing was dropped", "--force never asks");

        CheckoutStash.Clear(checkout);
        context.Output.Write(new StashDropReport("dropped", [.. entries.Select(e => e.Id)]));
        return ExitCode.Ok;
    }
}

/// <param name="Files">With <c>--verbose</c> or <c>--json</c>.</param>
internal sealed record StashLine(long Id, string Hash, string Date, string? Comment, IReadOnlyList<FileAction>? Files)
{
    public void Print(TextWriter output, string preposition)
    {
        output.WriteLine($"{Id,5}: [{(Hash.Length > 14 ? Hash[..14] : Hash)}] {preposition} {Date}");
        if (!string.IsNullOrEmpty(Comment)) output.WriteLine($"       {DisplayText.OneLine(Comment)}");
    }
}

internal sealed record StashListReport(IReadOnlyList<StashLine> Stashes) : IReport
{
    public void Print(TextWriter output)
    {
        if (Stashes.Count == 0) output.WriteLine("empty stash");
        foreach (var stash in Stashes)
        {
            stash.Print(output, "on");
            foreach (var file in stash.Files ?? [])
                output.WriteLine($"          {file.Action} {DisplayText.Name(file.Name)}"
                    + (file.NewName is { } to ? $" -> {DisplayText.Name(to)}" : ""));
        }
    }
}

/// <param name="Status"><c>saved</c>, <c>kept</c>, <c>popped</c> or <c>applied</c>.</param>
/// <param name="Stash">What was brought back.</param>
/// <param name="Update">Of <c>goto</c>.</param>
internal sealed record StashReport(
    string Status, long Id, StashLine? Stash, UpdateReport? Update, IReadOnlyList<FileAction> Files, int Conflicts)
    : IReport
{
    internal bool NamesEntry { get; init; }

    internal string Notice { get; init; } = "";

    public void Print(TextWriter output) => Print(output, Notice);

    private void Print(TextWriter output, string notice)
    {
        Update?.Print(output);
        foreach (var file in Files)
        {
            if (file.Note is { } note) output.WriteLine($"***** {DisplayText.OneLine(note)}");
            var word = Stash is null ? file.Action.PadRight(8) : file.Action == "ADDED" ? "ADDED " : file.Action;
            output.WriteLine($"{word} {DisplayText.Name(file.Name)}");
        }

        if (Conflicts > 0)
            output.WriteLine($"WARNING: {Conflicts} merge conflicts - see messages above for details.");
        if (Status == "saved") output.WriteLine($"stash {Id} saved");
        else if (Status == "kept") output.WriteLine($"stash {Id} keeps the changes");
        else if (NamesEntry)
        {
            output.WriteLine(Status == "popped" ? "Popped stash:" : "Applied stash:");
            Stash?.Print(output, "from");
        }

        if (notice.Length > 0) output.WriteLine(notice);
    }

    // What stock saves cannot be undone there, and a snapshot is silent.
    public void PrintAsStock(TextWriter output)
    {
        if (Status != "kept") Print(output, Status == "saved" ? "" : Notice);
    }
}

/// <param name="Status"><c>dropped</c>.</param>
internal sealed record StashDropReport(string Status, IReadOnlyList<long> Stashes) : IReport
{
    public void Print(TextWriter output)
    {
        foreach (var id in Stashes) output.WriteLine($"dropped stash {id}");
    }

    public void PrintAsStock(TextWriter output)
    {
        // Stock prints nothing.
    }
}
