using System.CommandLine;
using EdgeSync.Fossil.Merge;
using EdgeSync.Primitives;
using EdgeSync.Storage.Queries;

namespace EdgeSync.Cli.Commands.Stock;

/// <summary>Stock's <c>3-way-merge</c> and <c>merge-base</c>.</summary>
internal static class StockMergeCommands
{
    private static readonly Argument<string> Baseline = new("BASELINE");
    private static readonly Argument<string> First = new("V1");
    private static readonly Argument<string> Second = new("V2");
    private static readonly Argument<string> Merged = new("MERGED");
    private static readonly Argument<string[]> Versions = new("VERSION") { Arity = ArgumentArity.OneOrMore };
    private static readonly Option<bool> IgnoreMerges = new("--ignore-merges");

    public static CommandSpec CreateThreeWay() =>
        new("3-way-merge", "Merge three files of the disk into a fourth.", ThreeWay)
        {
            Arguments = { Baseline, First, Second, Merged }
        };

    public static CommandSpec CreateBase() => new("merge-base", "Print the common ancestor of check-ins.", Base)
    {
        Arguments = { Versions },
        Options = { IgnoreMerges }
    };

    private static ExitCode ThreeWay(CommandContext context)
    {
        var merged = ThreeWayMerge.Merge(
            InputFile.ReadAll(context.Require(Baseline)), InputFile.ReadAll(context.Require(First)),
            InputFile.ReadAll(context.Require(Second)));
        InputFile.WriteAll(
            context.Require(Merged), merged is null ? [] : merged.Content.Span, context.Output);
        if (merged is { Conflicts: > 0 })
            context.Output.Errors.WriteLine($"WARNING: {merged.Conflicts} merge conflicts");
        return ExitCode.Ok;
    }

    private static ExitCode Base(CommandContext context)
    {
        using var repository = context.OpenToRead();
        var versions = context.Require(Versions).Select(v => repository.Names.ResolveCheckin(v)).ToList();
        if (versions.Count < 2)
            throw new EdgeSyncException(
                ErrorKind.Usage, "Usage: fossil merge-base ?options? PRIMARY SECONDARY ...");

        var found = MergeBase.Find(repository, versions[0], versions.Skip(1), context.Get(IgnoreMerges));
        context.Output.Text.WriteLine(
            found.IsNone ? "No common ancestor found." : $"pivot={repository.Content.NameOf(found)}");
        return ExitCode.Ok;
    }
}
