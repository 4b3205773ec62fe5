using System.Text;
using System.Text.Json.Serialization;
using EdgeSync.Node.Web.Pages.Markup;
using EdgeSync.Primitives;
using EdgeSync.Storage;
using EdgeSync.Storage.Authoring;

namespace EdgeSync.Node.Web.Pages;

/// <summary>A wiki page in the list.</summary>
internal sealed record WikiRow(string Name, string Hash, string Date);

/// <summary>The wiki pages by name.</summary>
internal sealed record WikiListView(IReadOnlyList<WikiRow> Pages) : IPageModel
{
    private const int PagesMax = 2000;

    [JsonIgnore]
    public string Title => "Wiki";

    public static WikiListView Of(Repository repository, PageVisitor visitor) => new(
        [.. new WikiPages(repository).List().Take(PagesMax)
            .Where(p => visitor.Sees(repository, repository.Content.Find(p.Id)))
            .Select(p => new WikiRow(p.Title, p.Id.ToString(), p.Date.ToString()))]);

    public void Write(HtmlPage html, PageLinks links)
    {
        if (Pages.Count == 0) html.Add($"<p>No pages yet.</p>\n");
        html.Add($"<ul>\n");
        foreach (var page in Pages)
            html.Add(
                $"<li><a href=\"{links.Wiki(page.Name)}\">{page.Name}</a> <span "
                    + $"class=\"faint\">{DisplayText.Minute(page.Date)}</span></li>\n");
        html.Add($"</ul>\n");
    }
}

/// <summary>A file that is attached to a wiki page, a ticket or a technote.</summary>
internal sealed record AttachedFile(string Name, string Hash, string Date, string User)
{
    public static IReadOnlyList<AttachedFile> Of(Repository repository, PageVisitor visitor, string target) =>
        [.. new Attachments(repository).List(target).Where(
            a => visitor.Sees(repository, repository.Content.Find(a.Content)))
            .Select(a => new AttachedFile(a.Name, a.Content.ToString(), a.Date.ToString(), a.User))];

    public static void Write(HtmlPage html, PageLinks links, IReadOnlyList<AttachedFile> files)
    {
        if (files.Count == 0) return;

        html.Add($"<h2>Attached files</h2>\n<ul>\n");
        foreach (var file in files)
            html.Add(
                $"<li><a href=\"{links.Raw(file.Hash, file.Name)}\">{file.Name}</a> <span "
                    + $"class=\"faint\">{DisplayText.Minute(file.Date)} {file.User}</span></li>\n");
        html.Add($"</ul>\n");
    }
}

