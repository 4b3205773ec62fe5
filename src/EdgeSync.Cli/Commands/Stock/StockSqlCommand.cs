using System.CommandLine;
using System.Text;

namespace EdgeSync.Cli.Commands.Stock;

/// <summary>
/// Stock's <c>sql</c> and <c>sqlite3</c>: statements and dot commands of the words or of standard input, rows as its
/// SQLite shell prints them.
/// </summary>
internal static class StockSqlCommand
{
    private static readonly Argument<string[]> Words = new("SQL") { Arity = ArgumentArity.ZeroOrMore };
    private static readonly Option<bool> ReadOnly = new("--readonly");
    private static readonly Option<bool> Header = new("--header");
    private static readonly Option<string?> Separator = new("--separator") { HelpName = "TEXT" };
    private static readonly Option<string?> Null =
        new Option<string?>("--nullvalue") { HelpName = "TEXT" }.TakesEmpty();

    // The modes are options too.
    private static readonly Option<bool>[] Modes =
        [.. "csv column json line list quote tabs".Split(' ').Select(m => new Option<bool>("--" + m))];

    public static CommandSpec Create()
    {
        var command = new CommandSpec("sql", "Run SQL on the repository.", Run)
        {
            Arguments = { Words },
            Options = { ReadOnly, Header, Separator, Null },
        };
        foreach (var mode in Modes) command.Options.Add(mode);
        return command;
    }

    private static ExitCode Run(CommandContext context)
    {
        using var repository = context.Get(ReadOnly) ? context.OpenToRead() : context.OpenToWrite();
        repository.AddSqlFunctions();
        var shell = new SqlShell(repository.Database, context.Output.Text);
        foreach (var mode in Modes.Where(context.Get)) shell.Rows.SetMode(mode.Name[2..], null);
        if (context.Get(Header)) shell.Rows.HasHeader = true;
        if (context.Get(Separator) is { } separator) shell.Rows.Separator = separator;
        if (context.Get(Null) is { } text) shell.Rows.Null = text;
        var scripts = context.Get(Words) is { Length: > 0 } words ? words
            : [Encoding.UTF8.GetString(InputFile.ReadAll("-"))];
        foreach (var script in scripts) shell.Run(script);
        return ExitCode.Ok;
    }
}
