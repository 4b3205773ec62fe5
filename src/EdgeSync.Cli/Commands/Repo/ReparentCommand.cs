using System.CommandLine;
using System.Text;
using EdgeSync.Cli.Printing;
using EdgeSync.Fossil.Artifacts;
using EdgeSync.Primitives;
using EdgeSync.Storage;
using EdgeSync.Storage.Authoring;

namespace EdgeSync.Cli.Commands.Repo;

/// <summary>Gives a check-in other parents. Spec: reparent_cmd in tag.c.</summary>
internal static class ReparentCommand
{
    private static readonly Argument<string> Child = new("VERSION") { Description = "The check-in." };

    private static readonly Argument<string[]> Parents = new("PARENT")
    {
        Description = "Its parents; the first is the primary one.",
        Arity = ArgumentArity.OneOrMore,
    };

    private static readonly Option<bool> DryRun = new("--dry-run", "-n")
    {
        Description = "Only print the control artifact."
    };

    private static readonly Option<bool> UntilRebuild = new("--test")
    {
        Description = "Change the tables alone: the next rebuild takes it back."
    };

    private static readonly Option<string?> Date = new("--date-override")
    {
        Description = "Time of the change.",
        HelpName = "DATETIME",
    };

    public static CommandSpec Create() => Create(AuthorOptions.User);

    /// <summary>With stock's name of the option.</summary>
    public static CommandSpec CreateForStock() =>
        Create(new Option<string?>("--user-override") { HelpName = "LOGIN" });

    private static CommandSpec Create(Option<string?> user) => new(
        "reparent", "Give a check-in other parents.", context => Run(context, user))
    {
        Arguments = { Child, Parents },
        Options = { DryRun, UntilRebuild, Date, user },
        Notes = "For a history that was pieced together, or has lost a part. The change is a control artifact with the "
            + "tag 'parent', which syncs and survives a rebuild. The check-in keeps its hash.",
        Examples = ["repo reparent 3f6c19d2 trunk", "repo reparent 3f6c19d2 v1.0 fix-branch --dry-run"],
    };

    private static ExitCode Run(CommandContext context, Option<string?> user)
    {
        var isDryRun = context.Get(DryRun);
        using var repository = isDryRun ? context.OpenToRead() : context.OpenToWrite();
        var child = repository.Names.ResolveCheckin(context.Require(Child));
        List<RecordId> parents = [.. context.Require(Parents).Select(p => repository.Names.ResolveCheckin(p))];
        if (parents.Contains(child))
            throw new EdgeSyncException(
                ErrorKind.Usage, "a check-in cannot be its own parent", "edgesync repo timeline");

        string[] names = [.. parents.Select(p => repository.Content.NameOf(p).ToString())];
        var options = new TagOptions
        {
            Target = child,
            Name = "parent",
            Value = string.Join(' ', names),
            User = context.Get(user) ?? context.UserName,
            Date = DateOf(repository, context.Get(Date)),
            IsRaw = true,
        };
        var writer = new TagWriter(repository);
        if (context.Get(UntilRebuild) && !isDryRun)
        {
            writer.ReparentUntilRebuild(options);
            context.Output.Write(new ReparentReport(
                "reparented", repository.Content.NameOf(child).ToString(), names, null));
            return ExitCode.Ok;
        }

        var (status, control) = isDryRun ? ("would_reparent", Encoding.UTF8.GetString(writer.Draft(options)))
            : !context.Output.IsStock && ParentsOf(repository, child).SequenceEqual(parents)
                ? ("already_reparented", (string?)null)
                : ("reparented", writer.Add(options).Id.ToString());
        context.Output.Write(new ReparentReport(
            status, repository.Content.NameOf(child).ToString(), names, control));
        return ExitCode.Ok;
    }

    private static List<RecordId> ParentsOf(Repository repository, RecordId child)
    {
        using var select = repository.Database.Prepare(
            "SELECT pid FROM plink WHERE cid=?1 ORDER BY isprim DESC, rowid");
        select.Bind(1, child);
        var parents = new List<RecordId>();
        while (select.Step()) parents.Add(select.Record(0));
        return parents;
    }

    private static Instant? DateOf(Repository repository, string? text) => text is null ? null
        : DateText.TryParse(text, repository.Now, out var date) ? date
        : throw new EdgeSyncException(
            ErrorKind.Usage, $"invalid time '{text}'", "an ISO 8601 time, such as 2024-01-31T12:00:00");
}

/// <param name="Status"><c>reparented</c>, <c>already_reparented</c> or <c>would_reparent</c>.</param>
/// <param name="Control">The new control artifact; its text in a dry run.</param>
internal sealed record ReparentReport(
    string Status, string Hash, IReadOnlyList<string> Parents, string? Control) : IReport
{
    public void Print(TextWriter output)
    {
        if (Status == "would_reparent") output.Write(Control);
        else output.WriteLine(Status == "reparented"
            ? $"reparented {Hash[..10]}: {string.Join(' ', Parents.Select(p => p[..10]))}"
            : $"{Hash[..10]} has these parents already");
    }

    public void PrintAsStock(TextWriter output)
    {
        // Stock prints the artifact of a dry run alone.
        if (Status == "would_reparent") output.Write(Control);
    }
}
