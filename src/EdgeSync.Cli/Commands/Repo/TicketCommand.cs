using System.CommandLine;
using EdgeSync.Cli.Printing;
using EdgeSync.Primitives;
using EdgeSync.Storage;
using EdgeSync.Storage.Authoring;

namespace EdgeSync.Cli.Commands.Repo;

internal static class TicketCommand
{
    private static readonly Argument<string> Ticket = new("TICKET")
    {
        Description = "Id of the ticket, or its beginning."
    };

    private static readonly Argument<string[]> Fields = new("FIELD=VALUE")
    {
        Description = "Fields to set; +FIELD=VALUE appends.",
        Arity = ArgumentArity.OneOrMore,
    };

    private static readonly Argument<string?> Report = new("REPORT")
    {
        Description = "Number or title of a report (default: list them).",
        Arity = ArgumentArity.ZeroOrOne,
    };

    private static readonly Option<string?> Where = new("--where")
    {
        Description = "An SQL condition on the columns of the report.",
        HelpName = "CONDITION"
    };

    public static CommandSpec Create() => new("ticket", "List, print, add and change tickets.")
    {
        new CommandSpec("ls", "List tickets, the newest change first.", RunList)
        {
            Examples = ["repo ticket ls"],
        }.Also("list"),
        new CommandSpec("show", "Print the fields of a ticket.", RunShow)
        {
            Arguments = { Ticket },
            Examples = ["repo ticket show 4f1d0c5a"],
        },
        new CommandSpec("add", "Add a ticket.", RunAdd)
        {
            Arguments = { Fields },
            Options = { AuthorOptions.User },
            Examples = ["repo ticket add title='It does not start' type=Code_Defect status=Open"],
        }.Also("new"),
        new CommandSpec("set", "Change fields of a ticket.", RunSet)
        {
            Arguments = { Ticket, Fields },
            Options = { AuthorOptions.User },
            Examples = ["repo ticket set 4f1d0c5a status=Closed resolution=Fixed"],
        }.Also("change"),
        new CommandSpec("history", "Print the changes of a ticket, newest first.", RunHistory)
        {
            Arguments = { Ticket },
            Examples = ["repo ticket history 4f1d0c5a"],
        },
        new CommandSpec("fields", "List the fields that tickets have.", RunFields)
        {
            Examples = ["repo ticket fields"],
        },
        new CommandSpec("report", "List the reports of the project, or run one.", RunReport)
        {
            Arguments = { Report },
            Options = { Where },
            Examples = ["repo ticket report", "repo ticket report 1 --where \"status='Open'\""],
        },
    };

    private static ExitCode RunList(CommandContext context)
    {
        using var repository = context.OpenToRead();
        var tickets = new Tickets(repository).List().Select(t => new TicketLine(
            t.TicketId, t.ChangedAt.ToString(), t.Type, t.Status, t.Title));
        context.Output.Write(new TicketListReport([.. tickets]));
        return ExitCode.Ok;
    }

    private static ExitCode RunShow(CommandContext context)
    {
        using var repository = context.OpenToRead();
        var id = Find(repository, context.Require(Ticket));
        var fields = new Tickets(repository).Read(id)!.Where(f => f.Value is not null)
            .Select(f => new TicketField(f.Key, f.Value!));
        context.Output.Write(new TicketReportOne(id, [.. fields]));
        return ExitCode.Ok;
    }

    private static ExitCode RunAdd(CommandContext context)
    {
        using var repository = context.OpenToWrite();
        var (made, id) = new Tickets(repository).Add(context.UserName, FieldsOf(context));
        context.Output.Write(new TicketChangeReport("added", id, made.Id.ToString()));
        return ExitCode.Ok;
    }

    private static ExitCode RunSet(CommandContext context)
    {
        using var repository = context.OpenToWrite();
        var id = Find(repository, context.Require(Ticket));
        var (tickets, fields) = (new Tickets(repository), FieldsOf(context));
        var now = tickets.Read(id)!;
        if (fields.All(f => now.TryGetValue(f.Key, out var value) && (value ?? "") == f.Value))
        {
            context.Output.Write(new TicketChangeReport("already_changed", id, null));
            return ExitCode.Ok;
        }

        var made = tickets.Change(context.UserName, id, fields);
        context.Output.Write(new TicketChangeReport("changed", id, made.Id.ToString()));
        return ExitCode.Ok;
    }

    private static ExitCode RunHistory(CommandContext context)
    {
        using var repository = context.OpenToRead();
        var id = Find(repository, context.Require(Ticket));
        var changes = TicketHistory.Of(repository, id).Select(c => new TicketHistoryLine(
            c.Date.ToString(), c.User, [.. c.Fields.Select(f => new TicketHistoryField(f.Name, f.Value, f.IsAppended))],
            c.File, c.IsFileRemoved));
        context.Output.Write(new TicketHistoryReport(id, [.. changes]));
        return ExitCode.Ok;
    }

