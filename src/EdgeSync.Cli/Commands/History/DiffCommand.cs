using System.CommandLine;
using System.Text;
using EdgeSync.Cli.Printing;
using EdgeSync.Primitives;
using EdgeSync.Storage;
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

    private static readonly Argument<string[]> Files = new("FILE")
    {
        Description = "Files or folders (default: all).",
        Arity = ArgumentArity.ZeroOrMore,
    };

    public static CommandSpec Create()
    {
        var command = new CommandSpec("diff", "Show the difference between two versions.", Run)
        {
            Arguments = { Files },
            Notes = "Reads as patch does. Two versions are --from and --to, --checkin, or --branch.",
            Examples =
            [
                "repo diff --from v1.0 --to trunk", "repo diff --checkin tip --stat",
                "repo diff --branch experiment -y README.md",
            ],
        };
        foreach (var option in (Option[])[From, To, Checkin, Branch, NewFiles, Stat, Versions, .. DiffOptionSet.All])
            command.Options.Add(option);
        return command;
    }

    private static ExitCode Run(CommandContext context)
    {
        using var repository = context.OpenToRead();
        var (from, to) = SidesOf(context, repository);
        var view = new DiffView(
            DiffOptionSet.Read(context), context.Get(DiffOptionSet.Brief), context.IsVerbose || context.Get(NewFiles),
            context.Get(Stat));
        var (left, right) = (new CheckinSide(repository, from), new CheckinSide(repository, to));
        if (context.Get(Versions) && !context.Output.IsJson && !view.IsBrief && !view.IsCounted)
            PrintVersions(context.Output, repository, from, to);

        var named = new NamedPaths([.. (context.Get(Files) ?? []).Select(context.TreePath)]);
        var changes = TreeDiff.Between(left, right, pairsRenames: !context.Output.IsStock)
            .Where(c => named.Match(c));
        new DiffPrinter(left, right, view, context.Output).Print(
            repository.Content.NameOf(from).ToString(), repository.Content.NameOf(to).ToString(), changes);
        named.RequireAllIn(left, right);
        return ExitCode.Ok;
    }

    private static (RecordId From, RecordId To) SidesOf(CommandContext context, Repository repository)
    {
        var (from, to) = (context.Get(From), context.Get(To));
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

        if (from is null || to is null) throw Usage("two versions are needed: --from and --to, --checkin or --branch");

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
            _isAll || Matches(change.Named) || (change.To is { } to && Matches(to));

        public void RequireAllIn(params IComparedTree[] trees)
        {
            if (_isAll) return;

            foreach (var name in _names)
            {
                if (!trees.Any(t => t.Files.Any(f => IsIn(f.Name, name))))
                    throw new EdgeSyncException(ErrorKind.NotFound, $"not found: '{name}'", "edgesync repo ls");
            }
        }

        private bool Matches(ComparedFile file) => _names.Any(name => IsIn(file.Name, name));

        private static bool IsIn(string file, string name) =>
            file == name || (file.StartsWith(name, StringComparison.Ordinal) && file[name.Length] == '/');
    }
}
