using System.CommandLine;
using EdgeSync.Node;
using EdgeSync.Storage.Queries;

namespace EdgeSync.Cli.Commands.Stock;

/// <summary>Stock's <c>dbstat</c>.</summary>
// Spec: dbstat_cmd in stat.c.
internal static class StockDbstatCommand
{
    private const int LabelWidth = 19;

    private static readonly Option<bool> Brief = new("--brief", "-b");
    private static readonly Option<bool> Check = new("--db-check");
    private static readonly Option<bool> OmitsVersions = new("--omit-version-info");

    public static CommandSpec Create() => new("dbstat", "Print sizes and counts of the repository.", context =>
    {
        using var repository = context.OpenToRead();
        foreach (var (label, text) in RepositoryStatistics.Of(repository, context.Get(Brief)))
            Print(context, label, text);
        if (!context.Get(OmitsVersions))
        {
            Print(context, "edgesync-version:", $"{BuildInfo.Version} [{BuildInfo.Commit}]");
            Print(context, "sqlite-version:", $"({VersionReport.Current().Sqlite})");
        }

        Print(context, "database-stats:", RepositoryStatistics.Pages(repository));
        if (context.Get(Check)) Print(context, "database-check:", RepositoryStatistics.QuickCheck(repository));
        return ExitCode.Ok;
    })
    {
        Options = { Brief, Check, OmitsVersions },
    };

    private static void Print(CommandContext context, string label, string text) =>
        context.Output.Text.Write(label.PadRight(LabelWidth) + text + "\n");
}