    private static ExitCode RunFields(CommandContext context)
    {
        using var repository = context.OpenToRead();
        context.Output.Write(new TicketFieldsReport(new Tickets(repository).Fields()));
        return ExitCode.Ok;
    }

    private static ExitCode RunReport(CommandContext context)
    {
        using var repository = context.OpenToRead();
        var reports = new TicketReports(repository);
        if (context.Get(Report) is { } name)
        {
            var rows = reports.Run(name, context.Get(Where));
            context.Output.Write(new QueryReport(rows.Columns, rows.Rows));
            return ExitCode.Ok;
        }

        context.Output.Write(new TicketReportsReport(
            [.. reports.List().Select(r => new TicketReportLine(r.Number, r.Title))]));
        return ExitCode.Ok;
    }

    private static string Find(Repository repository, string prefix) => new Tickets(repository).Find(prefix)
        ?? throw new EdgeSyncException(
            ErrorKind.NotFound, $"{repository.Path} has no ticket '{prefix}'", "edgesync repo ticket ls");

    private static List<KeyValuePair<string, string>> FieldsOf(CommandContext context)
    {
        var fields = new List<KeyValuePair<string, string>>();
        foreach (var word in context.Require(Fields))
        {
            var equals = word.IndexOf('=', StringComparison.Ordinal);
            if (equals < 1)
            {
                throw new EdgeSyncException(
                    ErrorKind.Usage, $"'{word}' is not FIELD=VALUE", "edgesync repo ticket fields");
            }

            fields.Add(new(word[..equals], word[(equals + 1)..]));
        }

        // The cards of an artifact stand in order.
        return [.. fields.OrderBy(f => f.Key.TrimStart('+'), StringComparer.Ordinal)];
    }
}

internal sealed record TicketLine(string Ticket, string Date, string? Type, string? Status, string? Title);

internal sealed record TicketListReport(IReadOnlyList<TicketLine> Tickets) : IReport
{
    public void Print(TextWriter output)
    {
        foreach (var ticket in Tickets)
        {
            output.WriteLine(
                $"{ticket.Ticket[..10]}  {DisplayText.Minute(ticket.Date)}  {DisplayText.OneLine(ticket.Status ?? "")}"
                    + $"  {DisplayText.OneLine(ticket.Title ?? "")}");
        }
    }
}

internal sealed record TicketField(string Name, string Value);

internal sealed record TicketReportOne(string Ticket, IReadOnlyList<TicketField> Fields) : IReport
{
    public void Print(TextWriter output)
    {
        foreach (var field in Fields) output.WriteLine($"{field.Name + ":",-14} {DisplayText.OneLine(field.Value)}");
    }
}

/// <param name="Status"><c>added</c>, <c>changed</c>, or <c>already_changed</c> when each field is so.</param>
/// <param name="Hash">Of the artifact; null when nothing was to do.</param>
internal sealed record TicketChangeReport(string Status, string Ticket, string? Hash) : IReport
{
    public void Print(TextWriter output) => output.WriteLine(
        Status == "already_changed" ? $"ticket {Ticket} has these values already" : $"{Status} ticket {Ticket}");
}

internal sealed record TicketHistoryField(string Name, string Value, bool IsAppended);

/// <param name="File">A file that was attached, or removed; null for a change of fields.</param>
internal sealed record TicketHistoryLine(
    string Date, string User, IReadOnlyList<TicketHistoryField> Fields, string? File, bool IsFileRemoved);

internal sealed record TicketHistoryReport(string Ticket, IReadOnlyList<TicketHistoryLine> Changes) : IReport
{
    public void Print(TextWriter output)
    {
        foreach (var change in Changes)
        {
            output.WriteLine($"{DisplayText.Second(change.Date)}  {DisplayText.Name(change.User)}");
            if (change.File is { } file)
                output.WriteLine($"  {(change.IsFileRemoved ? "removed" : "attached")} {DisplayText.Name(file)}");
            foreach (var field in change.Fields)
                output.WriteLine($"  {field.Name}{(field.IsAppended ? " +" : "")}= {DisplayText.OneLine(field.Value)}");
        }
    }
}

internal sealed record TicketFieldsReport(IReadOnlyList<string> Fields) : IReport
{
    public void Print(TextWriter output)
    {
        foreach (var field in Fields) output.WriteLine(field);
    }
}

internal sealed record TicketReportLine(long Number, string Title);

internal sealed record TicketReportsReport(IReadOnlyList<TicketReportLine> Reports) : IReport
{
    public void Print(TextWriter output)
    {
        foreach (var report in Reports) output.WriteLine($"{report.Number,4}  {DisplayText.OneLine(report.Title)}");
    }
}
