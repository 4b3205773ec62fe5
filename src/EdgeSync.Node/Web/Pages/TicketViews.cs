using System.Text;
using System.Text.Json.Serialization;
using EdgeSync.Node.Web.Pages.Markup;
using EdgeSync.Primitives;
using EdgeSync.Storage;
using EdgeSync.Storage.Authoring;

namespace EdgeSync.Node.Web.Pages;

/// <summary>A ticket in the list.</summary>
internal sealed record TicketRow(string Id, string Date, string? Type, string? Status, string? Title);

/// <summary>A report that the project has defined.</summary>
internal sealed record ReportRow(long Number, string Title);

/// <summary>The tickets, those that changed last first, and the reports.</summary>
internal sealed record TicketsView(IReadOnlyList<ReportRow> Reports, IReadOnlyList<TicketRow> Tickets) : IPageModel
{
    private const int TicketsMax = 500;

    [JsonIgnore]
    public string Title => "Tickets";

    public static TicketsView Of(Repository repository, PageVisitor visitor) => new(
        [.. new TicketReports(repository).List().Where(r => r.Number > 0)
            .Select(r => new ReportRow(r.Number, r.Title))],
        !repository.Database.HasTable("ticket") ? [] :
        [.. new Tickets(repository).List().Take(TicketsMax)
            .Where(t => TicketView.MaySee(repository, visitor, t.TicketId))
            .Select(t => new TicketRow(t.TicketId, t.ChangedAt.ToString(), t.Type, t.Status, t.Title))]);

    public void Write(HtmlPage html, PageLinks links)
    {
        if (Reports.Count > 0)
        {
            html.Add($"<h2>Reports</h2>\n<ul>\n");
            foreach (var report in Reports)
                html.Add($"<li><a href=\"{links.Report(report.Number)}\">{report.Title}</a></li>\n");
            html.Add($"</ul>\n<h2>Changed last</h2>\n");
        }

        if (Tickets.Count == 0) html.Add($"<p>No tickets yet.</p>\n");
        html.Add($"<div class=\"scroll\"><table>\n<tr><th scope=\"col\">Date</th><th scope=\"col\">Type</th>");
        html.Add($"<th scope=\"col\">Status</th><th scope=\"col\">Title</th></tr>\n");
        foreach (var ticket in Tickets)
        {
            html.Add($"<tr><td class=\"when\">{DisplayText.Minute(ticket.Date)}</td><td>{ticket.Type}</td>");
            html.Add($"<td>{ticket.Status}</td><td><a href=\"{links.Ticket(ticket.Id)}\">");
            html.Add($"{(string.IsNullOrEmpty(ticket.Title) ? ticket.Id[..10] : ticket.Title)}</a></td></tr>\n");
        }

        html.Add($"</table></div>\n");
    }
}

