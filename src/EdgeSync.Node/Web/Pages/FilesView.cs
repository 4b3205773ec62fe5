using System.Text;
using System.Text.Json.Serialization;
using EdgeSync.Node.Web.Pages.Markup;
using EdgeSync.Primitives;
using EdgeSync.Storage;
using EdgeSync.Storage.Authoring;
using EdgeSync.Storage.Checkout;
using EdgeSync.Storage.Queries;

namespace EdgeSync.Node.Web.Pages;

/// <summary>One entry of a folder.</summary>
/// <param name="Hash">Null for a folder.</param>
internal sealed record FolderEntry(string Name, string Path, string? Hash);

/// <summary>A folder of a check-in.</summary>
internal sealed record FilesView(string Checkin, string Folder, IReadOnlyList<FolderEntry> Entries) : IPageModel
{
    [JsonIgnore]
    public string Title => Folder.Length == 0 ? $"Files of {Checkin[..10]}" : $"{Folder} in {Checkin[..10]}";

    public static FilesView Of(Repository repository, PageQuery query, PageVisitor visitor)
    {
        var checkin = visitor.Checkin(repository, query["ci"] ?? "tip");
        var folder = (query["name"] ?? "").Trim('/');
        var prefix = folder.Length == 0 ? "" : folder + "/";
        var entries = new List<FolderEntry>();
        foreach (var file in TreeFile.AllOf(CheckInTree.Load(repository, checkin)))
        {
            if (!file.Name.StartsWith(prefix, StringComparison.Ordinal)) continue;

            var rest = file.Name[prefix.Length..];
            var slash = rest.IndexOf('/', StringComparison.Ordinal);
            if (slash < 0) entries.Add(new FolderEntry(rest, file.Name, file.Id.ToString()));
            else if (entries.Count == 0 || entries[^1].Hash is not null || entries[^1].Name != rest[..slash])
                entries.Add(new FolderEntry(rest[..slash], prefix + rest[..slash], null));
        }

        if (entries.Count == 0 && folder.Length > 0)
            throw new EdgeSyncException(ErrorKind.NotFound, $"no folder '{folder}' in this check-in");

        // Folders first, each once: a file such as a.txt sorts between a/ and its files.
        var folders = entries.Where(e => e.Hash is null).DistinctBy(e => e.Name, StringComparer.Ordinal);
        return new FilesView(
            repository.Content.NameOf(checkin).ToString(), folder,
            [.. folders, .. entries.Where(e => e.Hash is not null)]);
    }

    public void Write(HtmlPage html, PageLinks links)
    {
        html.Add($"<p>of check-in <a href=\"{links.Info(Checkin)}\"><code>{Checkin[..10]}</code></a></p>\n<ul>\n");
        if (Folder.Length > 0)
        {
            var up = Folder.LastIndexOf('/') is >= 0 and var slash ? Folder[..slash] : "";
            html.Add($"<li><a href=\"{links.Folder(Checkin, up)}\">..</a></li>\n");
        }

        foreach (var entry in Entries)
        {
            if (entry.Hash is null)
                html.Add($"<li><a href=\"{links.Folder(Checkin, entry.Path)}\">{entry.Name}/</a></li>\n");
            else html.Add($"<li><a href=\"{links.File(Checkin, entry.Path)}\">{entry.Name}</a></li>\n");
        }

        html.Add($"</ul>\n");
    }
}

/// <summary>A file of a check-in.</summary>
/// <param name="Text">Null for what is binary or too large.</param>
/// <param name="Left">Why the text is not shown; null when it is.</param>
internal sealed record FileView(string Checkin, string Name, string Hash, long Size, string? Text, string? Left)
    : IPageModel
{
    [JsonIgnore]
    public string Title => Name;

    public static FileView Of(Repository repository, PageQuery query, PageVisitor visitor)
    {
        var checkin = visitor.Checkin(repository, query["ci"] ?? "tip");
        var name = query["name"] ?? query.Name;
        var id = repository.Content.NameOf(checkin).ToString();
        var file = TreeFile.Get(CheckInTree.Load(repository, checkin), name, id[..10]);
        if (!repository.Content.TryFind(file.Id, out var rid, out var size) || size < 0)
            return new FileView(id, file.Name, file.Id.ToString(), 0, null, "Its content is not here yet.");
        if (size > PageBudget.FileBytesMax)
            return new FileView(id, file.Name, file.Id.ToString(), size, null, "Too large to show here.");

        using var content = repository.Content.Get(rid);
        var isText = !content.Span.Contains((byte)0) && System.Text.Unicode.Utf8.IsValid(content.Span);
        return new FileView(
            id, file.Name, file.Id.ToString(), size, isText ? Encoding.UTF8.GetString(content.Span) : null,
            isText ? null : "A binary file.");
    }

    public void Write(HtmlPage html, PageLinks links)
    {
        html.Add(
            $"""
            <p>{DisplayText.Bytes(Size)} in check-in <a href="{links.Info(Checkin)}"><code>{Checkin[..10]}</code></a>:
            <a href="{links.Raw(Hash, Name)}">download</a>, <a href="{links.History(Name)}">history</a>,
            <a href="{links.Annotate(Checkin, Name)}">annotate</a></p>

            """);
        if (Text is null)
        {
            html.Add($"<p class=\"faint\">{Left}</p>\n");
            return;
        }

        html.Add($"<div class=\"scroll\"><table class=\"lines\">\n");
        var number = 0;
        var isComment = false;
        var colours = Text.Length <= CodeColours.LengthMax ? CodeColours.For(Name) : null;
        foreach (var line in Text.AsSpan().TrimEnd('\n').EnumerateLines())
        {
            html.Add($"<tr><td class=\"number\" id=\"ln{++number}\">{number}</td><td>");
            CodeColours.Write(html, line, colours, ref isComment);
            html.Add($"</td></tr>\n");
        }

        html.Add($"</table></div>\n");
    }
}

