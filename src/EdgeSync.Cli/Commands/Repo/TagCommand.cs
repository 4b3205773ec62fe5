using System.CommandLine;
using EdgeSync.Cli.Printing;
using EdgeSync.Storage;

namespace EdgeSync.Cli.Commands.Repo;

internal static class TagCommand
{
    private static readonly Argument<string?> Of = new("VERSION") { Description = "Check-in; without it, all tags of the project.", Arity = ArgumentArity.ZeroOrOne };

    public static Verb Create() => new("tag", "Tags of check-ins.")
    {
        new Verb("ls", "List the tags of a check-in, or all.", RunList)
        {
            Arguments = { Of },
            Notes = "Marks: + on this check-in, * also on its descendants, - cancelled here.",
            Examples = ["repo tag ls", "repo tag ls trunk"],
        },
    };

    private static ExitCode RunList(CommandContext context)
    {
        using var repository = context.OpenToRead();
        if (context.Get(Of) is not { } version)
        {
            var all = Tags.List(repository).Select(t => new TagCount(t.Name, t.Count));
            context.Output.Write(new TagNamesReport([.. all]), CliJson.Default.TagNamesReport);
            return ExitCode.Ok;
        }

        var rid = repository.Names.Resolve(version);
        var tags = Tags.Of(repository, rid).Select(t => new TagEntry(
            Shown(t.Name), t.Kind switch { 0 => "-", 1 => "+", _ => "*" }, t.Value, t.IsDirect));
        context.Output.Write(new TagReport(repository.Content.NameOf(rid).ToString(), [.. tags]), CliJson.Default.TagReport);
        return ExitCode.Ok;
    }

    private static string Shown(string name) => name.StartsWith("sym-", StringComparison.Ordinal) ? name[4..] : name;
}

/// <param name="Kind"><c>+</c>, <c>*</c> or <c>-</c>.</param>
internal sealed record TagEntry(string Name, string Kind, string? Value, bool IsDirect);

internal sealed record TagReport(string Hash, IReadOnlyList<TagEntry> Tags) : IReport
{
    public void Print(TextWriter output)
    {
        foreach (var tag in Tags) output.WriteLine(Text.OneLine($"{tag.Kind}{tag.Name}{(tag.Value is null ? "" : "=" + tag.Value)}"));
    }
}

internal sealed record TagCount(string Name, long Count);

internal sealed record TagNamesReport(IReadOnlyList<TagCount> Tags) : IReport
{
    public void Print(TextWriter output)
    {
        foreach (var tag in Tags) output.WriteLine(tag.Name);
    }
}
