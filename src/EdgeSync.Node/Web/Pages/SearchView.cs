using System.Text.Json.Serialization;
using EdgeSync.Primitives;
using EdgeSync.Storage;
using EdgeSync.Storage.Search;

namespace EdgeSync.Node.Web.Pages;

/// <summary>One thing that was found.</summary>
/// <param name="Area">
/// <c>files</c>, <c>comments</c>, <c>wiki</c>, <c>tickets</c>, <c>technotes</c> or <c>forum</c>.
/// </param>
/// <param name="Name">A path, a hash, a title or an id.</param>
internal sealed record SearchRow(string Area, string Name, string Title, string Snippet, string? Date);

/// <summary>What has all of the words, the best first.</summary>
/// <param name="Indexed">Texts that were looked at: fewer than there are while an index is being made.</param>
/// <param name="Texts">Texts of the repository.</param>
internal sealed record SearchView(string? Words, IReadOnlyList<SearchRow> Hits, long Indexed = 0, long Texts = 0)
    : IPageModel
{
    private const int HitsMax = 50, WordsMax = 16, LengthMax = 200;

    // About half a second of one request.
    private const int DocumentsOfStep = 3000, CharactersOfStep = 4 << 20;

    // An index is brought up to date by one request at a time; what a first one takes grows with the repository.
    private static readonly Lock Gate = new();
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(2);

    [JsonIgnore]
    public string Title => "Search";

    /// <summary>The index does not have everything yet.</summary>
    public bool IsPart => Indexed < Texts;

    public static SearchView Of(Repository repository, PageQuery query, PageVisitor visitor)
    {
        var text = query["s"];
        if (text is null) return new SearchView(null, []);

        if (text.Length > LengthMax) throw new EdgeSyncException(ErrorKind.Usage, "too many words to search for");
        if (!Gate.TryEnter(Patience))
            throw new EdgeSyncException(ErrorKind.Unavailable, "another search runs", "try again in a moment");

        try
        {
            using var index = SearchIndex.Open(repository);
            if (!index.IsKept)
                throw new EdgeSyncException(ErrorKind.Unavailable, "this node cannot keep an index for searches");

            var progress = index.UpdateStep(DocumentsOfStep, CharactersOfStep);
            string[] words = text.Split(
                ' ', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
            var hits = index.Find(
                [.. words.Take(WordsMax)], AreasOf(visitor), HitsMax,
                (area, key, stamp) => MayShow(repository, visitor, area, key, stamp));
            return new SearchView(text, [.. hits.Select(h => new SearchRow(
                h.Area.ToString().ToLowerInvariant(), h.Name, h.Title, h.Snippet, h.Date?.ToString()))],
                progress.Ready, progress.Total);
        }
        finally
        {
            Gate.Exit();
        }
    }

    public void Write(HtmlPage html, PageLinks links)
    {
        html.Add(
            $"""
            <form class="search" action="{links.Base}/search" role="search">
            <label>Words that all occur <input type="search" name="s" value="{Words}" maxlength="{LengthMax}"></label>
            <div><button>Search</button></div>
            </form>

            """);
        if (Words is null) return;

        if (IsPart)
        {
            html.Add($"<p role=\"status\">The index is being made: {DisplayText.Number(Indexed)} of ");
            html.Add($"{DisplayText.Number(Texts)} texts are in it. This page goes on by itself.</p>\n");
        }
        else if (Hits.Count == 0)
        {
            html.Add($"<p>Nothing has all of these words.</p>\n");
        }

        foreach (var hit in Hits)
        {
            html.Add($"<section class=\"entry\"><p><span class=\"tag\">{hit.Area}</span> ");
            html.Add($"<a href=\"{AddressOf(hit, links)}\">{(hit.Title.Length > 0 ? hit.Title : hit.Name)}</a> ");
            if (hit.Date is { } date)
                html.Add($"<time class=\"faint\" datetime=\"{date}\">{DisplayText.Minute(date)}</time>");
            html.Add($"</p>\n<p>{hit.Snippet}</p></section>\n");
        }

        if (Hits.Count == HitsMax) html.Add($"<p class=\"faint\">Only the best {HitsMax} are shown.</p>\n");
    }

    private static string AddressOf(SearchRow hit, PageLinks links) => hit.Area switch
    {
        "files" => links.File("trunk", hit.Name),
        "wiki" => links.Wiki(hit.Name),
        "tickets" => links.Ticket(hit.Name),
        "technotes" => links.Technote(hit.Name),
        "forum" => links.ForumPost(hit.Name),
        _ => links.Info(hit.Name),
    };

    private static SearchAreas AreasOf(PageVisitor visitor) =>
        (visitor.May('o') ? SearchAreas.Files | SearchAreas.Comments : SearchAreas.None)
        | (visitor.May('j') ? SearchAreas.Wiki | SearchAreas.Technotes : SearchAreas.None)
        | (visitor.May('r') ? SearchAreas.Tickets : SearchAreas.None)
        | (visitor.May('2') ? SearchAreas.Forum : SearchAreas.None);

    // The index has what is private, too. What it was made of is what counts.
    private static bool MayShow(
        Repository repository, PageVisitor visitor, SearchAreas area, string key, string stamp) => area switch
        {
            SearchAreas.Tickets => TicketView.MaySee(repository, visitor, key),
            SearchAreas.Comments => SeesArtifact(repository, visitor, key),
            _ => SeesArtifact(repository, visitor, stamp),
        };

    private static bool SeesArtifact(Repository repository, PageVisitor visitor, string hash) =>
        visitor.Capabilities.MaySyncPrivate
        || (ArtifactId.TryParse(System.Text.Encoding.ASCII.GetBytes(hash), out var id)
            && visitor.Sees(repository, repository.Content.Find(id)));
}
