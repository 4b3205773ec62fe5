using System.Text.Json.Serialization;
using EdgeSync.Primitives;
using EdgeSync.Storage;
using EdgeSync.Storage.Queries;

namespace EdgeSync.Node.Web.Pages;

/// <summary>A branch with its newest check-in.</summary>
internal sealed record BranchRow(string Name, string Hash, string Date, string User, bool IsClosed);

/// <summary>The branches, open ones first.</summary>
internal sealed record BranchesView(IReadOnlyList<BranchRow> Branches) : IPageModel
{
    [JsonIgnore]
    public string Title => "Branches";

    // A private one is for those who may sync private artifacts; the page is for all who may read.
    public static BranchesView Of(Repository repository) => new(
        [.. Storage.Queries.Branches.List(repository).Where(b => !b.IsPrivate).OrderBy(b => b.IsClosed)
            .ThenByDescending(b => b.Date)
            .Select(b => new BranchRow(b.Name, b.Tip.ToString(), b.Date.ToString(), b.User, b.IsClosed))]);

    public void Write(HtmlPage html, PageLinks links)
    {
        html.Add(
            $"<table>\n<tr><th scope=\"col\">Branch</th><th scope=\"col\">Newest check-in</th><th "
                + $"scope=\"col\">Date</th>");
        html.Add($"<th scope=\"col\">User</th><th scope=\"col\">State</th></tr>\n");
        foreach (var branch in Branches)
        {
            html.Add($"<tr><td><a href=\"{links.Branch(branch.Name)}\">{branch.Name}</a></td>");
            html.Add($"<td><a href=\"{links.Info(branch.Hash)}\"><code>{branch.Hash[..10]}</code></a></td>");
            html.Add($"<td>{DisplayText.Minute(branch.Date)}</td><td>{branch.User}</td>");
            html.Add($"<td>{(branch.IsClosed ? "closed" : "open")}</td></tr>\n");
        }

        html.Add($"</table>\n");
    }
}

/// <summary>A tag, and on how many check-ins it is.</summary>
internal sealed record TagRow(string Name, long Count);

/// <summary>The tags without those of branches.</summary>
internal sealed record TagsView(IReadOnlyList<TagRow> Tags) : IPageModel
{
    [JsonIgnore]
    public string Title => "Tags";

    public static TagsView Of(Repository repository, PageVisitor visitor)
    {
        var branches = Branches.List(repository).Select(b => b.Name).ToHashSet(StringComparer.Ordinal);
        return new TagsView(
            [.. Storage.Queries.Tags.List(repository, visitor.Capabilities.MaySyncPrivate)
                .Where(t => !branches.Contains(t.Name))
                .Select(t => new TagRow(t.Name, t.Count))]);
    }

    public void Write(HtmlPage html, PageLinks links)
    {
        if (Tags.Count == 0) html.Add($"<p>No tags yet.</p>\n");
        html.Add($"<ul>\n");
        foreach (var tag in Tags)
            html.Add(
                $"<li><a href=\"{links.Branch(tag.Name)}\">{tag.Name}</a> <span "
                    + $"class=\"faint\">{tag.Count}</span></li>\n");
        html.Add($"</ul>\n");
    }
}
