using System.Text.Json.Serialization;
using EdgeSync.Primitives;
using EdgeSync.Storage;

namespace EdgeSync.Node.Web.Pages;

/// <summary>A file without history.</summary>
internal sealed record UnversionedFile(string Name, string Hash, string Date, long Size);

/// <summary>The unversioned files.</summary>
internal sealed record UnversionedView(IReadOnlyList<UnversionedFile> Files) : IPageModel
{
    private const int FilesMax = 5000;
    private const long BytesMax = 256 << 20;

    [JsonIgnore]
    public string Title => "Unversioned files";

    public static UnversionedView Of(Repository repository) => new(
        [.. repository.Unversioned.List().Where(f => !f.IsDeletion).Take(FilesMax)
            .Select(f => new UnversionedFile(
                f.Name, f.Hash.ToString(), Instant.FromUnixSeconds(f.MtimeSeconds).ToString(), f.Size))]);

    /// <summary>The content of one: shown if nothing in it can act, else a download.</summary>
    public static PageAnswer File(Repository repository, PageQuery query)
    {
        var name = query["name"] ?? query.Name;
        if (!repository.Unversioned.TryFind(name, out var entry) || entry.IsDeletion)
            throw new EdgeSyncException(ErrorKind.NotFound, $"no unversioned file '{name}'");

        if (entry.Size > BytesMax)
            throw new EdgeSyncException(ErrorKind.Usage, "too large to send from here", "fossil uv export");

        if (!repository.Unversioned.TryGet(name, out var content))
            throw new EdgeSyncException(ErrorKind.NotFound, $"the content of '{name}' is not here yet");

        var type = SafeTypes.Of(name);
        return new PageAnswer(200, type ?? SafeTypes.Bytes, content)
        {
            FileName = type is null ? name[(name.LastIndexOf('/') + 1)..] : null,
        };
    }

    public void Write(HtmlPage html, PageLinks links)
    {
        if (Files.Count == 0)
        {
            html.Add($"<p>No unversioned files yet.</p>\n");
            return;
        }

        html.Add($"<div class=\"scroll\"><table>\n<tr><th scope=\"col\">Name</th><th scope=\"col\">Size</th>");
        html.Add($"<th scope=\"col\">Date</th></tr>\n");
        foreach (var file in Files)
        {
            html.Add($"<tr><td><a href=\"{links.Unversioned(file.Name)}\">{file.Name}</a></td>");
            html.Add($"<td>{DisplayText.Bytes(file.Size)}</td><td>{DisplayText.Minute(file.Date)}</td></tr>\n");
        }

        html.Add($"</table></div>\n");
    }
}

/// <summary>
/// The content types under which foreign bytes are shown: pictures and plain text. HTML, SVG and documents that could
/// run something are downloads.
/// </summary>
internal static class SafeTypes
{
    public const string Bytes = "application/octet-stream";

    /// <summary>By the ending of a name; null for a download.</summary>
    public static string? Of(string name) => Path.GetExtension(name).ToLowerInvariant() switch
    {
        ".png" => "image/png",
        ".jpg" or ".jpeg" => "image/jpeg",
        ".gif" => "image/gif",
        ".webp" => "image/webp",
        ".txt" or ".md" or ".log" or ".csv" => "text/plain; charset=utf-8",
        _ => null,
    };

    /// <summary>A picture's type that a request asks for; null for others.</summary>
    public static string? Picture(string? wanted) =>
        wanted is "image/png" or "image/jpeg" or "image/gif" or "image/webp" ? wanted : null;
}