/// <summary>A version of a wiki page.</summary>
/// <param name="Mimetype">Null is Fossil's own wiki.</param>
/// <param name="Text">As it is written; null where it is too large to show.</param>
internal sealed record WikiView(
    string Name, string Hash, string Date, string User, string? Mimetype, string? Text,
    IReadOnlyList<AttachedFile> Attachments) : IPageModel
{
    private PageMarkup? _markup;

    [JsonIgnore]
    public string Title => _markup?.Title ?? Name;

    /// <summary>
    /// The newest version that the visitor sees; null for a page that does not exist, or does no more.
    /// </summary>
    public static RecordId? NewestOf(Repository repository, PageVisitor visitor, string name)
    {
        using var select = repository.Database.Prepare(
            """
            SELECT rid, value+0 FROM tagxref WHERE tagid=(SELECT tagid FROM tag WHERE tagname='wiki-'||?1)
             ORDER BY mtime DESC
            """);
        select.BindText(1, name);
        while (select.Step())
        {
            var rid = select.Record(0);
            if (visitor.Sees(repository, rid) && repository.Content.IsAvailable(rid))
                return select.Int64(1) > 0 ? rid : null;
        }

        return null;
    }

    public static WikiView Of(Repository repository, PageQuery query, PageVisitor visitor, PageLinks links)
    {
        var page = PageOf(repository, query, visitor);
        var isShort = page.Body.Length <= PageBudget.FileBytesMax;
        return new WikiView(
            page.Title, page.Id.ToString(), page.Date.ToString(), page.User, page.Mimetype,
            isShort ? Encoding.UTF8.GetString(page.Body) : null,
            AttachedFile.Of(repository, visitor, page.Title))
        {
            _markup = isShort ? PageMarkup.Of(repository, visitor, links, page.Body, page.Mimetype) : null,
        };
    }

    /// <summary>The text as it is written.</summary>
    public static PageAnswer Source(Repository repository, PageQuery query, PageVisitor visitor) =>
        new(200, "text/plain; charset=utf-8", PageOf(repository, query, visitor).Body);

    public void Write(HtmlPage html, PageLinks links)
    {
        if (_markup is not null) _markup.Write(html);
        else html.Add($"<p class=\"faint\">Too large to show here.</p>\n");
        AttachedFile.Write(html, links, Attachments);
        html.Add(
            $"""
            <p class="faint">Changed <time datetime="{Date}">{DisplayText.Minute(Date)}</time> by {User}:
            <a href="{links.WikiHistory(Name)}">history</a>,
            <a href="{links.WikiSource(Name, Hash)}">source</a></p>

            """);
    }

    private static WikiPage PageOf(Repository repository, PageQuery query, PageVisitor visitor)
    {
        var name = query["name"] ?? query.Name;
        var pages = new WikiPages(repository);
        if (query["id"] is { } id)
        {
            var version = pages.Read(visitor.Artifact(repository, id));
            return query["name"] is null || version.Title == name ? version
                : throw new EdgeSyncException(ErrorKind.NotFound, $"no version {id} of the wiki page '{name}'");
        }

        return NewestOf(repository, visitor, name) is { } rid ? pages.Read(rid)
            : throw new EdgeSyncException(ErrorKind.NotFound, $"no wiki page '{name}'", "see the list of pages");
    }
}

/// <summary>A version in the history of a wiki page.</summary>
internal sealed record WikiVersionRow(string Hash, string Date, string User, long Size);

/// <summary>The versions of a wiki page, newest first.</summary>
internal sealed record WikiHistoryView(string Name, IReadOnlyList<WikiVersionRow> Versions) : IPageModel
{
    private const int VersionsMax = 500;

    [JsonIgnore]
    public string Title => $"History of {Name}";

    public static WikiHistoryView Of(Repository repository, PageQuery query, PageVisitor visitor)
    {
        var name = query["name"] ?? query.Name;
        using var select = repository.Database.Prepare(
            """
            SELECT tagxref.rid, uuid, tagxref.mtime, coalesce(event.euser,event.user,'?'), tagxref.value+0
              FROM tagxref JOIN blob ON blob.rid=tagxref.rid LEFT JOIN event ON event.objid=tagxref.rid
             WHERE tagxref.tagid=(SELECT tagid FROM tag WHERE tagname='wiki-'||?1)
             ORDER BY tagxref.mtime DESC LIMIT ?2
            """);
        select.BindText(1, name).Bind(2, VersionsMax);
        var versions = new List<WikiVersionRow>();
        while (select.Step())
        {
            if (visitor.Sees(repository, select.Record(0)))
                versions.Add(new WikiVersionRow(
                    select.Text(1) ?? "", Instant.FromJulianDay(select.Double(2)).ToString(), select.Text(3) ?? "",
                    select.Int64(4)));
        }

        return versions.Count > 0 ? new WikiHistoryView(name, versions)
            : throw new EdgeSyncException(ErrorKind.NotFound, $"no wiki page '{name}'");
    }

    public void Write(HtmlPage html, PageLinks links)
    {
        html.Add($"<table>\n<tr><th scope=\"col\">Date</th><th scope=\"col\">User</th>");
        html.Add($"<th scope=\"col\">Size</th><th scope=\"col\">Version</th></tr>\n");
        foreach (var version in Versions)
        {
            html.Add($"<tr><td>{DisplayText.Minute(version.Date)}</td><td>{version.User}</td>");
            if (version.Size > 0) html.Add($"<td>{DisplayText.Bytes(version.Size)}</td>");
            else html.Add($"<td>deleted</td>");
            html.Add($"<td><a href=\"{links.WikiVersion(Name, version.Hash)}\"><code>{version.Hash[..10]}</code></a>");
            html.Add($"</td></tr>\n");
        }

        html.Add($"</table>\n");
    }
}
