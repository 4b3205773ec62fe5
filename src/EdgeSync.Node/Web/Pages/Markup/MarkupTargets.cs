using EdgeSync.Primitives;
using EdgeSync.Storage;
using EdgeSync.Storage.Names;

namespace EdgeSync.Node.Web.Pages.Markup;

/// <summary>
/// What the links of a text mean: an address of the web, one of the repository (<c>/path</c>), a hash, or the name of a
/// wiki page. Anything else, and what the visitor may not see, stays text.
/// </summary>
// Spec: openHyperlink in wikiformat.c.
internal sealed class MarkupTargets(Repository repository, PageVisitor visitor, PageLinks links)
{
    // Each may be a query.
    private const int LookupsMax = 1000, LengthMax = 1000;

    private static readonly string[] Schemes = ["http://", "https://", "ftp://", "mailto:"];
    private static readonly string[] Pictures = [".png", ".jpg", ".jpeg", ".gif", ".webp"];

    private readonly Dictionary<string, string?> _known = new(StringComparer.Ordinal);

    /// <summary>The address of a link; null for none.</summary>
    public string? AddressOf(string target)
    {
        target = target.Trim();
        if (target.Length is 0 or > LengthMax || target.AsSpan().ContainsAnyInRange('\0', '\x1f')) return null;
        if (Schemes.Any(s => target.StartsWith(s, StringComparison.OrdinalIgnoreCase))) return target;
        if (target[0] == '#') return target;
        if (target[0] == '/') return OfPath(target);
        if (target.StartsWith("./", StringComparison.Ordinal) || target.StartsWith("../", StringComparison.Ordinal))
            return target;

        if (_known.TryGetValue(target, out var known)) return known;

        return _known.Count >= LookupsMax ? null : _known[target] = LookUp(target);
    }

    /// <summary>The address of a picture of this repository that is sent as one; null for others.</summary>
    public string? ImageOf(string target)
    {
        if (!target.StartsWith("/uv/", StringComparison.Ordinal)
            && !target.StartsWith("/raw/", StringComparison.Ordinal)) return null;

        var path = target.AsSpan();
        if (path.IndexOf('?') is >= 0 and var query) path = path[..query];
        var name = path.ToString();
        var isPicture = target.StartsWith("/raw/", StringComparison.Ordinal)
            ? target.Contains("m=image/", StringComparison.Ordinal)
            : Pictures.Any(p => name.EndsWith(p, StringComparison.OrdinalIgnoreCase));
        return isPicture ? OfPath(target) : null;
    }

    // Two slashes would name another host.
    private string? OfPath(string target) =>
        target.Length > 1 && target[1] is '/' or '\\' ? null : links.Base + target;

    private string? LookUp(string target)
    {
        if (target.Length is >= 4 and <= ArtifactId.HexLengthMax && target.All(char.IsAsciiHexDigitLower)
            && OfHash(target) is { } found)
            return found;

        var page = target.StartsWith("wiki:", StringComparison.Ordinal) ? target["wiki:".Length..] : target;
        return visitor.May('j') && WikiView.NewestOf(repository, visitor, page) is not null ? links.Wiki(page) : null;
    }

    private string? OfHash(string hash)
    {
        if (visitor.May('o')
            && visitor.NamesOf(repository).TryResolve(hash, EventType.Any, out var rid) == NameFault.None
            && visitor.Sees(repository, rid))
            return links.Info(hash);

        using var ticket = repository.Database.Prepare("SELECT 1 FROM tag WHERE tagname GLOB 'tkt-'||?1||'*' LIMIT 1");
        return visitor.May('r') && ticket.BindText(1, hash).Step() ? links.Ticket(hash) : null;
    }
}
