using System.Text.Json.Serialization;
using EdgeSync.Fossil.Artifacts;
using EdgeSync.Node.Web.Pages.Markup;
using EdgeSync.Primitives;
using EdgeSync.Storage;
using EdgeSync.Storage.Authoring;
using EdgeSync.Storage.Queries;

namespace EdgeSync.Node.Web.Pages;

/// <summary>A file that a check-in has changed.</summary>
/// <param name="Change"><c>added</c>, <c>edited</c>, <c>renamed</c> or <c>deleted</c>.</param>
/// <param name="Diff">Null where it is left out, for <paramref name="Left"/>.</param>
/// <param name="Left">Why no difference is shown; null when it is.</param>
internal sealed record ChangedFile(
    string Name, string? OldName, string Change, string? Hash, IReadOnlyList<DiffStretch>? Diff, string? Left);

/// <summary>How differences are shown.</summary>
internal enum DiffLayout
{
    None,
    Unified,
    Beside,
}

/// <summary>A check-in: its comment, where it stands, and what it has changed against its first parent.</summary>
internal sealed record CheckinView(
    string Hash, string Date, string User, string Comment, string? Branch, IReadOnlyList<string> Tags,
    IReadOnlyList<string> Parents, IReadOnlyList<string> Children, IReadOnlyList<ChangedFile> Files) : IPageModel
{
    private const int FilesMax = 1000;

    /// <summary>As <c>diff=</c> asks for it: 0, 1 or 2, as in Fossil.</summary>
    [JsonIgnore]
    public DiffLayout Layout { get; init; } = DiffLayout.Unified;

    [JsonIgnore]
    public string Title => $"Check-in {Hash[..10]}";

    public static CheckinView Of(Repository repository, RecordId checkin, PageQuery query, PageVisitor visitor)
    {
        var manifest = CheckInTree.Load(repository, checkin).Manifest;
        var (user, comment) = TextsOf(repository, checkin);
        var parents = Related(
            repository, checkin, "SELECT pid FROM plink WHERE cid=?1 ORDER BY isprim DESC");
        var children = Related(repository, checkin, "SELECT cid FROM plink WHERE pid=?1 ORDER BY mtime");
        return new CheckinView(
            repository.Content.NameOf(checkin).ToString(), (repository.DateOf(checkin) ?? manifest.Date).ToString(),
            user,
            comment, Branches.Of(repository, checkin),
            [.. Storage.Queries.Tags.Of(repository, checkin)
                .Where(
                    t => t.Kind > 0 && t.Name.StartsWith("sym-", StringComparison.Ordinal)).Select(t => t.Name[4..])],
            [.. parents.Where(p => visitor.Sees(repository, p)).Select(p => repository.Content.NameOf(p).ToString())],
            [.. children.Where(c => visitor.Sees(repository, c)).Select(c => repository.Content.NameOf(c).ToString())],
            ChangesOf(repository, parents.Count > 0 ? parents[0] : RecordId.None, checkin))
        {
            Layout = query["diff"] switch
            {
                "0" => DiffLayout.None,
                "2" => DiffLayout.Beside,
                _ => DiffLayout.Unified,
            },
        };
    }

    public void Write(HtmlPage html, PageLinks links)
    {
        html.Add($"<p>");
        CommentText.Write(html, links, Comment);
        html.Add($"</p>\n<table>\n");
        html.Add($"<tr><th scope=\"row\">Hash</th><td><code>{Hash}</code></td></tr>\n");
        html.Add(
            $"<tr><th scope=\"row\">Date</th><td><time "
                + $"datetime=\"{Date}\">{DisplayText.Second(Date)}</time></td></tr>\n");
        html.Add($"<tr><th scope=\"row\">User</th><td>{User}</td></tr>\n");
        if (Branch is { } branch)
            html.Add(
                $"<tr><th scope=\"row\">Branch</th><td><a href=\"{links.Branch(branch)}\">{branch}</a></td></tr>\n");
        if (Tags.Count > 0)
            html.Add($"<tr><th scope=\"row\">Tags</th><td>{string.Join(", ", Tags)}</td></tr>\n");
        WriteRelated(html, links, "Parents", Parents);
        WriteRelated(html, links, "Children", Children);
        html.Add(
            $"""
            <tr><th scope="row">Files</th><td><a href="{links.Folder(Hash, "")}">browse</a>,
            <a href="{links.Tarball(Hash)}">tar.gz</a>, <a href="{links.Zip(Hash)}">zip</a>,
            <a href="{links.Raw(Hash, "manifest")}">manifest</a></td></tr>
            </table>

            """);
        html.Add($"<p>Differences: <a href=\"{links.Info(Hash)}?diff=1\">unified</a>, ");
        html.Add($"<a href=\"{links.Info(Hash)}?diff=2\">side by side</a>, ");
        html.Add($"<a href=\"{links.Info(Hash)}?diff=0\">none</a></p>\n");
        foreach (var file in Files) WriteFile(html, links, file);
        if (Files.Count == FilesMax)
            html.Add($"<p>More files than {FilesMax} have changed; the rest is not shown.</p>\n");
    }

    private static void WriteRelated(HtmlPage html, PageLinks links, string title, IReadOnlyList<string> hashes)
    {
        if (hashes.Count == 0) return;

        html.Add($"<tr><th scope=\"row\">{title}</th><td>");
        foreach (var hash in hashes) html.Add($"<a href=\"{links.Info(hash)}\"><code>{hash[..10]}</code></a> ");
        html.Add($"</td></tr>\n");
    }

    private void WriteFile(HtmlPage html, PageLinks links, ChangedFile file)
    {
        html.Add($"<h2>");
        if (file.Hash is null) html.Add($"{file.Name}");
        else html.Add($"<a href=\"{links.File(Hash, file.Name)}\">{file.Name}</a>");
        html.Add($" <span class=\"faint\">{file.Change}");
        if (file.OldName is { } old) html.Add($" from {old}");
        html.Add($"</span></h2>\n");
        if (file.Diff is { } diff && Layout == DiffLayout.Beside)
            DiffView.WriteSideBySide(html, diff, CodeColours.For(file.Name));
        else if (file.Diff is { } lines && Layout == DiffLayout.Unified)
            DiffView.Write(html, lines, CodeColours.For(file.Name));
        else if (file.Diff is not null)
            html.Add($"<p class=\"faint\">Its difference is not asked for.</p>\n");
        else html.Add($"<p class=\"faint\">{file.Left}</p>\n");
    }

    private static List<ChangedFile> ChangesOf(Repository repository, RecordId parent, RecordId checkin)
    {
        IComparedTree to = new CheckinSide(repository, checkin);
        IComparedTree from = parent.IsNone ? new NoFiles() : new CheckinSide(repository, parent);
        var budget = new PageBudget();
        return [
            .. TreeDiff.Between(from, to, pairsRenames: true).Take(FilesMax).Select(
                c => Of(repository, from, to, c, budget))];
    }

    private static ChangedFile Of(
        Repository repository, IComparedTree from, IComparedTree to, TreeChange change, PageBudget budget)
    {
        var kind = change.From is null
            ? "added"
            : change.To is null ? "deleted"
            : change.IsRenamed ? "renamed"
            : "edited";
        var (diff, left) = DiffOf(repository, from, to, change, budget);
        return new ChangedFile(
            PathText.Of(change.NameNow), change.IsRenamed
            ? change.From!.Name
            : null, kind, change.To?.Id.ToString(), diff,
            left);
    }

    private static (List<DiffStretch>? Diff, string? Left) DiffOf(
        Repository repository, IComparedTree from, IComparedTree to, TreeChange change, PageBudget budget)
    {
        long SizeOf(ComparedFile? file) => file is null ? 0
            : repository.Content.TryFind(file.Id, out _, out var size) && size >= 0 ? size : long.MaxValue;

        var (before, after) = (SizeOf(change.From), SizeOf(change.To));
        if (before == long.MaxValue || after == long.MaxValue) return (null, "Its content is not here yet.");
        if (!budget.TryRead(before, after)) return (null, "Too much to show here.");

        var (earlier, later) = (
            change.From is { } old ? from.Read(old) : [], change.To is { } now ? to.Read(now) : []);
        if (Math.Max(PageBudget.LinesOf(earlier), PageBudget.LinesOf(later)) > PageBudget.TextLinesMax)
            return (null, "Too many lines to compare here.");

        return DiffView.Of(earlier, later, budget) is { } diff ? (diff, null) : (null, "A binary file.");
    }

    private static (string User, string Comment) TextsOf(Repository repository, RecordId checkin)
    {
        using var select = repository.Database.Prepare(
            "SELECT coalesce(euser,user,'?'), coalesce(ecomment,comment,'') FROM event WHERE objid=?1");
        return select.Bind(1, checkin).Step() ? (select.Text(0) ?? "?", select.Text(1) ?? "") : ("?", "");
    }

    private static List<RecordId> Related(Repository repository, RecordId checkin, string sql)
    {
        using var select = repository.Database.Prepare(sql);
        select.Bind(1, checkin);
        var records = new List<RecordId>();
        while (select.Step()) records.Add(select.Record(0));
        return records;
    }

    /// <summary>What a first check-in is compared with.</summary>
    private sealed class NoFiles : IComparedTree
    {
        public IReadOnlyList<ComparedFile> Files => [];

        public byte[] Read(ComparedFile file) => [];
    }
}
