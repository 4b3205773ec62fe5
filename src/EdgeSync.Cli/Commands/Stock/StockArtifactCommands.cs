using System.CommandLine;
using EdgeSync.Primitives;
using EdgeSync.Storage;
using EdgeSync.Storage.Authoring;
using EdgeSync.Storage.Checkout;
using EdgeSync.Storage.Names;
using EdgeSync.Storage.Queries;

namespace EdgeSync.Cli.Commands.Stock;

/// <summary>Stock's <c>artifact</c>, <c>cat</c> and <c>whatis</c>.</summary>
internal static class StockArtifactCommands
{
    private static readonly Argument<string> Artifact = new("ARTIFACT");
    private static readonly Argument<string?> Target = new("FILE") { Arity = ArgumentArity.ZeroOrOne };
    private static readonly Argument<string[]> Files = new("FILE") { Arity = ArgumentArity.OneOrMore };
    private static readonly Argument<string[]> Names = new("NAME") { Arity = ArgumentArity.OneOrMore };
    private static readonly Option<string?> Version = new("-r", "--revision") { HelpName = "VERSION" };
    private static readonly Option<string?> To = new("-o") { HelpName = "FILE" };
    private static readonly Option<bool> OfFiles = new("--file", "-f");
    private static readonly Option<string?> Type = new("--type") { HelpName = "TYPE" };

    public static CommandSpec CreateArtifact() => new("artifact", "Print an artifact.", context =>
    {
        using var repository = context.OpenToRead();
        using var content = repository.Content.Get(repository.Names.Resolve(context.Require(Artifact)));
        InputFile.WriteAll(context.Get(Target), content.Span, context.Output);
        return ExitCode.Ok;
    })
    {
        Arguments = { Artifact, Target }
    };

    public static CommandSpec CreateCat() => new("cat", "Print files of a check-in.", context =>
    {
        using var repository = context.OpenToRead();
        var version = context.Get(Version) ?? repository.Names.DefaultVersion;
        var tree = CheckInTree.Load(repository, repository.Names.ResolveCheckin(version));
        foreach (var name in context.Require(Files))
        {
            var path = context.TreePath(name);
            if (!TreeFile.AllOf(tree).Any(f => f.Name == path))
                throw new EdgeSyncException(ErrorKind.NotFound, $"no such file: {name}");

            using var content = repository.Content.Get(TreeFile.Get(tree, path, version).Id);
            InputFile.WriteAll(context.Get(To), content.Span, context.Output);
        }

        return ExitCode.Ok;
    })
    {
        Arguments = { Files },
        Options = { Version, To }
    };

    public static CommandSpec CreateWhatis() => new("whatis", "Say what a name means.", Whatis)
    {
        Arguments = { Names },
        Options = { OfFiles, Type },
    };

    // Spec: whatis_cmd and whatis_rid in name.c.
    private static ExitCode Whatis(CommandContext context)
    {
        using var repository = context.OpenToRead();
        var output = context.Output.Text;
        var (type, isFirst) = (TypeOf(context.Get(Type)), true);
        foreach (var name in context.Require(Names))
        {
            if (!isFirst) output.Write(new string('-', 79) + "\n");
            isFirst = false;
            if (context.Get(OfFiles)) WhatisFile(context, repository, name, type);
            else Whatis(context, repository, name, $"name:       {name}\n", type);
        }

        return ExitCode.Ok;
    }

    // Under the first of its hashes that the repository knows.
    private static void WhatisFile(CommandContext context, Repository repository, string file, EventType type)
    {
        var content = InputFile.ReadAll(file);
        var id = ArtifactHash.Compute(HashKind.Sha3, content);
        if (ArtifactHash.Compute(HashKind.Sha1, content) is var old && !repository.Content.Find(old).IsNone) id = old;
        context.Output.Text.Write($"name:       {file}\n");
        Whatis(context, repository, id.ToString(), $"hash:       {id}\n", type);
    }

    private static void Whatis(
        CommandContext context, Repository repository, string name, string heading, EventType type)
    {
        var output = context.Output.Text;
        if (repository.Names.TryResolve(name, type, out var rid) == NameFault.NotFound)
        {
            output.Write($"unknown:    {name}\n");
            return;
        }

        if (rid.IsNone) repository.Names.Resolve(name);   // fails with the candidates
        output.Write(heading);
        foreach (var (label, text) in ArtifactFacts.Of(repository, rid))
        {
            output.Write(label.PadRight(12));
            if (label is "comment:" or "")
                StockComment.Print(output, text, 12, StockWidth.Of(null, 0, context.Output));
            else output.Write(label == "artifact:" && context.IsVerbose ? $"{text} ({rid})\n" : text + "\n");

            if (label == "size:" && context.IsVerbose && ArtifactFacts.ReceptionOf(repository, rid) is var (date, from))
                output.Write($"received:   {date} from {from}\n");
        }
    }

    private static EventType TypeOf(string? text) => text switch
    {
        null => EventType.Any,
        "ci" => EventType.Checkin,
        "w" => EventType.Wiki,
        "t" => EventType.Ticket,
        "e" => EventType.Technote,
        "g" => EventType.Control,
        "f" => EventType.Forum,
        _ => throw new EdgeSyncException(ErrorKind.Usage, $"no such type: {text}"),
    };
}
