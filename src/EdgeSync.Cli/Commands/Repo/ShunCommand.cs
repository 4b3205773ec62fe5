using System.CommandLine;
using EdgeSync.Cli.Printing;
using EdgeSync.Primitives;

namespace EdgeSync.Cli.Commands.Repo;

internal static class ShunCommand
{
    private static readonly Argument<string[]> Hashes = new("HASHES")
    {
        Description = "Whole hashes: 40 or 64 digits.",
        Arity = ArgumentArity.ZeroOrMore
    };
    private static readonly Argument<string[]> Some = new("HASHES")
    {
        Description = "Whole hashes: 40 or 64 digits.",
        Arity = ArgumentArity.OneOrMore
    };
    private static readonly Option<string?> Reason = new("--reason")
    {
        Description = "Note to store with the hash.",
        HelpName = "TEXT"
    };

    public static CommandSpec CreateShun() =>
        new("shun", "Never store, show or send these artifacts; without HASHES, list them.", RunShun)
        {
            Arguments = { Hashes },
            Options = { Reason },
            Notes = "Existing content stays in the file until 'repo purge' or 'repo rebuild'.",
            Examples = ["repo shun", "repo shun 3f6c…64 digits --reason 'a password'"],
        };

    public static CommandSpec CreateUnshun() => new("unshun", "Accept these artifacts again.", RunUnshun)
    {
        Arguments = { Some },
        Examples = ["repo unshun 3f6c…64 digits"],
    };

    private static ExitCode RunShun(CommandContext context)
    {
        var ids = Parse(context.Get(Hashes) ?? []);
        if (ids.Count == 0) return List(context);

        using var repository = context.OpenToWrite();
        using var transaction = repository.Begin();
        var changes = ids.ConvertAll(
            id => new ShunChange(
                id.ToString(), repository.Shuns.Add(id, context.Get(Reason)) ? "shunned" : "already_shunned"));
        transaction.Commit();
        context.Output.Write(new ShunChangeReport(changes));
        return ExitCode.Ok;
    }

    private static ExitCode RunUnshun(CommandContext context)
    {
        var ids = Parse(context.Require(Some));
        using var repository = context.OpenToWrite();
        using var transaction = repository.Begin();
        var changes = ids.ConvertAll(
            id => new ShunChange(id.ToString(), repository.Shuns.Remove(id) ? "unshunned" : "already_allowed"));
        transaction.Commit();
        context.Output.Write(new ShunChangeReport(changes));
        return ExitCode.Ok;
    }

    private static ExitCode List(CommandContext context)
    {
        using var repository = context.OpenToRead();
        var entries = repository.Shuns.List().Select(s => new ShunEntry(
            s.Id.ToString(), Instant.FromUnixSeconds(s.MtimeSeconds).ToString(), s.Comment));
        context.Output.Write(new ShunReport([.. entries]));
        return ExitCode.Ok;
    }

    private static List<ArtifactId> Parse(string[] hashes) => [.. hashes.Select(h => ArtifactId.TryParse(h, out var id)
        ? id
        : throw new EdgeSyncException(
            ErrorKind.Usage, $"'{h}' is not a whole hash: 40 or 64 lower-case hex digits",
            "edgesync repo resolve NAME"))];
}

internal sealed record ShunEntry(string Hash, string Date, string? Comment);

internal sealed record ShunReport(IReadOnlyList<ShunEntry> Shunned) : IReport
{
    public void Print(TextWriter output)
    {
        foreach (var entry in Shunned) output.WriteLine(
            $"{entry.Hash}  {DisplayText.Minute(entry.Date)}  {DisplayText.OneLine(entry.Comment ?? "")}".TrimEnd());
    }
}

/// <param name="Status"><c>shunned</c>, <c>already_shunned</c>, <c>unshunned</c> or <c>already_allowed</c>.</param>
internal sealed record ShunChange(string Hash, string Status);

internal sealed record ShunChangeReport(IReadOnlyList<ShunChange> Artifacts) : IReport
{
    public void Print(TextWriter output)
    {
        foreach (var change in Artifacts) output.WriteLine($"{change.Status.Replace('_', ' ')} {change.Hash}");
    }
}
