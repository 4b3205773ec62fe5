using EdgeSync.Primitives;

namespace EdgeSync.Storage.Authoring;

/// <summary>A report on tickets that the project has defined.</summary>
/// <param name="Number">Its number; 0 is the whole table.</param>
/// <param name="Title">Its title.</param>
public sealed record TicketReport(long Number, string Title);

/// <summary>The rows of a report, as text; null for NULL.</summary>
public sealed record TicketReportRows(IReadOnlyList<string> Columns, IReadOnlyList<IReadOnlyList<string?>> Rows);

/// <summary>
/// Reports on tickets. Their SQL comes from the repository, so it may read the tables that stock allows, and nothing
/// else. Spec: rptshow in report.c.
/// </summary>
public sealed class TicketReports(Repository repository)
{
    private const string WholeTitle = "full ticket export";

    // Spec: report_query_authorizer in report.c.
    private static readonly string[] Readable =
    [
        "backlink", "blob", "event", "filename", "json_each", "json_tree", "mlink", "plink", "tag", "tagxref",
        "ticket", "ticketchng", "unversioned",
    ];

    /// <summary>By number, the whole table first.</summary>
    public IReadOnlyList<TicketReport> List()
    {
        var reports = new List<TicketReport> { new(0, WholeTitle) };
        using var select = repository.Database.Prepare("SELECT rn, title FROM reportfmt ORDER BY rn");
        while (select.Step()) reports.Add(new TicketReport(select.Int64(0), select.Text(1) ?? ""));
        return reports;
    }

    /// <summary>Runs a report.</summary>
    /// <param name="report">Its number or title.</param>
    /// <param name="filter">An SQL condition on its columns, or null.</param>
    /// <param name="rowsMax">Rows at most.</param>
    /// <param name="readsTicketsOnly">It may read tickets and their changes, and no check-ins.</param>
    /// <exception cref="EdgeSyncException">There is no such report, or its SQL is not one valid query.</exception>
    public TicketReportRows Run(
        string report, string? filter, int rowsMax = int.MaxValue, bool readsTicketsOnly = false)
    {
        var sql = SqlOf(report);
        if (filter is not null) sql = $"SELECT * FROM ({sql}) WHERE {filter}";
        using var restriction = repository.Database.RestrictReads(
            table => readsTicketsOnly
                ? table.ToLowerInvariant() is "ticket" or "ticketchng" or "json_each" or "json_tree"
                : Readable.Contains(table, StringComparer.OrdinalIgnoreCase)
                    || table.StartsWith("fx_", StringComparison.OrdinalIgnoreCase));
        using var select = repository.Database.PrepareOnly(sql);
        string[] columns = [.. Enumerable.Range(0, select.ColumnCount).Select(select.ColumnName)];
        var rows = new List<IReadOnlyList<string?>>();
        while (rows.Count < rowsMax && select.Step())
            rows.Add([.. Enumerable.Range(0, columns.Length).Select(select.Text)]);
        return new TicketReportRows(columns, rows);
    }

    private string SqlOf(string report)
    {
        if (report is "0" or WholeTitle) return "SELECT * FROM ticket";

        using var select = repository.Database.Prepare(
            "SELECT sqlcode FROM reportfmt WHERE rn=?1 OR (?1=0 AND title=?2)");
        select.Bind(1, NumberOf(report)).BindText(2, report);
        return select.Step() && select.Text(0) is { } sql ? sql : throw new EdgeSyncException(
            ErrorKind.NotFound, $"unknown report format({report})!", "edgesync repo ticket report")
        {
            Candidates = [.. List().Select(r => r.Title)],
        };
    }

    // As C reads it: the digits in front.
    private static long NumberOf(string text) =>
        long.TryParse(string.Concat(text.TakeWhile(char.IsAsciiDigit)), out var number) ? number : 0;
}
