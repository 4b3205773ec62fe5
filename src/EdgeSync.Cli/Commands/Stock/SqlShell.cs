using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;
using EdgeSync.Primitives;
using EdgeSync.Storage.Sqlite;

namespace EdgeSync.Cli.Commands.Stock;

/// <summary>
/// Statements and the usual dot commands of SQLite's shell, on one database: <c>.tables .indexes .schema .dump .mode
/// .headers .separator .nullvalue .print .read .help .quit</c>. Rows are printed in the modes of
/// <see cref="SqlRows"/>.
/// </summary>
// Spec: shell.c of SQLite; stock's sql command is that shell, in mode quote.
internal sealed partial class SqlShell(Database database, TextWriter output)
{
    private const string Help =
        """
        .dump ?TABLE?            Print the database as SQL
        .exit                    End
        .headers on|off          Print the names of columns
        .help                    This list
        .indexes ?TABLE?         Names of indexes
        .mode MODE               csv, column, insert, json, line, list, quote, tabs
        .nullvalue TEXT          What is printed for NULL
        .print TEXT...           Print words
        .quit                    End
        .read FILE               Run the statements of a file
        .schema ?PATTERN?        The statements that made the tables
        .separator TEXT          What stands between columns
        .tables ?PATTERN?        Names of tables

        """;

    // Stock opens the repository under this name, beside the settings of the user.
    private const string Attached = "repository.";

    private readonly SqlRows _rows = new(output);
    private bool _isDone;

    public SqlRows Rows => _rows;

    /// <summary>Runs lines as the shell does: a line that begins with a dot is a command unless a statement is
    /// open.</summary>
    /// <exception cref="EdgeSyncException">A statement fails, or a dot command is not here.</exception>
    public void Run(string script)
    {
        var open = new StringBuilder();
        foreach (var line in script.Split('\n'))
        {
            if (_isDone) return;
            if (open.ToString().AsSpan().Trim().IsEmpty && line.StartsWith('.'))
            {
                RunDot(line.TrimEnd('\r', ' '));
                continue;
            }

            open.Append(line).Append('\n');
            if (!line.AsSpan().TrimEnd().EndsWith(";") || !Database.IsComplete(open.ToString())) continue;

            RunSql(open.ToString());
            open.Clear();
        }

        if (!_isDone && !open.ToString().AsSpan().Trim().IsEmpty) RunSql(open.ToString());
    }

    private void RunSql(string sql)
    {
        foreach (var statement in database.PrepareEach(sql)) _rows.Print(statement);
    }

    private void RunDot(string line)
    {
        var words = Words(line[1..]);
        var argument = words.ElementAtOrDefault(1);
        switch (words.Count == 0 ? "" : Full(words[0]))
        {
            case "dump": Dump(argument); break;
            case "exit" or "quit": _isDone = true; break;
            case "headers": _rows.HasHeader = IsOn(argument); break;
            case "help": output.Write(Help); break;
            case "indexes": PrintNames("index", "tbl_name", argument); break;
            case "mode": _rows.SetMode(argument ?? "", words.ElementAtOrDefault(2)); break;
            case "nullvalue": _rows.Null = argument ?? ""; break;
            case "print": output.Write(string.Join(' ', words.Skip(1)) + "\n"); break;
            case "read": Run(Encoding.UTF8.GetString(InputFile.ReadAll(argument ?? throw Usage(".read FILE")))); break;
            case "schema": PrintSchema(argument); break;
            case "separator": _rows.Separator = Unescaped(argument ?? throw Usage(".separator TEXT")); break;
            case "tables": PrintNames("table", "name", argument); break;
            default:
                throw new EdgeSyncException(
                    ErrorKind.Usage, $".{words.FirstOrDefault()} is not part of edgesync; .help lists what is");
        }
    }

    // A beginning is enough, as in the shell.
    private static string Full(string word)
    {
        string[] names = [
            "dump", "exit", "headers", "help", "indexes", "mode", "nullvalue", "print", "quit", "read", "schema",
            "separator", "tables"];
        if (names.Contains(word)) return word;

        return word.Length > 1 ? names.FirstOrDefault(n => n.StartsWith(word, StringComparison.Ordinal)) ?? word : word;
    }

    private void Dump(string? table)
    {
        output.Write("PRAGMA foreign_keys=OFF;\nBEGIN TRANSACTION;\n");
        using (var select = database.PrepareOnce(
            """
            SELECT name, sql, type FROM sqlite_schema
             WHERE sql NOT NULL AND name NOT LIKE 'sqlite_%' AND (?1 IS NULL OR name LIKE ?1)
             ORDER BY type<>'table', rowid
            """))
        {
            select.BindText(1, table);
            while (select.Step())
            {
                var sql = select.Text(1)!;
                var isVirtual = sql.StartsWith("CREATE VIRTUAL", StringComparison.OrdinalIgnoreCase);
                output.Write(sql + ";\n");
                if (select.Text(2) == "table" && !isVirtual) DumpRows(select.Text(0)!);
            }
        }

        output.Write("COMMIT;\n");
    }

