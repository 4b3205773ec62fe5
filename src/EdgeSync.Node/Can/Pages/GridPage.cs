using System.Diagnostics;
using EdgeSync.Can.Assets;
using EdgeSync.Can.Queries;
using EdgeSync.Node.Web.Pages;
using EdgeSync.Storage.Assets;
using Microsoft.AspNetCore.Http;
using TagList = EdgeSync.Can.Assets.TagList;

namespace EdgeSync.Node.Can.Pages;

/// <summary>
/// The grid of assets.
/// <code>
/// /?q=TEXT&amp;tags=A,B&amp;kind=image/&amp;folder=/x/&amp;application=NAME&amp;trashed=1&amp;cursor=…
/// /?…&amp;only=HASH,HASH   the cards of these alone, as far as they fit the filters: for the page's script
/// </code>
/// </summary>
internal sealed class GridPage(AssetStore store)
{
    public const int PageSize = 60;

    private const int OnlyMax = 50, TagsShown = 40, SnippetBytes = 240;
    private const int PictureWidth = 320, PictureHeight = 240;

    private static readonly (string Value, string Text)[] Kinds =
    [
        ("", "Everything"), ("image/", "Pictures"), ("text/", "Texts"), ("audio/", "Sound"), ("video/", "Video"),
        ("application/", "Documents and others"),
    ];

    // Counting takes the longer the more assets there are: it takes a twentieth of the time at most.
    private const int TagsPause = 20;

    private sealed record CountedTags(long Number, IReadOnlyList<TagCount> Tags, long At, TimeSpan Took);

    private CountedTags _tags = new(-1, [], 0, TimeSpan.Zero);

    /// <summary>The page, or what is wrong with the request.</summary>
    public (HtmlPage? Page, string? Fault) Of(IQueryCollection parameters, CanVisitor visitor)
    {
        string? Value(string name) => parameters[name] is [{ Length: > 0 } value, ..] ? value : null;

        var filters = new Filters(
            Value("q"), Value("tags"), Value("kind"), Value("folder"), Value("application"), Value("trashed") == "1");
        var fault = AssetQuery.TryParse(filters.Parameter, out var query);
        if (fault is not null) return (null, fault);
        if (Value("cursor") is { } text)
        {
            if (!PageCursor.TryParse(text, out var cursor)) return (null, "cursor is the text of an earlier page");
            query = query with { After = cursor };
        }

        query = query with { Limit = PageSize };
        // Before the rows are read: what changes meanwhile comes by the stream.
        var position = store.CommittedNumber;
        if (Value("only") is { } only)
        {
            if (Only(query, only) is not { } found) return (null, $"only names up to {OnlyMax} hashes");
            return (Page(filters, visitor, found, position), null);
        }

        return (Page(filters, visitor, store.Page(query), position), null);
    }

    private AssetPage? Only(AssetQuery query, string text)
    {
        var hashes = text.Split(',');
        if (hashes.Length > OnlyMax || hashes.Any(h => !AssetHash.TryParse(h, out _))) return null;

        var found = new List<Asset>();
        foreach (var hash in hashes)
            found.AddRange(store.Page(query with { HashPrefix = hash, After = null, Limit = 1 }).Items);
        return new AssetPage(found, store.Page(query with { After = null, Limit = 1 }).Total, null);
    }

    private HtmlPage Page(Filters filters, CanVisitor visitor, AssetPage page, long position)
    {
        var html = new HtmlPage();
        if (!filters.IsTrash) WriteUpload(html, visitor);
        WriteSearch(html, filters);
        var state = filters.IsTrash ? "in the trash" : filters.IsNone ? "" : "found";
        html.Add($"<h2>{(filters.IsTrash ? "In the trash" : "Stored")}</h2>\n");
        html.Add($"<p id=\"count\">{page.Total} {(page.Total == 1 ? "asset" : "assets")} {state}</p>\n");
        html.Add($"<ul id=\"assets\" class=\"assets\">\n");
        foreach (var asset in page.Items) WriteCard(html, asset, visitor, filters);
        html.Add($"</ul>\n");
        if (page.Next is { } next)
            html.Add($"<p><a id=\"more\" rel=\"next\" href=\"{filters.Link(next.ToString())}\">More</a></p>\n");
        var attributes = new HtmlPage().Add($" data-events=\"/api/v1/can/0/events\" data-position=\"{position}\"");
        return CanLayout.Of(
            filters.IsTrash ? "Trash" : "Assets", visitor, html, PageAssets.CanScriptPath, attributes);
    }

