using System.CommandLine;

namespace EdgeSync.Cli.Commands.Stock;

/// <summary>Stock's <c>help</c> without a topic: the commands that are here, in columns.</summary>
// Spec: help_cmd and multi_column_list in dispatch.c.
internal static class StockHelpCommand
{
    private const int Columns = 5;
    private const int ColumnWidth = 15;

    private static readonly Option<bool> All = new("--all", "-a");

    public static CommandSpec Create() => new("help", "List the commands.", context =>
    {
        // Its own tests call the others.
        string[] names = [.. StockVerbs.Names.Where(n => !n.StartsWith("test-", StringComparison.Ordinal))];
        var text = context.Output.Text;
        if (!context.Get(All))
            text.Write("Usage: fossil help TOPIC\nAll commands, each with \"fossil help COMMAND\":\n");
        var rows = (names.Length + Columns - 1) / Columns;
        for (var row = 0; row < rows; row++)
        {
            var line = Enumerable.Range(0, Columns).Select(column => row + (column * rows))
                .Where(at => at < names.Length).Select(at => names[at].PadRight(ColumnWidth));
            text.Write(string.Concat(line).TrimEnd() + "\n");
        }

        return ExitCode.Ok;
    })
    {
        Options = { All },
    };
}