    private void DumpRows(string table)
    {
        var quoted = $"\"{table.Replace("\"", "\"\"", StringComparison.Ordinal)}\"";
        using var select = database.PrepareOnce($"SELECT * FROM {quoted}");
        var name = SqlRows.NameOf(table);
        while (select.Step())
            output.Write($"INSERT INTO {name} VALUES({string.Join(',', SqlRows.QuotedOf(select))});\n");
    }

    private void PrintNames(string type, string column, string? pattern)
    {
        using var select = database.PrepareOnce(
            $"""
            SELECT name FROM sqlite_schema
             WHERE (type=?1 OR (?1='table' AND type='view' AND name NOT LIKE 'sqlite_%'))
               AND (?2 IS NULL OR {column} LIKE ?2) ORDER BY 1
            """);
        select.BindText(1, type).BindText(2, pattern);
        var names = new List<string>();
        while (select.Step()) names.Add(Attached + select.Text(0));
        PrintInColumns(names);
    }

    // Columns of the longest name and two blanks, in a line of 80, as the shell prints them.
    private void PrintInColumns(List<string> names)
    {
        if (names.Count == 0) return;

        var width = names.Max(n => n.Length);
        var columns = Math.Max(1, 80 / (width + 2));
        var rows = (names.Count + columns - 1) / columns;
        for (var row = 0; row < rows; row++)
        {
            for (var at = row; at < names.Count; at += rows)
                output.Write((at < rows ? "" : "  ") + names[at].PadRight(width));
            output.Write("\n");
        }
    }

    private void PrintSchema(string? pattern)
    {
        using var select = database.PrepareOnce(
            """
            SELECT sql FROM sqlite_schema
             WHERE sql NOT NULL AND name NOT LIKE 'sqlite_%' AND (?1 IS NULL OR lower(tbl_name) LIKE lower(?1))
             ORDER BY rowid
            """);
        select.BindText(1, pattern);
        while (select.Step())
            output.Write(BeforeName().Replace(select.Text(0) ?? "", m => m.Value + Attached, 1) + ";\n");
    }

    private static List<string> Words(string line)
    {
        var words = new List<string>();
        for (var at = 0; at < line.Length;)
        {
            if (char.IsWhiteSpace(line[at]))
            {
                at++;
                continue;
            }

            var quote = line[at] is '\'' or '"' ? line[at++] : '\0';
            var begin = at;
            while (at < line.Length && (quote != 0 ? line[at] != quote : !char.IsWhiteSpace(line[at]))) at++;
            words.Add(line[begin..at]);
            if (quote != 0) at++;
        }

        return words;
    }

    private static string Unescaped(string text) => text.Replace("\\t", "\t", StringComparison.Ordinal)
        .Replace("\\n", "\n", StringComparison.Ordinal);

    private static bool IsOn(string? word) => word switch
    {
        "on" or "yes" or "true" or "1" => true,
        "off" or "no" or "false" or "0" => false,
        _ => throw Usage(".headers on|off"),
    };

    [GeneratedRegex("^CREATE (UNIQUE )?(VIRTUAL )?(TABLE|INDEX|VIEW|TRIGGER) (IF NOT EXISTS )?")]
    private static partial Regex BeforeName();

    private static EdgeSyncException Usage(string text) => new(ErrorKind.Usage, $"Usage: {text}");
}

/// <summary>Prints rows in one of the shell's modes.</summary>
internal sealed class SqlRows(TextWriter output)
{
    private static readonly SearchValues<char> ToQuote = SearchValues.Create(" \"\r\n,'");

    private static readonly string[] Modes = ["csv", "column", "insert", "json", "line", "list", "quote", "tabs"];

    private string _mode = "quote";
    private string _table = "table";

    /// <summary>Names of columns in front of the rows.</summary>
    public bool HasHeader { get; set; }

    /// <summary>Between columns; null is that of the mode.</summary>
    public string? Separator { get; set; }

    /// <summary>What stands for NULL; null is that of the mode.</summary>
    public string? Null { get; set; }

    /// <exception cref="EdgeSyncException">The mode is unknown.</exception>
    public void SetMode(string name, string? table)
    {
        // Beginnings and plurals, as in the shell: columns, lines.
        var found = name.Length == 0 ? null
            : Modes.FirstOrDefault(m => m.StartsWith(name.TrimEnd('s'), StringComparison.Ordinal));
        _mode = found ?? throw new EdgeSyncException(
            ErrorKind.Usage, $"mode should be one of: {string.Join(' ', Modes)}");
        if (table is not null) _table = table;
        Separator = null;
        if (_mode == "column") HasHeader = true;
    }

    public void Print(Statement statement)
    {
        if (_mode == "column") PrintColumns(statement);
        else if (_mode == "json") PrintJson(statement);
        else
        {
            var isFirst = true;
            while (statement.Step())
            {
                if (isFirst && HasHeader && _mode is not ("line" or "insert")) PrintHeader(statement);
                PrintRow(statement, isFirst);
                isFirst = false;
            }
        }
    }

    /// <summary>The values of a row as SQL.</summary>
    public static IEnumerable<string> QuotedOf(Statement statement) =>
        Enumerable.Range(0, statement.ColumnCount).Select(c => Quoted(statement, c));

