using System.CommandLine;
using System.Text;
using EdgeSync.Cli.Commands.Checkout;
using EdgeSync.Cli.Printing;
using EdgeSync.Primitives;
using EdgeSync.Storage;
using EdgeSync.Storage.Checkout;
using EdgeSync.Storage.Names;
using EdgeSync.Storage.Queries;

namespace EdgeSync.Cli.Commands.History;

internal static class DiffCommand
{
    private static readonly Option<string?> From = new("--from", "-r")
    {
        Description = "The older version.",
        HelpName = "VERSION"
    };

    private static readonly Option<string?> To = new("--to")
    {
        Description = "The newer version.",
        HelpName = "VERSION"
    };

    private static readonly Option<string?> Checkin = new("--checkin", "-ci")
    {
        Description = "What this check-in changed.",
        HelpName = "VERSION"
    };

    private static readonly Option<string?> Branch = new("--branch")
    {
        Description = "All that was changed on this branch.",
        HelpName = "BRANCH"
    };

    private static readonly Option<bool> NewFiles = new("--new-file", "-N")
    {
        Description = "The text of new and deleted files too, as --verbose."
    };

    private static readonly Option<bool> Stat = new("--stat") { Description = "Print a bar for each file." };

    private static readonly Option<bool> Versions = new("--versions")
    {
        Description = "Print the compared versions first."
    };

    private static readonly Argument<string[]> Words = new("VERSION|FILE")
    {
        Description = "Up to two versions, then files or folders (default: all). A name that is on the disk is a file.",
        Arity = ArgumentArity.ZeroOrMore,
    };

    public static CommandSpec Create()
    {
        var command = new CommandSpec("diff", "Show what was edited here, or the difference between two versions.", Run)
        {
            Arguments = { Words },
            Notes = "In a checkout the older side is its version, unless a first version is named, and the newer one "
                + "the files on the disk, unless a second is. Versions stand before the files, or are named by --from "
                + "and --to, --checkin or --branch.",
            IsPaged = true,
            Examples =
            [
                "diff", "diff prev src", "diff v1.0 trunk", "repo diff --from v1.0 --to trunk",
                "repo diff --checkin tip --stat", "repo diff --branch experiment -y README.md",
            ],
        };
        foreach (var option in (Option[])[From, To, Checkin, Branch, NewFiles, Stat, Versions, .. DiffOptionSet.All])
            command.Options.Add(option);
        return command;
    }

    private static ExitCode Run(CommandContext context)
    {
        if (IsOfDisk(context))
        {
            using var checkout = context.OpenCheckout();
            var named = NamedOf(
                context, checkout.Repository, [.. checkout.Tables.Files(checkout.Version).Select(f => f.Name)]);
            return named.To is null ? RunOfDisk(context, checkout, named) : Run(context, checkout.Repository, named);
        }

        using var repository = context.OpenToRead();
        return Run(context, repository, NamedOf(context, repository, []));
    }

    private static ExitCode Run(CommandContext context, Repository repository, Named named)
    {
        var (from, to) = SidesOf(context, repository, named);
        var view = ViewOf(context);
        if (context.Get(Versions) && !context.Output.IsJson && !view.IsBrief && !view.IsCounted)
            PrintVersions(context.Output, repository, from, to);
        Print(
            context, view, named, new CheckinSide(repository, from), new CheckinSide(repository, to),
            repository.Content.NameOf(from).ToString(), repository.Content.NameOf(to).ToString());
        return ExitCode.Ok;
    }

    // The files on the disk may be the newer side: no option names it, and there is a checkout here.
    private static bool IsOfDisk(CommandContext context) =>
        context.NamedRepository is null && context.Get(To) is null && context.Get(Checkin) is null
        && context.Get(Branch) is null && CheckoutFinder.Find(Environment.CurrentDirectory) is not null;

    private static ExitCode RunOfDisk(CommandContext context, WorkingCheckout checkout, Named named)
    {
        var repository = checkout.Repository;
        var from = named.From is { } version ? repository.Names.ResolveCheckin(version) : checkout.Version;
        if (from.IsNone)
            throw new EdgeSyncException(
                ErrorKind.NotFound, "nothing is checked out here to compare with", "edgesync checkout VERSION");

        var (older, disk) = from == checkout.Version ? CheckoutSide.Changes(checkout)
            : (new CheckinSide(repository, from), new CheckoutSide(checkout));
        Print(
            context, ViewOf(context) with { Missing = disk.Missing }, named, older, disk,
            repository.Content.NameOf(from).ToString(), "");
        return ExitCode.Ok;
    }

    /// <summary>What the command line names: versions by options or as the first words, and files.</summary>
    private sealed record Named(string? From, string? To, IReadOnlyList<string> Files);

