using System.Text.Json.Serialization;
using EdgeSync.Primitives;
using EdgeSync.Storage;
using EdgeSync.Storage.Queries;

namespace EdgeSync.Node.Web.Pages;

/// <summary>An artifact other than a check-in: the facts that the repository has of it.</summary>
/// <param name="Page">The address of its page below that of the repository; null without one.</param>
internal sealed record FactsView(string Hash, IReadOnlyList<Fact> Facts, string? Page) : IPageModel
{
    [JsonIgnore]
    public string Title => $"Artifact {Hash[..10]}";

    /// <param name="type">As in <c>event.type</c>; empty for what is not on the timeline.</param>
    public static FactsView Of(Repository repository, RecordId artifact, string type, PageVisitor visitor) => new(
        repository.Content.NameOf(artifact).ToString(),
        [.. ArtifactFacts.Of(repository, artifact, !visitor.Capabilities.MaySyncPrivate)
            .Select(f => new Fact(f.Label.TrimEnd(':'), f.Text))],
        PageOf(repository, artifact, type));

    public void Write(HtmlPage html, PageLinks links)
    {
        html.Add($"<table>\n");
        foreach (var fact in Facts) html.Add($"<tr><th scope=\"row\">{fact.Label}</th><td>{fact.Text}</td></tr>\n");
        html.Add($"</table>\n<p>");
        if (Page is { } page) html.Add($"<a href=\"{links.Base}{page}\">its page</a>, ");
        html.Add($"<a href=\"{links.Raw(Hash, Hash[..10])}\">its content</a></p>\n");
    }

    private static string? PageOf(Repository repository, RecordId artifact, string type)
    {
        if (type == "f") return $"/forumpost/{repository.Content.NameOf(artifact)}";
        if (type is not ("w" or "e" or "t")) return null;

        using var select = repository.Database.Prepare(
            """
            SELECT tagname FROM tagxref JOIN tag USING(tagid)
             WHERE rid=?1 AND (tagname GLOB 'wiki-*' OR tagname GLOB 'event-*' OR tagname GLOB 'tkt-*')
            """);
        if (!select.Bind(1, artifact).Step() || select.Text(0) is not { } tag) return null;

        var name = Uri.EscapeDataString(tag[(tag.IndexOf('-', StringComparison.Ordinal) + 1)..]);
        return type switch
        {
            "w" => $"/wiki?name={name}&id={repository.Content.NameOf(artifact)}",
            "e" => $"/technote/{name}",
            _ => $"/tktview/{name}",
        };
    }
}

/// <summary>A line about an artifact.</summary>
internal sealed record Fact(string Label, string Text);
