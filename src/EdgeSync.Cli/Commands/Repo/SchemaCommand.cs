using System.CommandLine;
using EdgeSync.Cli.Printing;
using EdgeSync.Fossil.Sync.Store;
using EdgeSync.Primitives;
using EdgeSync.Storage.Sync;

namespace EdgeSync.Cli.Commands.Repo;

/// <summary>Which synced tables a repository has, and their columns.</summary>
internal static class SchemaCommand
{
    private static readonly string[] Conflicts = ["mtime-wins", "self-write", "owner-write"];
    private static readonly string[] Types = ["text", "integer", "real", "blob"];

    private static readonly Argument<string> Table = new("TABLE") { Description = "Name of the table." };

    private static readonly Option<string> Columns = new("--columns")
    {
        Description = "NAME:TYPE[:pk], with commas between them; a type is text, integer, real or blob.",
        HelpName = "LIST",
        Required = true,
    };

    private static readonly Option<string> Conflict = new Option<string>("--conflict")
    {
        Description = "Who wins: the newer row, or only the login that wrote it first.",
        HelpName = "STRATEGY",
        DefaultValueFactory = _ => Conflicts[0],
    }.Among(Conflicts);

    private static readonly Option<string?> Reading = new Option<string?>("--read")
    {
        Description = "Capabilities that a login needs to read it, beside o; \"\" for none.",
        HelpName = "LETTERS",
    }.TakesEmpty();

    private static readonly Option<string?> Writing = new Option<string?>("--write")
    {
        Description = "Capabilities that a login needs to write it, beside i; \"\" for none.",
        HelpName = "LETTERS",
    }.TakesEmpty();

    public static CommandSpec Create() => new("schema", "Declare tables whose rows are synced.")
    {
        new CommandSpec("add", "Declare a table, or add columns to one.", RunAdd)
        {
            Arguments = { Table },
            Options = { Columns, Conflict },
            Notes = "Peers that sync tables (--tables) take the declaration over, and new columns too.",
            Examples = ["repo schema add pump --columns id:text:pk,state:text,pressure:real"],
        },
        new CommandSpec("list", "List synced tables.", RunList) { Examples = ["repo schema list"] }.Also("ls"),
        new CommandSpec("show", "Print the columns of a table.", RunShow)
        {
            Arguments = { Table },
            Examples = ["repo schema show pump"],
        },
        new CommandSpec("access", "Print or change who may read and write a table here.", RunAccess)
        {
            Arguments = { Table },
            Options = { Reading, Writing },
            Notes = "Capabilities are those of 'edgesync repo user list'. They hold for this repository alone, "
                + "and are never synced.",
            Examples = ["repo schema access pump", "repo schema access pump --write a"],
        },
        new CommandSpec("remove", "Remove a table and its rows here; other copies keep theirs.", RunRemove)
        {
            Arguments = { Table },
            Examples = ["repo schema remove pump"],
        }.Also("rm", "delete"),
    };

    private static ExitCode RunAdd(CommandContext context)
    {
        var name = context.Require(Table);
        using var repository = context.OpenToWrite();
        var tables = new SyncedTables(repository);
        var isChanged = tables.Declare(
            name, context.Require(Columns), (SyncedConflict)Array.IndexOf(Conflicts, context.Require(Conflict)));
        context.Output.Write(new SchemaChangeReport(
            isChanged ? "declared" : "already_declared", name, tables.Get(name).Version));
        return ExitCode.Ok;
    }

    private static ExitCode RunList(CommandContext context)
    {
        using var repository = context.OpenToRead();
        context.Output.Write(new SchemaListReport([.. new SyncedTables(repository).List().Select(LineOf)]));
        return ExitCode.Ok;
    }

    private static ExitCode RunShow(CommandContext context)
    {
        using var repository = context.OpenToRead();
        context.Output.Write(LineOf(new SyncedTables(repository).Get(context.Require(Table))));
        return ExitCode.Ok;
    }

    private static ExitCode RunAccess(CommandContext context)
    {
        var name = context.Require(Table);
        var (read, write) = (context.Get(Reading), context.Get(Writing));
        using var repository = read is null && write is null ? context.OpenToRead() : context.OpenToWrite();
        new SyncedTables(repository).Get(name);
        var store = new SyncedTableStore(repository);
        var before = store.AccessOf(name);
        var after = new SyncedTableAccess(read ?? before.Read, write ?? before.Write);
        foreach (var letters in (string[])[after.Read, after.Write])
            if (!letters.All(char.IsAsciiLetterOrDigit))
                throw new EdgeSyncException(
                    ErrorKind.Usage, $"'{letters}' are not letters of capabilities", "edgesync repo user list");

        if (after != before) store.SetAccess(name, after);
        context.Output.Write(new SchemaAccessReport(
            read is null && write is null ? "shown" : after == before ? "already_set" : "set", name, after.Read,
            after.Write));
        return ExitCode.Ok;
    }

    private static ExitCode RunRemove(CommandContext context)
    {
        var name = context.Require(Table);
        using var repository = context.OpenToWrite();
        new SyncedTables(repository).Remove(name);
        context.Output.Write(new SchemaChangeReport("removed", name, null));
        return ExitCode.Ok;
    }

    private static SchemaReport LineOf(SyncedTableSchema schema) => new(
        schema.Name, schema.Version, Conflicts[(int)schema.Conflict],
        [.. schema.Columns.Select(c => new SchemaColumn(c.Name, Types[(int)c.Type], c.IsKey))]);
}

internal sealed record SchemaColumn(string Name, string Type, bool IsKey);

internal sealed record SchemaReport(
    string Table, int Version, string Conflict, IReadOnlyList<SchemaColumn> Columns) : IReport
{
    public void Print(TextWriter output)
    {
        output.WriteLine($"{Table}, version {Version}, {Conflict}");
        foreach (var column in Columns)
            output.WriteLine($"  {column.Name}  {column.Type}{(column.IsKey ? "  key" : "")}");
    }
}

internal sealed record SchemaListReport(IReadOnlyList<SchemaReport> Tables) : IReport
{
    public void Print(TextWriter output)
    {
        foreach (var table in Tables)
        {
            output.WriteLine(
                $"{table.Table}  {table.Conflict}  {string.Join(", ", table.Columns.Select(c => c.Name))}");
        }
    }
}

/// <param name="Status"><c>shown</c>, <c>set</c> or <c>already_set</c>.</param>
/// <param name="Read">Letters beside <c>o</c>.</param>
/// <param name="Write">Letters beside <c>i</c>.</param>
internal sealed record SchemaAccessReport(string Status, string Table, string Read, string Write) : IReport
{
    public void Print(TextWriter output) => output.WriteLine($"{Table}: read o{Read}, write i{Write}");
}

/// <param name="Status"><c>declared</c>, <c>already_declared</c> or <c>removed</c>.</param>
internal sealed record SchemaChangeReport(string Status, string Table, int? Version) : IReport
{
    public void Print(TextWriter output) => output.WriteLine(
        $"{Status.Replace('_', ' ')} {Table}{(Version is { } version ? $", version {version}" : "")}");
}