    /// <summary>A name in SQL, quoted where it must be.</summary>
    public static string NameOf(string name) => name.Length > 0 && !char.IsAsciiDigit(name[0])
        && name.All(c => char.IsAsciiLetterOrDigit(c) || c == '_')
        ? name : $"\"{name.Replace("\"", "\"\"", StringComparison.Ordinal)}\"";

    private void PrintHeader(Statement statement)
    {
        var names = Enumerable.Range(0, statement.ColumnCount).Select(statement.ColumnName);
        output.Write(_mode switch
        {
            "quote" => string.Join(Separator ?? ",", names.Select(Quote)) + "\n",
            "csv" => string.Join(Separator ?? ",", names.Select(Csv)) + "\r\n",
            "tabs" => string.Join(Separator ?? "\t", names) + "\n",
            _ => string.Join(Separator ?? "|", names) + "\n",
        });
    }

    private void PrintRow(Statement statement, bool isFirst)
    {
        var columns = Enumerable.Range(0, statement.ColumnCount);
        switch (_mode)
        {
            case "quote":
                output.Write(string.Join(Separator ?? ",", QuotedOf(statement)) + "\n");
                break;
            case "insert":
                var names = HasHeader
                    ? $"({string.Join(',', columns.Select(c => NameOf(statement.ColumnName(c))))})" : "";
                output.Write($"INSERT INTO {NameOf(_table)}{names} VALUES({string.Join(',', QuotedOf(statement))});\n");
                break;
            case "csv":
                output.Write(
                    string.Join(Separator ?? ",", columns.Select(c =>
                        statement.IsNull(c) ? Null ?? "" : Csv(statement.Text(c)!))) + "\r\n");
                break;
            case "line":
                var width = Math.Max(5, columns.Max(c => statement.ColumnName(c).Length));
                if (!isFirst) output.Write("\n");
                foreach (var c in columns)
                    output.Write($"{statement.ColumnName(c).PadLeft(width)} = {TextOf(statement, c)}\n");
                break;
            default:
                output.Write(
                    string.Join(
                        Separator ?? (_mode == "tabs" ? "\t" : "|"), columns.Select(c => TextOf(statement, c))) + "\n");
                break;
        }
    }

    private void PrintColumns(Statement statement)
    {
        var rows = new List<string[]>();
        while (statement.Step())
            rows.Add([.. Enumerable.Range(0, statement.ColumnCount).Select(c => TextOf(statement, c))]);
        if (rows.Count == 0) return;

        string[] names = [.. Enumerable.Range(0, statement.ColumnCount).Select(statement.ColumnName)];
        int[] widths = [
            .. names.Select((n, c) => Math.Max(HasHeader ? n.Length : 0, rows.Max(r => r[c].Length)))];
        if (HasHeader)
        {
            Line(names);
            Line([.. widths.Select(w => new string('-', w))]);
        }

        foreach (var row in rows) Line(row);

        void Line(string[] values) => output.Write(
            string.Join("  ", values.Select((v, c) => c + 1 == values.Length && v.Length == 0
                ? v.PadRight(widths[c]) : v.PadRight(widths[c]))) + "\n");
    }

    private void PrintJson(Statement statement)
    {
        var isFirst = true;
        while (statement.Step())
        {
            output.Write(isFirst ? "[{" : ",\n{");
            isFirst = false;
            output.Write(string.Join(',', Enumerable.Range(0, statement.ColumnCount).Select(c =>
                $"{Json(statement.ColumnName(c))}:{JsonOf(statement, c)}")) + "}");
        }

        if (!isFirst) output.Write("]\n");
    }

    private string TextOf(Statement statement, int column) =>
        statement.IsNull(column) ? Null ?? "" : statement.Text(column) ?? "";

    // Stock's shell quotes, so that values can be told apart.
    private static string Quoted(Statement statement, int column) => statement.ColumnType(column) switch
    {
        SqliteType.Null => "NULL",
        SqliteType.Text => Quote(statement.Text(column) ?? ""),
        SqliteType.Blob => $"X'{Convert.ToHexStringLower(statement.Bytes(column))}'",
        _ => statement.Text(column) ?? "",
    };

    private static string JsonOf(Statement statement, int column) => statement.ColumnType(column) switch
    {
        SqliteType.Null => "null",
        SqliteType.Integer => statement.Int64(column).ToString(CultureInfo.InvariantCulture),
        SqliteType.Real => statement.Text(column) ?? "null",
        _ => Json(statement.Text(column) ?? ""),
    };

    private static string Json(string text) => $"\"{System.Text.Encodings.Web.JavaScriptEncoder
        .UnsafeRelaxedJsonEscaping.Encode(text)}\"";

    private static string Csv(string text) => text.Length == 0
        || text.AsSpan().ContainsAny(ToQuote) || text.Any(c => c is < ' ' or > '~')
        ? $"\"{text.Replace("\"", "\"\"", StringComparison.Ordinal)}\"" : text;

    private static string Quote(string text) => $"'{text.Replace("'", "''", StringComparison.Ordinal)}'";
}
