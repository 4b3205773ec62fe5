using System.CommandLine;
using System.Text;
using EdgeSync.Primitives;
using EdgeSync.Storage;
using EdgeSync.Storage.Authoring;

namespace EdgeSync.Cli.Commands.Stock;

/// <summary>Stock's <c>ticket</c>.</summary>
// Spec: ticket_cmd in tkt.c; rptshow in report.c.
internal static class StockTicketCommand
{
    private const int LongValue = 50, CommentIndent = 4, Width = 80;

    private static readonly Argument<string> What = new("fields|reports");
    private static readonly Argument<string> Report = new("REPORT");
    private static readonly Argument<string?> Filter = new("FILTER") { Arity = ArgumentArity.ZeroOrOne };
    private static readonly Argument<string> Ticket = new("TICKETUUID");
    private static readonly Argument<string[]> Fields = new Argument<string[]>("FIELD VALUE")
    {
        Arity = ArgumentArity.ZeroOrMore
    }.TakesEmpty();

    private static readonly Option<string?> Limit = new("--limit", "-l") { HelpName = "LIMITCHAR" };
    private static readonly Option<bool> Quote = new("--quote", "-q");
    private static readonly Option<string?> UserOverride = new("--user-override") { HelpName = "USER" };
    private static readonly Option<string?> DateOverride = new("--date-override") { HelpName = "DATE" };

    public static CommandSpec Create() => new("ticket", "List, show, add and change tickets.")
    {
        new CommandSpec("add", "Add a ticket.", Add)
        {
            Arguments = { Fields },
            Options = { Quote, UserOverride, DateOverride, AuthorOptions.User },
        },
        new CommandSpec("change", "Change a ticket.", Change)
        {
            Arguments = { Ticket, Fields },
            Options = { Quote, UserOverride, DateOverride, AuthorOptions.User },
        },
        new CommandSpec("set", "Change a ticket.", Change)
        {
            Arguments = { Ticket, Fields },
            Options = { Quote, UserOverride, DateOverride, AuthorOptions.User },
        },
        new CommandSpec("history", "Print the changes of a ticket.", History) { Arguments = { Ticket } },
        new CommandSpec("list", "List fields or reports.", List) { Arguments = { What } }.Also("ls"),
        new CommandSpec("show", "Run a report.", Show)
        {
            Arguments = { Report, Filter },
            Options = { Limit, Quote },
        },
    };

    private static ExitCode List(CommandContext context)
    {
        var what = context.Require(What);
        using var repository = context.OpenToRead();
        if ("fields".StartsWith(what, StringComparison.Ordinal))
        {
            foreach (var field in new Tickets(repository).Fields()) context.Output.Text.Write(field + "\n");
            return ExitCode.Ok;
        }

        if (!"reports".StartsWith(what, StringComparison.Ordinal))
            throw new EdgeSyncException(ErrorKind.Usage, $"unknown ticket list option '{what}'!");

        PrintReports(context, repository);
        return ExitCode.Ok;
    }

    private static void PrintReports(CommandContext context, Repository repository)
    {
        context.Output.Text.Write("Available reports:\nreport number\treport title\n");
        foreach (var report in new TicketReports(repository).List())
            context.Output.Text.Write($"{report.Number}\t{report.Title}\n");
    }

    private static ExitCode Show(CommandContext context)
    {
        using var repository = context.OpenToRead();
        TicketReportRows rows;
        try
        {
            rows = new TicketReports(repository).Run(context.Require(Report), context.Get(Filter));
        }
        catch (EdgeSyncException e) when (e.Kind == ErrorKind.NotFound)
        {
            PrintReports(context, repository);
            throw;
        }

        var separator = context.Get(Limit) ?? "\t";
        var isQuoted = context.Get(Quote);
        // Without a row stock prints no names of columns either.
        foreach (var row in rows.Rows.Count == 0 ? [] : rows.Rows.Prepend(rows.Columns))
        {
            context.Output.Text.Write(
                string.Join(separator, row.Select(v => isQuoted ? Quoted(v ?? "") : OneLine(v ?? ""))) + "\n");
        }

        return ExitCode.Ok;
    }

    private static ExitCode Add(CommandContext context)
    {
        using var repository = context.OpenToWrite();
        var (_, id) = new Tickets(repository).Add(
            UserOf(context, repository), FieldsOf(context, repository, "add"), DateOf(context));
        context.Output.Text.Write($"ticket add succeeded for {id}\n");
        return ExitCode.Ok;
    }

    private static ExitCode Change(CommandContext context)
    {
        using var repository = context.OpenToWrite();
        var id = Find(repository, context.Require(Ticket));
        new Tickets(repository).Change(
            UserOf(context, repository), id, FieldsOf(context, repository, "set"), DateOf(context));
        context.Output.Text.Write($"ticket set succeeded for {id}\n");
        return ExitCode.Ok;
    }