/// <summary>The rows of a report.</summary>
/// <param name="IsWhole">False when there are more rows.</param>
internal sealed record ReportView(
    long Number, string Name, IReadOnlyList<string> Columns, IReadOnlyList<IReadOnlyList<string?>> Rows, bool IsWhole)
    : IPageModel
{
    private const int RowsMax = 1000, CellLengthMax = 2000;

    [JsonIgnore]
    public string Title => Name;

    public static ReportView Of(Repository repository, PageQuery query, PageVisitor visitor)
    {
        var reports = new TicketReports(repository);
        if (!long.TryParse(query["rn"] ?? query.Name, out var number)
            || reports.List().FirstOrDefault(r => r.Number == number && number > 0) is not { } report)
            throw new EdgeSyncException(ErrorKind.NotFound, "no such report", "see the list of tickets");

        // A report of the project could name any check-in.
        var found = reports.Run(
            number.ToString(System.Globalization.CultureInfo.InvariantCulture), filter: null, RowsMax + 1,
            readsTicketsOnly: !visitor.Capabilities.MaySyncPrivate || !visitor.May('o'));
        return new ReportView(
            number, report.Title, found.Columns,
            [.. found.Rows.Take(RowsMax).Where(row => IsSeen(repository, visitor, found.Columns, row))
                .Select(row => (IReadOnlyList<string?>)[.. row.Select(Shortened)])],
            found.Rows.Count <= RowsMax);
    }

    public void Write(HtmlPage html, PageLinks links)
    {
        html.Add($"<div class=\"scroll\"><table>\n<tr>");
        for (var i = 0; i < Columns.Count; i++)
            if (!IsHidden(Columns[i])) html.Add($"<th scope=\"col\">{Columns[i].TrimStart('_')}</th>");
        html.Add($"</tr>\n");
        foreach (var row in Rows)
        {
            html.Add($"<tr>");
            for (var i = 0; i < Columns.Count; i++)
            {
                if (IsHidden(Columns[i])) continue;

                if (Columns[i] == "#" && row[i] is { Length: >= 4 } id && id.All(char.IsAsciiHexDigitLower))
                    html.Add($"<td><a href=\"{links.Ticket(id)}\"><code>{id}</code></a></td>");
                else html.Add($"<td>{row[i]}</td>");
            }

            html.Add($"</tr>\n");
        }

        html.Add($"</table></div>\n");
        if (!IsWhole) html.Add($"<p class=\"faint\">More rows than {RowsMax}; the rest is not shown.</p>\n");
    }

    // Stock colours a row by it.
    private static bool IsHidden(string column) => column.Equals("bgcolor", StringComparison.OrdinalIgnoreCase);

    private static string? Shortened(string? text) =>
        text is { Length: > CellLengthMax } ? text[..CellLengthMax] + "…" : text;

    private static bool IsSeen(
        Repository repository, PageVisitor visitor, IReadOnlyList<string> columns, IReadOnlyList<string?> row)
    {
        for (var i = 0; i < columns.Count; i++)
        {
            if (columns[i] is "#" or "tkt_uuid" && row[i] is { } id && !TicketView.MaySee(repository, visitor, id))
                return false;
        }

        return true;
    }
}

/// <summary>A field of a ticket.</summary>
internal sealed record TicketField(string Name, string Value);

/// <summary>A change of a ticket.</summary>
/// <param name="Comment">The remark that came with it; null without one.</param>
/// <param name="File">The file that was attached or removed; null for a change of fields.</param>
internal sealed record TicketChangeRow(
    string Date, string User, IReadOnlyList<TicketField> Fields, string? Comment, string? File)
{
    internal PageMarkup? Markup { get; init; }
}

