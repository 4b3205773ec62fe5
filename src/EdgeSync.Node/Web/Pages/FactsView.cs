using System.Text.Json.Serialization;
using EdgeSync.Primitives;
using EdgeSync.Storage;
using EdgeSync.Storage.Queries;

namespace EdgeSync.Node.Web.Pages;

/// <summary>An artifact other than a check-in: the facts that the repository has of it.</summary>
internal sealed record FactsView(string Hash, IReadOnlyList<Fact> Facts) : IPageModel
{
    [JsonIgnore]
    public string Title => $"Artifact {Hash[..10]}";

    public static FactsView Of(Repository repository, RecordId artifact, PageVisitor visitor) => new(
        repository.Content.NameOf(artifact).ToString(),
        [.. ArtifactFacts.Of(repository, artifact, !visitor.Capabilities.MaySyncPrivate)
            .Select(f => new Fact(f.Label.TrimEnd(':'), f.Text))]);

    public void Write(HtmlPage html, PageLinks links)
    {
        html.Add($"<table>\n");
        foreach (var fact in Facts) html.Add($"<tr><th scope=\"row\">{fact.Label}</th><td>{fact.Text}</td></tr>\n");
        html.Add($"</table>\n<p><a href=\"{links.Raw(Hash, Hash[..10])}\">its content</a></p>\n");
    }
}

/// <summary>A line about an artifact.</summary>
internal sealed record Fact(string Label, string Text);
