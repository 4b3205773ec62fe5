using System.Globalization;
using System.Text.Json.Serialization;
using EdgeSync.Node.Web.Pages.Markup;
using EdgeSync.Primitives;
using EdgeSync.Storage;
using EdgeSync.Storage.Queries;

namespace EdgeSync.Node.Web.Pages;

/// <summary>One entry of the timeline.</summary>
/// <param name="Parents">Of a check-in: the primary one first.</param>
internal sealed record TimelineRow(
    string Hash, string Type, string Date, string User, string Comment, string? Branch, IReadOnlyList<string> Parents);

/// <summary>A page of the timeline, newest first, with the lines between check-ins and their parents.</summary>
/// <param name="Next">The cursor of the next page; null on the last.</param>
/// <param name="Branch">Only entries with this branch or tag.</param>
internal sealed record TimelineView(IReadOnlyList<TimelineRow> Entries, string? Next, string? Branch) : ILivePage
{
    private const int PageSize = 50, PageSizeMax = 500;
    private const string BranchName = "r", Cursor = "c", Count = "n";

    [JsonIgnore]
    public string Title => Branch is null ? "Timeline" : $"Timeline of {Branch}";

    [JsonIgnore]
    public int Size { get; init; } = PageSize;

    /// <summary>No entry is newer than those of this page.</summary>
    [JsonIgnore]
    public bool IsFirst { get; init; }

    public string? LivePath(PageLinks links) => IsFirst ? links.Live : null;

    public static TimelineView Of(Repository repository, PageQuery query, PageVisitor visitor)
    {
        var size = int.TryParse(query[Count], NumberStyles.None, CultureInfo.InvariantCulture, out var count)
            ? Math.Clamp(count, 1, PageSizeMax) : PageSize;
        return Of(repository, query[BranchName], query[Cursor], size, visitor);
    }

    /// <summary>The newest entries.</summary>
    public static TimelineView Newest(Repository repository, int count, PageVisitor visitor) =>
        Of(repository, null, null, count, visitor);

    public void Write(HtmlPage html, PageLinks links)
    {
        WriteRows(html, links);
        if (Entries.Count == 0) html.Add($"<p>Nothing here yet.</p>\n");
        if (Next is null) return;

        var branch = Branch is null ? "" : $"{BranchName}={Uri.EscapeDataString(Branch)}&";
        var older = $"{links.Timeline}?{branch}{Count}={Size}&{Cursor}={Uri.EscapeDataString(Next)}";
        html.Add($"<p><a rel=\"next\" href=\"{older}\">Older</a></p>\n");
    }

    public void WriteRows(HtmlPage html, PageLinks links)
    {
        var graph = TimelineGraph.Of(Entries);
        html.Add($"<table class=\"timeline\">\n");
        for (var i = 0; i < Entries.Count; i++)
        {
            var row = Entries[i];
            html.Add(
                $"<tr><td class=\"when\"><time datetime=\"{row.Date}\">{DisplayText.Minute(row.Date)}</time></td>");
            graph.Write(html, i);
            html.Add($"<td>");
            if (row.Type == "w") CommentText.WriteWiki(html, links, row.Comment);
            else CommentText.Write(html, links, row.Comment);
            html.Add($" ");
            if (row.Branch is { } branch) html.Add($"<a class=\"tag\" href=\"{links.Branch(branch)}\">{branch}</a>");
            html.Add($"</td><td class=\"who\">{row.User}</td><td class=\"hash\">");
            html.Add($"<a href=\"{links.Info(row.Hash)}\"><code>{row.Hash.AsSpan(0, 10)}</code></a></td></tr>\n");
        }

        html.Add($"</table>\n");
    }

    private static TimelineView Of(Repository repository, string? branch, string? cursor, int size, PageVisitor visitor)
    {
        var page = TimelinePage.Read(
            repository, new TimelineQuery { Branch = branch, Cursor = cursor, PageSize = size });
        using var parents = repository.Database.Prepare(
            "SELECT uuid, rid FROM plink JOIN blob ON blob.rid=plink.pid WHERE plink.cid=?1 "
                + "ORDER BY plink.isprim DESC");
        var rows = new List<TimelineRow>();
        foreach (var entry in page.Entries)
        {
            var rid = repository.Content.Find(entry.Id);
            if (!visitor.SeesType(entry.Type) || !visitor.Sees(repository, rid)) continue;

            var hashes = new List<string>();
            if (entry.Type == "ci")
            {
                parents.Reset().Bind(1, rid);
                while (parents.Step())
                    if (visitor.Sees(repository, parents.Record(1))) hashes.Add(parents.Artifact(0).ToString());
            }

            rows.Add(new TimelineRow(
                entry.Id.ToString(), entry.Type, entry.Date.ToString(), entry.User, entry.Comment, entry.Branch,
                hashes));
        }

        return new TimelineView(rows, page.Next, branch) { Size = size, IsFirst = cursor is null };
    }
}
