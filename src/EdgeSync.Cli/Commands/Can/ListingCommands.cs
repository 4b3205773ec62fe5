using System.CommandLine;
using System.Globalization;
using EdgeSync.Cli.Printing;
using EdgeSync.Node.Can;
using EdgeSync.Primitives;

namespace EdgeSync.Cli.Commands.Can;

/// <summary><c>can ls</c> and <c>can search</c>.</summary>
internal static class ListingCommands
{
    private static readonly Option<int> Limit = new("--limit", "-n")
    {
        Description = "Assets at most, up to 1000 (default 50).",
        HelpName = "N",
        DefaultValueFactory = _ => 50,
    };

    private static readonly Option<string?> Cursor = new("--cursor")
    {
        Description = "Continue an earlier list: its 'next'.",
        HelpName = "TEXT"
    };

    private static readonly Option<bool> Trashed = new("--trashed") { Description = "List the trash." };

    private static readonly Argument<string[]> Words = new("WORDS")
    {
        Description = "Texts that names, folder, description or tags contain.",
        Arity = ArgumentArity.ZeroOrMore,
    };

    public static CommandSpec List() => new("ls", "List assets, the newest first.", (context, token) =>
        RunAsync(context, [], token))
    {
        Options = { Limit, Cursor, Trashed, CanOptions.Url, CanOptions.Config },
        Examples = ["can ls", "can ls --trashed", "can ls -n 1000 --json"],
    };

    public static CommandSpec Search() => new("search", "Find assets by words, tags and details.", (context, token) =>
        RunAsync(
            context,
            [
                ("q", string.Join(' ', context.Get(Words) ?? [])),
                ("tags", string.Join(',', context.Get(CanOptions.Tag) ?? [])),
                ("application", context.Get(CanOptions.Application)), ("user", context.Get(CanOptions.User)),
                ("mime_type", context.Get(CanOptions.Type)), ("human_path", context.Get(CanOptions.InFolder)),
            ],
            token))
    {
        Arguments = { Words },
        Options =
        {
            CanOptions.Tag, CanOptions.Application, CanOptions.User, CanOptions.Type, CanOptions.InFolder, Limit,
            Cursor, Trashed, CanOptions.Url, CanOptions.Config,
        },
        Examples = ["can search invoice 2026", "can search --tag vacation --type image/"],
    };

    private static async Task<ExitCode> RunAsync(
        CommandContext context, IEnumerable<(string, string?)> filters, CancellationToken cancellationToken)
    {
        using var client = CanOptions.Client(context);
        var page = await client.ListAsync(
            [
                .. filters, ("limit", context.Get(Limit).ToString(CultureInfo.InvariantCulture)),
                ("cursor", context.Get(Cursor)), ("trashed", context.Get(Trashed) ? "true" : null),
            ],
            cancellationToken);
        context.Output.Write(new CanListReport(page.Items, page.Total, page.Next));
        return ExitCode.Ok;
    }
}

internal sealed record CanListReport(IReadOnlyList<CanAsset> Items, long Total, string? Next) : IReport
{
    public void Print(TextWriter output)
    {
        foreach (var asset in Items) CanText.Line(output, asset);
        output.WriteLine($"{Items.Count} of {DisplayText.Number(Total)} assets");
        if (Next is not null) output.WriteLine($"  more: --cursor {Next}");
    }
}

/// <summary>Assets as text.</summary>
internal static class CanText
{
    /// <summary>What of a mirror a person should know.</summary>
    public static void Mirror(TextWriter output, CanMirror mirror)
    {
        var inSync = mirror.Peers.Count(p => p.IsInSync);
        output.WriteLine(
            $"  mirror of {mirror.Stores.Count} stores: {mirror.Peers.Count} connected, {inSync} in sync");
        if (mirror.Missing > 0) output.WriteLine($"  {DisplayText.Number(mirror.Missing)} contents have not come yet");
        if (mirror.IsPaused) output.WriteLine("  paused: edgesync can resume");
        foreach (var question in mirror.Questions)
            output.WriteLine($"  waits for a decision: edgesync can answer {question}");
    }

    public static void Line(TextWriter output, CanAsset asset)
    {
        var time = Instant.FromUnixMilliseconds(asset.Timestamp).ToDateTime()
            .ToString("yyyy-MM-dd HH:mm", CultureInfo.InvariantCulture);
        var tags = asset.Tags.Count > 0 ? $"  [{string.Join(", ", asset.Tags.Select(DisplayText.Name))}]" : "";
        var flags = $"{(asset.IsTrashed ? "  trashed" : "")}{(asset.IsCorrupted ? "  CORRUPTED" : "")}";
        output.WriteLine(
            $"{asset.Hash[..10]}  {time}  {DisplayText.Number(asset.Size),12}  "
            + $"{DisplayText.Name(asset.Name ?? asset.MimeType)}{tags}{flags}");
    }
}
