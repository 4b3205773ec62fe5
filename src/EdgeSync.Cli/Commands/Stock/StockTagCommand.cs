using System.CommandLine;
using EdgeSync.Cli.Commands.Checkout;
using EdgeSync.Primitives;
using EdgeSync.Storage.Authoring;
using EdgeSync.Storage.Queries;

namespace EdgeSync.Cli.Commands.Stock;

/// <summary>Stock's <c>tag</c>: the artifact is a word, not an option.</summary>
// Spec: tag_cmd in tag.c.
internal static class StockTagCommand
{
    private const int LimitDefault = -2000, Width = 79;

    private static readonly Argument<string> Name = new("TAG");
    private static readonly Argument<string> Artifact = new("ARTIFACT");
    private static readonly Argument<string?> Value = new("VALUE") { Arity = ArgumentArity.ZeroOrOne };
    private static readonly Argument<string?> Of = new("VERSION") { Arity = ArgumentArity.ZeroOrOne };
    private static readonly Option<bool> Raw = new("--raw");
    private static readonly Option<bool> Propagate = new("--propagate");
    private static readonly Option<string?> Type = new("--type", "-t") { HelpName = "TYPE" };
    private static readonly Option<string?> TagType = new("--tagtype", "-t") { HelpName = "TYPE" };
    private static readonly Option<bool> Inverse = new("--inverse");
    private static readonly Option<string?> Prefix = new("--prefix") { HelpName = "PREFIX" };
    private static readonly Option<string?> Limit = new("--limit", "-n") { HelpName = "N" };

    public static CommandSpec Create() => new("tag", "List, add and cancel tags.")
    {
        new CommandSpec("add", "Add a tag to an artifact.", context => Change(context, isAdded: true))
        {
            Arguments = { Name, Artifact, Value },
            Options = { Raw, Propagate, AuthorOptions.User }
        },
        new CommandSpec("cancel", "Cancel a tag of an artifact.", context => Change(context, isAdded: false))
        {
            Arguments = { Name, Artifact },
            Options = { Raw, AuthorOptions.User }
        },
        new CommandSpec("find", "List what carries a tag.", Find)
        {
            Arguments = { Name },
            Options = { Raw, Type, Limit }
        },
        new CommandSpec("list", "List tags.", List)
        {
            Arguments = { Of },
            Options = { Raw, TagType, Inverse, Prefix }
        }.Also("ls"),
    };

    private static ExitCode Change(CommandContext context, bool isAdded)
    {
        Write(context, isAdded);
        context.RefreshManifestFiles();
        return ExitCode.Ok;
    }

    private static void Write(CommandContext context, bool isAdded)
    {
        using var repository = context.OpenToWrite();
        var options = new TagOptions
        {
            Target = repository.Names.Resolve(context.Require(Artifact)),
            Name = context.Require(Name),
            User = context.UserName,
            Value = isAdded ? context.Get(Value) : null,
            Propagates = isAdded && context.Get(Propagate),
            IsRaw = context.Get(Raw),
        };
        var writer = new TagWriter(repository);
        if (isAdded) writer.Add(options);
        else writer.Cancel(options);
    }

    private static ExitCode Find(CommandContext context)
    {
        var name = context.Require(Name);
        using var repository = context.OpenToRead();
        var limit = int.TryParse(context.Get(Limit), out var number) ? number : LimitDefault;
        if (context.Get(Raw))
        {
            var ids = Tags.Carrying(repository, name);
            foreach (var id in limit > 0 ? ids.Take(limit) : ids) context.Output.Text.Write(id + "\n");
            return ExitCode.Ok;
        }

        var type = context.Get(Type) is { Length: > 0 } given ? given : "*";
        var stored = type[0] == 'c' ? "sym-" + name : name;
        if (!Tags.IsKnown(repository, stored)) return ExitCode.Ok;

        var query = new DetailedQuery { Tag = stored, Type = type };
        new StockTimelinePrinter(repository, new StockTimelineView(limit, Width), context.Output.Text)
            .Print(DetailedTimeline.List(repository, query));
        return ExitCode.Ok;
    }

    private static ExitCode List(CommandContext context)
    {
        using var repository = context.OpenToRead();
        var kind = KindOf(context.Get(TagType));
        var test = kind is null
            ? context.Get(Raw) ? ">-1"
            : ">0"
            : context.IsVerbose || context.Get(Inverse) ? $"<>{kind}"
            : $"={kind}";
        var output = context.Output.Text;
        if (context.Get(Of) is { } version)
        {
            foreach (var (name, value) in Tags.OfKind(repository, repository.Names.Resolve(version), test))
            {
                var shown = context.Get(Raw) ? name : WithoutPrefix(name);
                output.Write(string.IsNullOrEmpty(value) ? shown + "\n" : $"{shown}={value}\n");
            }

            return ExitCode.Ok;
        }

        var prefix = context.Get(Prefix);
        foreach (var name in Tags.NamesOfKind(repository, test, prefix))
        {
            if (context.Get(Raw)) output.Write(name + "\n");
            else if (!string.IsNullOrEmpty(prefix)) output.Write(name[prefix.Length..] + "\n");
            else if (name.StartsWith("sym-", StringComparison.Ordinal)) output.Write(name[4..] + "\n");
        }

        return ExitCode.Ok;
    }

    private static string WithoutPrefix(string name) =>
        name.StartsWith("sym-", StringComparison.Ordinal) ? name[4..] : name;

    private static int? KindOf(string? text) => text switch
    {
        null => null,
        _ when "cancel".StartsWith(text, StringComparison.Ordinal) => 0,
        _ when "singleton".StartsWith(text, StringComparison.Ordinal) => 1,
        _ when "propagated".StartsWith(text, StringComparison.Ordinal) => 2,
        _ => throw new EdgeSyncException(ErrorKind.Usage, "unrecognized tag type"),
    };
}