    // Stock takes versions by options alone.
    private static Named NamedOf(CommandContext context, Repository repository, IReadOnlyCollection<string> tracked)
    {
        var (from, to, words) = (context.Get(From), context.Get(To), context.Get(Words) ?? []);
        if (context.Output.IsStock || from is not null || to is not null || context.Get(Checkin) is not null
            || context.Get(Branch) is not null) return new Named(from, to, words);

        var versions = words.Take(2).TakeWhile(IsVersion).ToList();
        return new Named(versions.ElementAtOrDefault(0), versions.ElementAtOrDefault(1), words[versions.Count..]);

        // A file that is tracked may be missing from the disk. An ambiguous prefix is refused with its candidates.
        bool IsVersion(string word) =>
            (context.NamedRepository is not null || (!File.Exists(word) && !Directory.Exists(word)))
            && !tracked.Any(name => name == context.TreePath(word))
            && repository.Names.TryResolve(word, EventType.Checkin, out _) is NameFault.None or NameFault.Ambiguous;
    }

    private static DiffView ViewOf(CommandContext context) => new(
        DiffOptionSet.Read(context), context.Get(DiffOptionSet.Brief), context.IsVerbose || context.Get(NewFiles),
        context.Get(Stat));

    private static void Print(
        CommandContext context, DiffView view, Named words, IComparedTree from, IComparedTree to, string fromHash,
        string toHash)
    {
        var named = new NamedPaths([.. words.Files.Select(context.TreePath)]);
        var changes = TreeDiff.Between(from, to, pairsRenames: !context.Output.IsStock || view.Missing is not null)
            .Where(c => named.Match(c));
        // Stock goes through the rows of the checkout, by their present names.
        if (context.Output.IsStock && view.Missing is not null)
            changes = changes.Where(c => named.Match(c.To ?? c.From!)).Order(Comparer<TreeChange>.Create(
                (a, b) => a.NameNow.AsSpan().SequenceCompareTo(b.NameNow)));
        new DiffPrinter(from, to, view, context.Output).Print(fromHash, toHash, changes);
        named.RequireAllIn(from, to);
    }

    private static (RecordId From, RecordId To) SidesOf(CommandContext context, Repository repository, Named named)
    {
        var (from, to) = (named.From, named.To);
        if (context.Get(Branch) is { } branch)
        {
            if (from is not null || to is not null || context.Get(Checkin) is not null)
                throw Usage("--from, --to and --checkin do not go with --branch");

            (from, to) = ("root:" + branch, branch);
        }

        if (context.Get(Checkin) is { } checkin)
        {
            if (from is not null || to is not null) throw Usage("--from and --to do not go with --checkin");

            var target = repository.Names.ResolveCheckin(checkin);
            var parent = Ancestry.PrimaryParentOf(repository, target);
            return !parent.IsNone ? (parent, target) : throw new EdgeSyncException(
                ErrorKind.NotFound, $"check-in {checkin} has no parent", "edgesync repo timeline");
        }

        if (from is null && to is not null && !repository.Names.Checkout.IsNone)
            return (repository.Names.Checkout, repository.Names.ResolveCheckin(to));

        if (from is null || to is null)
            throw Usage("two versions are needed: VERSION VERSION, --from and --to, --checkin or --branch");

        return (repository.Names.ResolveCheckin(from), repository.Names.ResolveCheckin(to));
    }

    private static EdgeSyncException Usage(string message) =>
        new(ErrorKind.Usage, message, "edgesync repo diff --help");

    private static void PrintVersions(Output output, Repository repository, RecordId from, RecordId to)
    {
        output.Raw.Write(Encoding.UTF8.GetBytes(
            $"Fossil-Diff-From:  {Of(from)}\nFossil-Diff-To:    {Of(to)}\n{new string('-', 66)}\n"));

        // Stock writes the day with six decimals before it makes a date of it, which can be off by a second.
        string Of(RecordId rid)
        {
            var date = Ancestry.DateOf(repository, rid);
            if (output.IsStock) date = Instant.FromJulianDay(Math.Round(date.JulianDay, 6));
            return $"{repository.Content.NameOf(rid).ToString()[..10]} {DisplayText.Second(date.ToString())} UTC";
        }
    }

    /// <summary>The files and folders that a command line names, and which of them were met.</summary>
    private sealed class NamedPaths(string[] names)
    {
        private readonly string[] _names = [.. names.Select(n => n.TrimEnd('/'))];
        private readonly bool _isAll = names.Length == 0 || names.Any(n => n.TrimEnd('/') is "." or "");

        public bool Match(TreeChange change) =>
            Match(change.Named) || (change.To is { } to && Match(to));

        public bool Match(ComparedFile file) => _isAll || _names.Any(name => IsIn(file.Name, name));

        public void RequireAllIn(params IComparedTree[] trees)
        {
            if (_isAll) return;

            foreach (var name in _names)
            {
                if (!trees.Any(t => t.Names.Any(n => IsIn(n, name))))
                    throw new EdgeSyncException(
                        ErrorKind.NotFound, $"not found: '{name}'",
                        "files: edgesync repo ls; versions: edgesync timeline");
            }
        }

        private static bool IsIn(string file, string name) =>
            file == name || (file.StartsWith(name, StringComparison.Ordinal) && file[name.Length] == '/');
    }
}