    private static void WriteUpload(HtmlPage html, CanVisitor visitor) => html.Add(
        $"""
        <form id="upload" class="upload" method="post" action="/page/upload" enctype="multipart/form-data">
        <input type="hidden" name="csrf" value="{visitor.Csrf}">
        <label>Store a file <input id="file" type="file" name="file" required></label>
        <label>with tags <input id="file-tags" name="tags" placeholder="vacation, paper"></label>
        <button>Store</button>
        <p class="faint">With scripts: drop files anywhere here, or paste a picture or a text.</p>
        </form>
        <ul id="uploads" class="uploads" aria-label="Uploads" aria-live="polite"></ul>

        """);

    private void WriteSearch(HtmlPage html, Filters filters)
    {
        html.Add(
            $"""
            <form class="filters" role="search" method="get" action="/">
            <label>Search <input id="q" type="search" name="q" value="{filters.Words}"></label>
            <label>Kind <select name="kind">

            """);
        foreach (var (value, text) in Kinds)
        {
            if (value == (filters.Kind ?? "")) html.Add($"<option value=\"{value}\" selected>{text}</option>\n");
            else html.Add($"<option value=\"{value}\">{text}</option>\n");
        }

        html.Add($"</select></label>\n");
        foreach (var (name, value) in filters.Hidden)
            html.Add($"<input type=\"hidden\" name=\"{name}\" value=\"{value}\">\n");
        html.Add($"<button>Search</button>\n</form>\n");
        if (!filters.IsNone)
        {
            html.Add($"<p>Shown: ");
            foreach (var (name, value, without) in filters.Active)
                html.Add(
                    $"<a class=\"tag\" href=\"{without}\" aria-label=\"Do not filter by {name} {value}\">{name}: "
                        + $"<bdi>{value}</bdi> ✕</a> ");
            html.Add($"</p>\n");
        }

        var tags = Tags();
        if (tags.Count == 0) return;

        html.Add($"<nav class=\"tags\" aria-label=\"Tags\">\n");
        foreach (var tag in tags)
        {
            html.Add($"<a class=\"tag\" href=\"{filters.WithTag(tag.Name)}\"><bdi>{tag.Name}</bdi> ");
            html.Add($"<span class=\"faint\">{tag.Assets}</span></a>\n");
        }

        html.Add($"</nav>\n");
    }

    private void WriteCard(HtmlPage html, Asset asset, CanVisitor visitor, Filters filters)
    {
        var (hash, order) = (asset.Hash.ToString(), new PageCursor(asset.TimestampMs, asset.Id).ToString());
        html.Add(
            $"<li id=\"a-{hash}\" class=\"asset\" data-hash=\"{hash}\" data-order=\"{order}\">"
                + $"<a href=\"{AssetText.PageOf(asset)}\">");
        if (AssetText.PictureOf(asset, PictureWidth, PictureHeight) is { } picture)
            html.Add($"<span class=\"picture\"><img src=\"{picture}\" alt=\"\" loading=\"lazy\"></span>");
        else if (AssetText.BeginningOf(store, asset, SnippetBytes) is { } beginning)
            html.Add($"<span class=\"picture text\">{beginning}</span>");
        else html.Add($"<span class=\"picture label\" aria-hidden=\"true\">{AssetText.LabelOf(asset)}</span>");
        html.Add($"<bdi class=\"name\">{AssetText.NameOf(asset)}</bdi></a>\n");
        html.Add($"<span class=\"faint\">{AssetText.SizeOf(asset)}, ");
        html.Add($"<time datetime=\"{AssetText.MachineDateOf(asset)}\">{AssetText.DateOf(asset)}</time></span>\n");
        if (asset.IsCorrupted) html.Add($"<span class=\"bad\">damaged</span>\n");
        foreach (var tag in asset.Details.Tags)
            html.Add($"<a class=\"tag\" href=\"{filters.WithTag(tag)}\"><bdi>{tag}</bdi></a>\n");
        WriteMove(html, asset, visitor, filters.Link(null));
        html.Add($"</li>\n");
    }