/// <summary>A ticket with its changes, newest first.</summary>
internal sealed record TicketView(
    string Id, string? Name, string? Comment, IReadOnlyList<TicketField> Fields, IReadOnlyList<TicketChangeRow> Changes,
    IReadOnlyList<AttachedFile> Attachments) : IPageModel
{
    private const int ChangesMax = 200, ValueLengthMax = 2000, CommentLengthMax = 64 * 1024;

    private static readonly string[] Remarks = ["icomment", "comment"];

    private PageMarkup? _markup;

    [JsonIgnore]
    public string Title => string.IsNullOrEmpty(Name) ? $"Ticket {Id[..10]}" : Name;

    /// <summary>False for a ticket that something private has changed: what it says now may be private.</summary>
    /// <param name="prefix">The begin of its id.</param>
    public static bool MaySee(Repository repository, PageVisitor visitor, string prefix)
    {
        if (visitor.Capabilities.MaySyncPrivate) return true;

        using var select = repository.Database.Prepare(
            """
            SELECT 1 FROM tag JOIN tagxref USING(tagid) JOIN private USING(rid)
             WHERE tagname>='tkt-'||?1 AND tagname<'tkt-'||?1||'g' LIMIT 1
            """);
        return !select.BindText(1, prefix).Step();
    }

    public static TicketView Of(Repository repository, PageQuery query, PageVisitor visitor, PageLinks links)
    {
        var name = (query["name"] ?? query.Name).ToLowerInvariant();
        var tickets = new Tickets(repository);
        if (!repository.Database.HasTable("ticket") || tickets.Find(name) is not { } id
            || !MaySee(repository, visitor, id) || tickets.Read(id) is not { } fields)
            throw new EdgeSyncException(ErrorKind.NotFound, $"no ticket '{name}'", "see the list of tickets");

        var budget = new PageBudget();
        var comment = fields.GetValueOrDefault("comment");
        return new TicketView(
            id, fields.GetValueOrDefault("title"), comment,
            [.. fields.Where(f => IsShown(f.Key) && !string.IsNullOrEmpty(f.Value))
                .Select(f => new TicketField(f.Key, Shortened(f.Value!)))],
            [.. TicketHistory.Of(repository, id).Take(ChangesMax)
                .Select(c => Of(c, repository, visitor, links, budget))],
            AttachedFile.Of(repository, visitor, id))
        {
            _markup = MarkupOf(comment, fields.GetValueOrDefault("mimetype"), repository, visitor, links, budget),
        };
    }

    public void Write(HtmlPage html, PageLinks links)
    {
        html.Add($"<table>\n<tr><th scope=\"row\">Ticket</th><td><code>{Id}</code></td></tr>\n");
        foreach (var field in Fields)
            html.Add($"<tr><th scope=\"row\">{field.Name}</th><td>{field.Value}</td></tr>\n");
        html.Add($"</table>\n");
        _markup?.Write(html);
        AttachedFile.Write(html, links, Attachments);
        html.Add($"<h2>Changes</h2>\n");
        foreach (var change in Changes)
        {
            html.Add($"<section class=\"entry\"><p><time datetime=\"{change.Date}\">{DisplayText.Minute(change.Date)}");
            html.Add($"</time> {change.User}");
            if (change.File is { } file) html.Add($" <span class=\"faint\">{file}</span>");
            html.Add($"</p>\n");
            if (change.Fields.Count > 0)
            {
                html.Add($"<table>\n");
                foreach (var field in change.Fields)
                    html.Add($"<tr><th scope=\"row\">{field.Name}</th><td>{field.Value}</td></tr>\n");
                html.Add($"</table>\n");
            }

            change.Markup?.Write(html);
            html.Add($"</section>\n");
        }
    }

    private static TicketChangeRow Of(
        TicketChange change, Repository repository, PageVisitor visitor, PageLinks links, PageBudget budget)
    {
        var remark = change.Fields.FirstOrDefault(f => Remarks.Contains(f.Name.TrimStart('+')))?.Value;
        var mimetype = change.Fields.FirstOrDefault(f => f.Name is "mimetype" or "+mimetype")?.Value;
        return new TicketChangeRow(
            change.Date.ToString(), change.User,
            [.. change.Fields.Where(f => IsShown(f.Name.TrimStart('+')))
                .Select(f => new TicketField(f.Name.TrimStart('+'), Shortened(f.Value)))],
            remark is null ? null : Shortened(remark),
            change.File is null ? null : change.IsFileRemoved ? $"removed {change.File}" : $"attached {change.File}")
        {
            Markup = MarkupOf(remark, mimetype, repository, visitor, links, budget),
        };
    }

    private static PageMarkup? MarkupOf(
        string? text, string? mimetype, Repository repository, PageVisitor visitor, PageLinks links, PageBudget budget)
    {
        if (string.IsNullOrEmpty(text)) return null;

        var bytes = Encoding.UTF8.GetBytes(text.Length > CommentLengthMax ? text[..CommentLengthMax] : text);
        return budget.TryRead(bytes.Length) ? PageMarkup.Of(repository, visitor, links, bytes, mimetype) : null;
    }

    // Addresses of mail are hashes here; the rest is the book-keeping of the table.
    private static bool IsShown(string field) =>
        field is not ("title" or "comment" or "icomment" or "mimetype" or "username" or "login")
        && !field.StartsWith("tkt_", StringComparison.Ordinal)
        && !field.StartsWith("private_", StringComparison.Ordinal);

    private static string Shortened(string text) =>
        text.Length > ValueLengthMax ? text[..ValueLengthMax] + "…" : text;
}
