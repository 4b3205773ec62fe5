using System.Text;
using System.Text.Json.Serialization;
using EdgeSync.Node.Web.Pages.Markup;
using EdgeSync.Primitives;
using EdgeSync.Storage;
using EdgeSync.Storage.Authoring;

namespace EdgeSync.Node.Web.Pages;

/// <summary>A technote in the list.</summary>
internal sealed record TechnoteRow(string Id, string About, string Comment, string User);

/// <summary>The technotes, by the moment they are about.</summary>
internal sealed record TechnotesView(IReadOnlyList<TechnoteRow> Technotes) : IPageModel
{
    private const int NotesMax = 500;

    [JsonIgnore]
    public string Title => "Technotes";

    public static TechnotesView Of(Repository repository, PageVisitor visitor)
    {
        using var select = repository.Database.Prepare(
            """
            SELECT event.objid, substr(tagname,7), event.mtime, coalesce(event.ecomment,event.comment,''),
                   coalesce(event.euser,event.user,'?')
              FROM event JOIN tag USING(tagid)
             WHERE type='e' AND tagname GLOB 'event-*' ORDER BY event.mtime DESC LIMIT ?1
            """);
        select.Bind(1, NotesMax);
        var notes = new List<TechnoteRow>();
        while (select.Step())
        {
            if (visitor.Sees(repository, select.Record(0)))
                notes.Add(new TechnoteRow(
                    select.Text(1) ?? "", Instant.FromJulianDay(select.Double(2)).ToString(), select.Text(3) ?? "",
                    select.Text(4) ?? ""));
        }

        return new TechnotesView(notes);
    }

    public void Write(HtmlPage html, PageLinks links)
    {
        if (Technotes.Count == 0) html.Add($"<p>No technotes yet.</p>\n");
        html.Add($"<table class=\"timeline\">\n");
        foreach (var note in Technotes)
        {
            html.Add($"<tr><td class=\"when\"><time datetime=\"{note.About}\">{DisplayText.Minute(note.About)}</time>");
            html.Add($"</td><td><a href=\"{links.Technote(note.Id)}\">{OneLine(note.Comment)}</a></td>");
            html.Add($"<td class=\"who\">{note.User}</td></tr>\n");
        }

        html.Add($"</table>\n");

        static string OneLine(string text) => text.Length > 0 ? text : "(no title)";
    }
}

/// <summary>A technote.</summary>
/// <param name="About">The moment that it is about.</param>
internal sealed record TechnoteView(
    string Id, string Hash, string About, string Date, string User, string Comment, string? Mimetype, string? Text,
    IReadOnlyList<AttachedFile> Attachments) : IPageModel
{
    private PageMarkup? _markup;

    [JsonIgnore]
    public string Title => Comment.Length > 0 ? Comment : $"Technote {Id[..10]}";

    public static TechnoteView Of(Repository repository, PageQuery query, PageVisitor visitor, PageLinks links)
    {
        var name = query["name"] ?? query.Name;
        var note = new Technotes(repository).Find(name.ToLowerInvariant());
        if (note is null || !visitor.Sees(repository, note.Rid))
            throw new EdgeSyncException(ErrorKind.NotFound, $"no technote '{name}'");

        var isShort = note.Body.Length <= PageBudget.FileBytesMax;
        return new TechnoteView(
            note.TechnoteId, note.Id.ToString(), note.About.ToString(), note.Date.ToString(), note.User, note.Comment,
            note.Mimetype, isShort ? Encoding.UTF8.GetString(note.Body) : null,
            AttachedFile.Of(repository, visitor, note.TechnoteId))
        {
            _markup = isShort ? PageMarkup.Of(repository, visitor, links, note.Body, note.Mimetype) : null,
        };
    }

    public void Write(HtmlPage html, PageLinks links)
    {
        html.Add($"<p class=\"faint\">About <time datetime=\"{About}\">{DisplayText.Minute(About)}</time></p>\n");
        if (_markup is not null) _markup.Write(html);
        else html.Add($"<p class=\"faint\">Too large to show here.</p>\n");
        AttachedFile.Write(html, links, Attachments);
        html.Add($"<p class=\"faint\">Changed <time datetime=\"{Date}\">{DisplayText.Minute(Date)}</time> by {User}: ");
        html.Add($"<a href=\"{links.Raw(Hash, Hash[..10])}\">artifact</a></p>\n");
    }
}