/// <summary>A version of a file.</summary>
internal sealed record FileVersionRow(
    string? Hash, string Checkin, string Date, string User, string Comment, string? Branch);

/// <summary>The versions of a file, newest first.</summary>
internal sealed record HistoryView(string Name, IReadOnlyList<FileVersionRow> Versions) : IPageModel
{
    private const int VersionsMax = 500;

    [JsonIgnore]
    public string Title => $"History of {Name}";

    public static HistoryView Of(Repository repository, PageQuery query, PageVisitor visitor)
    {
        var name = query["name"] ?? query.Name;
        var versions = FileHistory.List(repository, name, VersionsMax, 0)
            .Where(v => visitor.Sees(repository, repository.Content.Find(v.Checkin))).ToList();
        if (versions.Count == 0)
            throw new EdgeSyncException(ErrorKind.NotFound, $"no file '{name}' in this repository");

        return new HistoryView(name, [.. versions.Select(Of)]);
    }

    private static FileVersionRow Of(FileVersion version) => new(
        version.File.IsEmpty ? null : version.File.ToString(), version.Checkin.ToString(), version.Date.ToString(),
        version.User, version.Comment, version.Branch);

    public void Write(HtmlPage html, PageLinks links)
    {
        html.Add($"<table class=\"timeline\">\n");
        foreach (var version in Versions)
        {
            html.Add(
                $"<tr><td class=\"when\"><time "
                    + $"datetime=\"{version.Date}\">{DisplayText.Minute(version.Date)}</time></td>");
            html.Add($"<td>");
            CommentText.Write(html, links, version.Comment);
            html.Add($"</td><td class=\"who\">{version.User}</td><td>");
            html.Add($"<a href=\"{links.Info(version.Checkin)}\"><code>{version.Checkin[..10]}</code></a> ");
            if (version.Hash is not null) html.Add($"<a href=\"{links.File(version.Checkin, Name)}\">file</a>");
            html.Add($"</td></tr>\n");
        }

        html.Add($"</table>\n");
    }
}

/// <summary>A line with the check-in that brought it.</summary>
internal sealed record AnnotatedRow(string? Checkin, string? Date, string? User, string Text);

/// <summary>A file, each line with the check-in that brought it.</summary>
internal sealed record AnnotateView(string Name, IReadOnlyList<AnnotatedRow> Lines) : IPageModel
{
    /// <summary>Versions that one request looks at.</summary>
    private const int VersionsMax = 200;

    // Of one version, and of all together.
    private const int LinesMax = 20_000, LinesOfAllMax = 1_000_000;

    [JsonIgnore]
    public string Title => $"{Name}, annotated";

    public static AnnotateView Of(Repository repository, PageQuery query, PageVisitor visitor)
    {
        var name = query["filename"] ?? query["name"] ?? query.Name;
        var checkin = visitor.Checkin(repository, query["checkin"] ?? query["ci"] ?? "tip");
        var file = TreeFile.Get(CheckInTree.Load(repository, checkin), name, "the check-in");
        if (!repository.Content.TryFind(file.Id, out var rid, out var size) || size < 0)
            throw new EdgeSyncException(ErrorKind.NotFound, $"the content of {name} is not here yet");

        var lines = size > PageBudget.FileBytesMax ? int.MaxValue : LinesOf(repository, rid);
        if (lines > LinesMax)
            throw new EdgeSyncException(ErrorKind.Usage, $"{name} is too large to annotate here", "fossil annotate");

        var annotated = FileHistory.Annotate(
            repository, name, checkin, Math.Min(VersionsMax, LinesOfAllMax / lines), default);
        return new AnnotateView(name, [.. annotated.Lines.Select(line => Of(annotated, line))]);
    }

    private static int LinesOf(Repository repository, RecordId rid)
    {
        using var content = repository.Content.Get(rid);
        return PageBudget.LinesOf(content.Span);
    }

    private static AnnotatedRow Of(AnnotatedFile file, AnnotatedLine line)
    {
        var version = line.Version < 0 ? null : file.Versions[line.Version];
        return new AnnotatedRow(
            version?.Checkin.ToString(), version?.Date.ToString(), version?.User, Encoding.UTF8.GetString(line.Text));
    }

    public void Write(HtmlPage html, PageLinks links)
    {
        html.Add($"<div class=\"scroll\"><table class=\"lines\">\n");
        string? before = null;
        var isComment = false;
        var colours = Lines.Sum(l => (long)l.Text.Length) <= CodeColours.LengthMax ? CodeColours.For(Name) : null;
        var number = 0;
        foreach (var line in Lines)
        {
            html.Add($"<tr><td class=\"number\">");
            if (line.Checkin is { } checkin && checkin != before)
                html.Add($"<a href=\"{links.Info(checkin)}\">{checkin[..10]}</a> {line.Date![..10]} {line.User}");
            before = line.Checkin;
            html.Add($"</td><td class=\"number\">{++number}</td><td>");
            CodeColours.Write(html, line.Text, colours, ref isComment);
            html.Add($"</td></tr>\n");
        }

        html.Add($"</table></div>\n");
    }
}
