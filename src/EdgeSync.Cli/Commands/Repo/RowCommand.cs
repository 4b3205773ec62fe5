using System.CommandLine;
using System.Text.Json;
using EdgeSync.Cli.Printing;
using EdgeSync.Primitives;
using EdgeSync.Storage.Sync;

namespace EdgeSync.Cli.Commands.Repo;

/// <summary>Rows of synced tables.</summary>
internal static class RowCommand
{
    private static readonly Argument<string> Table = new("TABLE") { Description = "Name of the table." };
    private static readonly Argument<string[]> Values = new("COLUMN=VALUE")
    {
        Description = "Values by column; COLUMN= is an empty text, what is not named is null.",
        Arity = ArgumentArity.OneOrMore,
    };

    private static readonly Argument<string[]> Keys = new("KEY=VALUE")
    {
        Description = "The key columns.",
        Arity = ArgumentArity.OneOrMore,
    };

    private static readonly Option<string?> Where = new("--where")
    {
        Description = "An SQL condition on the columns.",
        HelpName = "CONDITION"
    };

    public static CommandSpec Create() => new("row", "Write and read rows of synced tables.")
    {
        new CommandSpec("put", "Write a row, whole.", RunPut)
        {
            Arguments = { Table, Values },
            Examples = ["repo row put pump id=north state=on pressure=2.5"],
        },
        new CommandSpec("get", "Print a row.", RunGet)
        {
            Arguments = { Table, Keys },
            Examples = ["repo row get pump id=north"],
        },
        new CommandSpec("delete", "Delete a row, here and with the next syncs everywhere.", RunDelete)
        {
            Arguments = { Table, Keys },
            Examples = ["repo row delete pump id=north"],
        }.Also("rm", "remove"),
        new CommandSpec("query", "Print the rows that fit a condition.", RunQuery)
        {
            Arguments = { Table },
            Options = { Where },
            Examples = ["repo row query pump", "repo row query pump --where \"state='on' AND pressure>2\""],
        },
    };

    private static ExitCode RunPut(CommandContext context)
    {
        using var repository = context.OpenToWrite();
        new SyncedTables(repository).Put(context.Require(Table), Read(context.Require(Values)));
        context.Output.Write(new RowChangeReport("written", context.Require(Table)));
        return ExitCode.Ok;
    }

    private static ExitCode RunGet(CommandContext context)
    {
        var table = context.Require(Table);
        using var repository = context.OpenToRead();
        var row = new SyncedTables(repository).Read(table, Read(context.Require(Keys)))
            ?? throw new EdgeSyncException(
                ErrorKind.NotFound, $"'{table}' has no such row", $"edgesync repo row query {table}");
        using var document = JsonDocument.Parse(row);
        context.Output.Write(new RowReport(table, document.RootElement.Clone()));
        return ExitCode.Ok;
    }

    private static ExitCode RunDelete(CommandContext context)
    {
        using var repository = context.OpenToWrite();
        var isDeleted = new SyncedTables(repository).Delete(context.Require(Table), Read(context.Require(Keys)));
        context.Output.Write(new RowChangeReport(isDeleted ? "deleted" : "already_deleted", context.Require(Table)));
        return ExitCode.Ok;
    }

    private static ExitCode RunQuery(CommandContext context)
    {
        using var repository = context.OpenToRead();
        var (columns, rows) = new SyncedTables(repository).Query(context.Require(Table), context.Get(Where));
        context.Output.Write(new QueryReport(columns, rows));
        return ExitCode.Ok;
    }

    private static Dictionary<string, string?> Read(string[] words)
    {
        var values = new Dictionary<string, string?>(StringComparer.Ordinal);
        foreach (var word in words)
        {
            var equals = word.IndexOf('=', StringComparison.Ordinal);
            if (equals < 1 || !values.TryAdd(word[..equals], word[(equals + 1)..]))
            {
                throw new EdgeSyncException(
                    ErrorKind.Usage, $"'{word}' is not COLUMN=VALUE, each column once", "edgesync repo schema list");
            }
        }

        return values;
    }
}

internal sealed record RowReport(string Table, JsonElement Row) : IReport
{
    public void Print(TextWriter output)
    {
        foreach (var column in Row.EnumerateObject())
            output.WriteLine($"{column.Name + ":",-14} {DisplayText.OneLine(column.Value.ToString())}");
    }
}

/// <param name="Status"><c>written</c>, <c>deleted</c> or <c>already_deleted</c>.</param>
internal sealed record RowChangeReport(string Status, string Table) : IReport
{
    public void Print(TextWriter output) => output.WriteLine($"{Status.Replace('_', ' ')} a row of {Table}");
}
