using System.CommandLine;
using EdgeSync.Cli.Commands.Checkout;
using EdgeSync.Cli.Printing;
using EdgeSync.Primitives;
using EdgeSync.Storage.Authoring;
using EdgeSync.Storage.Queries;

namespace EdgeSync.Cli.Commands.Repo;

internal static class TagCommand
{
    private static readonly Argument<string?> Of = new("VERSION")
    {
        Description = "Check-in (default: all tags of the project).",
        Arity = ArgumentArity.ZeroOrOne
    };

    private static readonly Argument<string> Name = new("TAG") { Description = "The tag." };
    private static readonly Argument<string?> Value = new("VALUE")
    {
        Description = "Value, which makes the tag a property.",
        Arity = ArgumentArity.ZeroOrOne
    };
    private static readonly Option<string> Version = new("--version", "-r")
    {
        Description = "The check-in.",
        HelpName = "VERSION",
        DefaultValueFactory = _ => "tip"
    };
    private static readonly Option<bool> Propagate = new("--propagate")
    {
        Description = "Add it to the descendants too."
    };
    private static readonly Option<bool> Raw = new("--raw")
    {
        Description = "The name is the stored one, such as closed or bgcolor."
    };

    private static readonly Option<int> Limit = Choices.Number(
        "--limit", ["-n"], "Maximum number of entries (0: all).", 20);
    private static readonly Option<string> Type = new Option<string>("--type", "-t")
    {
        Description = "Type of entries.",
        HelpName = "TYPE",
        DefaultValueFactory = _ => "all"
    }
        .Among("all", "ci", "w", "t", "e", "g", "f");

    public static CommandSpec Create() => new("tag", "List, add and cancel tags of check-ins.")
    {
        new CommandSpec("ls", "List the tags of a check-in, or all.", RunList)
        {
            Arguments = { Of },
            Notes = "Marks: + on this check-in, * also on its descendants, - cancelled here.",
            Examples = ["repo tag ls", "repo tag ls trunk"],
        }.Also("list"),
        new CommandSpec("add", "Add a tag to a check-in; a control artifact carries it to peers.", RunAdd)
        {
            Arguments = { Name, Value }, Options = { Version, Propagate, Raw, AuthorOptions.User },
            Examples = ["repo tag add v1.0", "repo tag add bgcolor '#ffe0e0' --raw --version 3f6c19d2"],
        },
        new CommandSpec("find", "List the artifacts that carry a tag, newest first.", RunFind)
        {
            Arguments = { Name }, Options = { Raw, Limit, Type },
                Examples = ["repo tag find release", "repo tag find closed --raw"],
        },
        new CommandSpec("cancel", "Cancel a tag of a check-in.", RunCancel)
        {
            Arguments = { Name }, Options = { Version, Raw, AuthorOptions.User },
                Examples = ["repo tag cancel v1.0 --version v1.0"],
        }.Also("rm", "delete", "remove"),
    };

    private static ExitCode RunList(CommandContext context)
    {
        using var repository = context.OpenToRead();
        if (context.Get(Of) is not { } version)
        {
            var all = Tags.List(repository).Select(t => new TagCount(t.Name, t.Count));
            context.Output.Write(new TagNamesReport([.. all]));
            return ExitCode.Ok;
        }

        var rid = repository.Names.Resolve(version);
        var tags = Tags.Of(repository, rid).Select(t => new TagEntry(
            Shown(t.Name), t.Kind switch { 0 => "-", 1 => "+", _ => "*" }, t.Value, t.IsDirect));
        context.Output.Write(new TagReport(repository.Content.NameOf(rid).ToString(), [.. tags]));
        return ExitCode.Ok;
    }

    // As Fossil's: a raw name lists hashes, the usual one a timeline.
    private static ExitCode RunFind(CommandContext context)
    {
        var name = context.Require(Name);
        using var repository = context.OpenToRead();
        if (context.Get(Raw))
        {
            context.Output.Write(
                new TaggedReport(name, [.. Tags.Carrying(repository, name).Select(id => id.ToString())]));
            return ExitCode.Ok;
        }

        var type = context.Require(Type);
        var entries = Timeline.List(repository, context.Require(Limit), type == "all" ? null : type, name, before: null)
            .Select(e => new TimelineLine(e.Id.ToString(), e.Type, e.Date.ToString(), e.User, e.Comment, e.Branch));
        context.Output.Write(new TimelineReport([.. entries]));
        return ExitCode.Ok;
    }

    private static ExitCode RunAdd(CommandContext context) =>
        Change(context, "tagged", (writer, options) => writer.Add(options));

    private static ExitCode RunCancel(CommandContext context) =>
        Change(context, "untagged", (writer, options) => writer.Cancel(options));

    private static ExitCode Change(
        CommandContext context, string status, Func<TagWriter, TagOptions, AuthoredArtifact> change)
    {
        var name = context.Require(Name);
        using var repository = context.OpenToWrite();
        var target = repository.Names.Resolve(context.Require(Version));
        var writer = new TagWriter(repository);
        var options = new TagOptions
        {
            Target = target,
            Name = name,
            User = context.UserName,
            Value = status == "tagged" ? context.Get(Value) : null,
            Propagates = status == "tagged" && context.Get(Propagate),
            IsRaw = context.Get(Raw),
        };

        // A script that repeats a command must not fill the repository with control artifacts.
        var isDone = status == "tagged" ? writer.IsSet(options) : !writer.IsAny(options);
        var made = isDone ? null : change(writer, options).Id.ToString();
        var report = new TagChangeReport(
            isDone ? "already_" + status : status, repository.Content.NameOf(target).ToString(), name, made);
        if (!isDone) context.RefreshManifestFiles();
        context.Output.Write(report);
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
        foreach (var tag in Tags)
            output.WriteLine(DisplayText.OneLine($"{tag.Kind}{tag.Name}{(tag.Value is null ? "" : "=" + tag.Value)}"));
    }
}

/// <param name="Tag">The stored name.</param>
internal sealed record TaggedReport(string Tag, IReadOnlyList<string> Hashes) : IReport
{
    public void Print(TextWriter output)
    {
        foreach (var hash in Hashes) output.WriteLine(hash);
    }
}

internal sealed record TagCount(string Name, long Count);

internal sealed record TagNamesReport(IReadOnlyList<TagCount> Tags) : IReport
{
    public void Print(TextWriter output)
    {
        foreach (var tag in Tags) output.WriteLine(DisplayText.Name(tag.Name));
    }
}

/// <param name="Status"><c>tagged</c> or <c>untagged</c>, or <c>already_…</c> without a change.</param>
/// <param name="Control">The new control artifact; null without a change.</param>
internal sealed record TagChangeReport(string Status, string Hash, string Tag, string? Control) : IReport
{
    public void Print(TextWriter output) => output.WriteLine(Status switch
    {
        "tagged" => $"tagged {Hash[..10]} with {Tag}",
        "untagged" => $"cancelled {Tag} of {Hash[..10]}",
        "already_tagged" => $"{Hash[..10]} has {Tag} already",
        _ => $"{Hash[..10]} has no {Tag}",
    });
}
