using System.CommandLine;
using System.Globalization;
using EdgeSync.Cli.Printing;
using EdgeSync.Primitives;
using EdgeSync.Storage.Sqlite;

namespace EdgeSync.Cli.Commands.Repo;

internal static class QueryCommand
{
    private static readonly Argument<string> Sql = new("SQL") { Description = "One statement." };
    private static readonly Option<bool> MayWrite = new("--write")
    {
        Description = "Allow a statement that changes the repository."
    };

    public static CommandSpec Create() => new("query", "Run one SQL statement on a repository.", Run)
    {
        Arguments = { Sql },
        Options = { MayWrite },
        Notes = "The repository is opened read-only unless --write is given. content(HASH) is the content of an "
            + "artifact, symbolic_name_to_rid(NAME) its record.",
        Examples = [
            "repo query 'SELECT count(*) FROM blob'", "repo query --write \"DELETE FROM config WHERE name='old'\""],
    };

    private static ExitCode Run(CommandContext context)
    {
        var mayWrite = context.Get(MayWrite);
        using var repository = mayWrite ? context.OpenToWrite() : context.OpenToRead();
        repository.AddSqlFunctions();
        using var statement = repository.Database.PrepareOnly(context.Require(Sql));
        if (!mayWrite && !statement.IsReadOnly)
            throw new EdgeSyncException(ErrorKind.Denied, "this statement changes the repository", "--write allows it");

        if (statement.ColumnCount > 0)
        {
            context.Output.Write(ReadRows(statement));
            return ExitCode.Ok;
        }

        context.Output.Write(new QueryChangeReport(statement.Run()));
        return ExitCode.Ok;
    }

    private static QueryReport ReadRows(Statement statement)
    {
        var columns = new string[statement.ColumnCount];
        for (var i = 0; i < columns.Length; i++) columns[i] = statement.ColumnName(i);
        var rows = new List<IReadOnlyList<string?>>();
        while (statement.Step())
        {
            var row = new string?[columns.Length];
            for (var i = 0; i < row.Length; i++) row[i] = ValueOf(statement, i);
            rows.Add(row);
        }

        return new QueryReport(columns, rows);
    }

    private static string? ValueOf(Statement statement, int column) => statement.ColumnType(column) switch
    {
        SqliteType.Null => null,
        SqliteType.Integer => statement.Int64(column).ToString(CultureInfo.InvariantCulture),
        SqliteType.Real => statement.Double(column).ToString("R", CultureInfo.InvariantCulture),
        SqliteType.Blob => "x'" + Convert.ToHexStringLower(statement.Bytes(column)) + "'",
        _ => statement.Text(column),
    };
}

/// <summary>Every value as text; NULL as null.</summary>
internal sealed record QueryReport(IReadOnlyList<string> Columns, IReadOnlyList<IReadOnlyList<string?>> Rows) : IReport
{
    public void Print(TextWriter output)
    {
        output.WriteLine(string.Join('|', Columns));
        foreach (var row in Rows) output.WriteLine(string.Join('|', row));
    }
}

internal sealed record QueryChangeReport(int RowsAffected) : IReport
{
    public void Print(TextWriter output) => output.WriteLine($"{RowsAffected} rows affected");
}
