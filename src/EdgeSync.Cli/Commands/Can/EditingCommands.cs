using System.CommandLine;
using EdgeSync.Cli.Printing;
using EdgeSync.Node.Can;
using EdgeSync.Primitives;

namespace EdgeSync.Cli.Commands.Can;

/// <summary><c>can tag</c>, <c>can rm</c> and <c>can restore</c>.</summary>
internal static class EditingCommands
{
    private static readonly Argument<string[]> Tags = new("TAG")
    {
        Description = "Tags to add.",
        Arity = ArgumentArity.ZeroOrMore,
    };

    private static readonly Option<string[]> Without = new("--remove", "-r")
    {
        Description = "A tag to remove (repeatable).",
        HelpName = "TAG"
    };

    private static readonly Option<bool> Permanent = new("--permanent")
    {
        Description = "For good, with the admin token of the settings."
    };

    public static CommandSpec Tag() => new("tag", "Add or remove tags of an asset.", TagAsync)
    {
        Arguments = { CanOptions.Hash, Tags },
        Options = { Without, CanOptions.Url, CanOptions.Config },
        Examples = ["can tag b4cb4c0c3e vacation 2026", "can tag b4cb4c0c3e --remove draft"],
    };

    public static CommandSpec Remove() => new("rm", "Move assets into the trash, or delete them for good.", RemoveAsync)
    {
        Arguments = { CanOptions.Hashes },
        Options = { Permanent, CanOptions.Url, CanOptions.Config },
        Examples = ["can rm b4cb4c0c3e", "can rm b4cb4c0c3e --permanent"],
    };

    public static CommandSpec Restore() => new("restore", "Take assets out of the trash.", RestoreAsync)
    {
        Arguments = { CanOptions.Hashes },
        Options = { CanOptions.Url, CanOptions.Config },
        Examples = ["can restore b4cb4c0c3e"],
    };

    private static async Task<ExitCode> TagAsync(CommandContext context, CancellationToken cancellationToken)
    {
        var (added, removed) = (context.Get(Tags) ?? [], context.Get(Without) ?? []);
        if (added.Length + removed.Length == 0)
            throw new EdgeSyncException(ErrorKind.Usage, "no tag is named", "edgesync can tag --help");

        using var client = CanOptions.Client(context);
        var asset = await client.FindAsync(CanOptions.HashOf(context.Require(CanOptions.Hash)), cancellationToken);
        List<string> tags = [.. asset.Tags.Union(added).Except(removed)];
        var changed = await client.PatchAsync(asset.Hash, tags, description: null, cancellationToken);
        context.Output.Write(new CanAssetsReport("tagged", [changed]));
        return ExitCode.Ok;
    }

    private static Task<ExitCode> RemoveAsync(CommandContext context, CancellationToken cancellationToken)
    {
        var isPermanent = context.Get(Permanent);
        return EachAsync(
            context, isPermanent ? "deleted" : "trashed",
            async (client, asset) =>
            {
                await client.RemoveAsync(asset.Hash, isPermanent, cancellationToken);
                return asset with { IsTrashed = !isPermanent };
            },
            cancellationToken);
    }

    private static Task<ExitCode> RestoreAsync(CommandContext context, CancellationToken cancellationToken) =>
        EachAsync(
            context, "restored", (client, asset) => client.RestoreAsync(asset.Hash, cancellationToken),
            cancellationToken);

    // All hashes are resolved before the first change.
    private static async Task<ExitCode> EachAsync(
        CommandContext context, string action, Func<CanClient, CanAsset, Task<CanAsset>> change,
        CancellationToken cancellationToken)
    {
        using var client = CanOptions.Client(context);
        var assets = new List<CanAsset>();
        foreach (var hash in context.Require(CanOptions.Hashes))
            assets.Add(await client.FindAsync(CanOptions.HashOf(hash), cancellationToken));
        for (var i = 0; i < assets.Count; i++) assets[i] = await change(client, assets[i]);
        context.Output.Write(new CanAssetsReport(action, assets));
        return ExitCode.Ok;
    }
}

/// <param name="Action">What was done to them.</param>
internal sealed record CanAssetsReport(string Action, IReadOnlyList<CanAsset> Assets) : IReport
{
    public void Print(TextWriter output)
    {
        foreach (var asset in Assets)
        {
            output.Write($"{Action}  ");
            CanText.Line(output, asset);
        }
    }
}