    /// <summary>A button that moves the asset into the trash, or out of it.</summary>
    public static void WriteMove(HtmlPage html, Asset asset, CanVisitor visitor, string back)
    {
        var name = AssetText.NameOf(asset);
        html.Add(
            $"<form class=\"quick\" method=\"post\" action=\"/page/{(asset.IsTrashed ? "restore" : "trash")}\">"
                + $"<input type=\"hidden\" name=\"csrf\" value=\"{visitor.Csrf}\">"
                + $"<input type=\"hidden\" name=\"hash\" value=\"{asset.Hash.ToString()}\">"
                + $"<input type=\"hidden\" name=\"back\" value=\"{back}\">");
        if (asset.IsTrashed) html.Add($"<button aria-label=\"Restore {name}\">Restore</button></form>\n");
        else html.Add($"<button aria-label=\"Move {name} into the trash\">Trash</button></form>\n");
    }

    private IReadOnlyList<TagCount> Tags()
    {
        var number = store.CommittedNumber;
        var known = _tags;
        if (known.Number == number
            || (known.Number >= 0 && Stopwatch.GetElapsedTime(known.At) < known.Took * TagsPause))
            return known.Tags;

        var begin = Stopwatch.GetTimestamp();
        var tags = store.TagCounts(TagsShown);
        _tags = new CountedTags(number, tags, Stopwatch.GetTimestamp(), Stopwatch.GetElapsedTime(begin));
        return tags;
    }

    /// <summary>The filters of the page, as its address has them.</summary>
    private sealed record Filters(
        string? Words, string? TagNames, string? Kind, string? Folder, string? Application, bool IsTrash)
    {
        public bool IsNone => (Words, TagNames, Kind, Folder, Application) is (null, null, null, null, null);

        public IEnumerable<(string Name, string Value)> Hidden => Pairs(this)
            .Where(p => p.Name is not ("q" or "kind"));

        public IEnumerable<(string Name, string Value, string Without)> Active =>
        [
            .. One("text", Words, this with { Words = null }), .. One("tag", TagNames, this with { TagNames = null }),
            .. One("kind", Kind, this with { Kind = null }), .. One("folder", Folder, this with { Folder = null }),
            .. One("application", Application, this with { Application = null }),
        ];

        /// <summary>The parameters as the API names them.</summary>
        public string? Parameter(string name) => name switch
        {
            "q" => Words,
            "tags" => TagNames,
            "mime_type" => Kind,
            "human_path" => Folder,
            "application" => Application,
            "trashed" => IsTrash ? "true" : null,
            _ => null,
        };

        public string Link(string? cursor)
        {
            var pairs = Pairs(this).ToList();
            if (cursor is not null) pairs.Add(("cursor", cursor));
            return pairs.Count == 0 ? "/"
                : "/?" + string.Join('&', pairs.Select(p => $"{p.Name}={Uri.EscapeDataString(p.Value)}"));
        }

        public string WithTag(string tag) => (TagList.Parse(TagNames).Contains(tag, StringComparer.Ordinal) ? this
            : this with { TagNames = TagNames is null ? tag : $"{TagNames},{tag}" }).Link(null);

        private static IEnumerable<(string, string, string)> One(string name, string? value, Filters without) =>
            value is null ? [] : [(name, value, without.Link(null))];

        private static IEnumerable<(string Name, string Value)> Pairs(Filters filters)
        {
            if (filters.Words is { } words) yield return ("q", words);
            if (filters.TagNames is { } tags) yield return ("tags", tags);
            if (filters.Kind is { } kind) yield return ("kind", kind);
            if (filters.Folder is { } folder) yield return ("folder", folder);
            if (filters.Application is { } application) yield return ("application", application);
            if (filters.IsTrash) yield return ("trashed", "1");
        }
    }
}