    private static ExitCode History(CommandContext context)
    {
        using var repository = context.OpenToRead();
        var output = context.Output.Text;
        foreach (var change in TicketHistory.Of(repository, Find(repository, context.Require(Ticket))))
        {
            var date = DisplayText.Second(change.Date.ToString());
            if (change.File is { } file)
            {
                output.Write($"{(change.IsFileRemoved ? "Delete" : "Add")} attachment {file}\n");
                output.Write($" by {change.User} on {date}\n");
                continue;
            }

            output.Write($"Ticket Change by {change.User} on {date}:\n");
            foreach (var field in change.Fields)
            {
                output.Write($"  {(field.IsAppended ? "Append to " : "Change ")}{field.Name}: ");
                if (Encoding.UTF8.GetByteCount(field.Value) <= LongValue
                    && !field.Value.AsSpan().ContainsAny('\n', '\r'))
                {
                    output.Write(field.Value + "\n");
                    continue;
                }

                output.Write("\n    ");
                StockComment.Print(output, field.Value, CommentIndent, Width);
            }
        }

        return ExitCode.Ok;
    }

    private static string UserOf(CommandContext context, Repository repository)
    {
        var user = context.Get(UserOverride) ?? context.UserName;
        return repository.Users.TryGet(user, out _)
            ? user
            : throw new EdgeSyncException(ErrorKind.NotFound, $"no such user: {user}");
    }

    private static Instant? DateOf(CommandContext context) => DateOption.Read(context.Get(DateOverride));

    private static string Find(Repository repository, string prefix)
    {
        using var select = repository.Database.Prepare("SELECT tkt_uuid FROM ticket WHERE tkt_uuid GLOB ?1||'*'");
        return select.BindText(1, prefix).Step() && select.Text(0) is { } id
            ? id
            : throw new EdgeSyncException(ErrorKind.NotFound, $"unknown ticket: '{prefix}'!");
    }

    // Later words for one field win, and empty ones are left out, as in stock.
    private static List<KeyValuePair<string, string>> FieldsOf(
        CommandContext context, Repository repository, string command)
    {
        var words = context.Get(Fields) ?? [];
        if (words.Length == 0) throw new EdgeSyncException(ErrorKind.Usage, $"empty {command} command aborted!");

        var known = new Tickets(repository).Fields();
        var given = new SortedDictionary<string, (string? Value, string? Appended)>(StringComparer.Ordinal);
        for (var i = 0; i < words.Length; i += 2)
        {
            if (i + 1 == words.Length)
                throw new EdgeSyncException(ErrorKind.Usage, $"missing value for '{words[i]}'!");

            var isAppended = words[i].StartsWith('+');
            var name = isAppended ? words[i][1..] : words[i];
            if (!known.Contains(name)) throw new EdgeSyncException(ErrorKind.Usage, $"unknown field name '{name}'!");

            var value = context.Get(Quote) ? Unquoted(words[i + 1]) : words[i + 1];
            var before = given.GetValueOrDefault(name);
            given[name] = isAppended ? (before.Value, value) : (value, before.Appended);
        }

        var fields = new List<KeyValuePair<string, string>>();
        foreach (var (name, (value, appended)) in given)
        {
            if (!string.IsNullOrEmpty(appended)) fields.Add(new("+" + name, appended));
            else if (!string.IsNullOrEmpty(value)) fields.Add(new(name, value));
        }

        return fields;
    }

    // White space other than blanks becomes as many blanks.
    private static string OneLine(string text) =>
        string.Concat(text.Select(c => c is >= '\t' and <= '\r' ? ' ' : c));

    private static string Quoted(string text)
    {
        var quoted = new StringBuilder(text.Length);
        foreach (var c in text)
        {
            quoted.Append(c switch
            {
                '\\' => "\\\\",
                '\0' => "\\0",
                ' ' => "\\s",
                '\t' => "\\t",
                '\n' => "\\n",
                '\r' => "\\r",
                '\v' => "\\v",
                '\f' => "\\f",
                _ => c.ToString(),
            });
        }

        return quoted.ToString();
    }

    private static string Unquoted(string text)
    {
        var plain = new StringBuilder(text.Length);
        for (var i = 0; i < text.Length; i++)
        {
            if (text[i] != '\\' || i + 1 == text.Length)
            {
                plain.Append(text[i]);
                continue;
            }

            plain.Append(text[++i] switch
            {
                'n' => '\n',
                's' => ' ',
                't' => '\t',
                'r' => '\r',
                'v' => '\v',
                'f' => '\f',
                '0' => '\0',
                var other => other,
            });
        }

        return plain.ToString();
    }
}
