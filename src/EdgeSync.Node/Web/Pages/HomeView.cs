using System.Text.Json.Serialization;
using EdgeSync.Primitives;
using EdgeSync.Storage;

namespace EdgeSync.Node.Web.Pages;

/// <summary>The first page of a repository.</summary>
/// <param name="CloneUrl">As the visitor reached it.</param>
/// <param name="Newest">Null for a visitor who may not read check-ins.</param>
internal sealed record HomeView(
    string Project, string ProjectCode, long Checkins, long Artifacts, string CloneUrl,
    TimelineView? Newest) : ILivePage
{
    private const int NewestMax = 15;

    [JsonIgnore]
    public string Title => Project;

    public static HomeView Of(Repository repository, string project, string cloneUrl, PageVisitor visitor)
    {
        var database = repository.Database;
        return new HomeView(
            project, repository.ProjectCode, database.QueryInt64("SELECT count(*) FROM event WHERE type='ci'"),
            // The sizes stand beside the contents, which are many pages to read; rows alone are counted in an index.
            database.QueryInt64("SELECT count(*) FROM blob") - database.QueryInt64("SELECT count(*) FROM phantom"),
            cloneUrl,
            visitor.May('o') ? TimelineView.Newest(repository, NewestMax, visitor) : null);
    }

    public string? LivePath(PageLinks links) => Newest is null ? null : links.Live;

    public void Write(HtmlPage html, PageLinks links)
    {
        html.Add(
            $"""
            <p>{DisplayText.Number(Checkins)} check-ins, {DisplayText.Number(Artifacts)} artifacts; project code
            <code>{ProjectCode}</code></p>
            <pre>edgesync clone {CloneUrl} project.fossil</pre>

            """);
        if (Newest is null)
        {
            html.Add($"<p><a href=\"{links.Base}/login\">Log in</a> to read this repository.</p>\n");
            return;
        }

        html.Add($"<h2>Newest</h2>\n");
        Newest.WriteRows(html, links);
    }
}

/// <summary>The repositories of a node that has several, or none.</summary>
internal sealed record NodeView(IReadOnlyList<ServedRepository> Repositories) : IPageModel
{
    [JsonIgnore]
    public string Title => "Repositories";

    public void Write(HtmlPage html, PageLinks links)
    {
        html.Add($"<ul>\n");
        foreach (var repository in Repositories)
            html.Add($"<li><a href=\"{repository.Address}\">{repository.Project ?? repository.Name}</a></li>\n");
        html.Add($"</ul>\n");
    }
}

/// <summary>A repository by the name in its address.</summary>
internal sealed record ServedRepository(string Name, string? Project)
{
    [JsonIgnore]
    public string Address => $"/{Uri.EscapeDataString(Name)}/";
}
