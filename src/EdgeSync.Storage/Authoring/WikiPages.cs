using System.Text;
using EdgeSync.Fossil.Artifacts;
using EdgeSync.Primitives;

namespace EdgeSync.Storage.Authoring;

/// <summary>A wiki page in a list.</summary>
/// <param name="Size">Bytes of its text after leading white space; 0 for a deleted page.</param>
public sealed record WikiEntry(string Title, ArtifactId Id, Instant Date, long Size, long VersionCount)
{
    public bool IsDeleted => Size == 0;
}

/// <summary>One version of a wiki page.</summary>
public sealed record WikiPage(
    RecordId Rid, ArtifactId Id, string Title, byte[] Body, string? Mimetype, string User, Instant Date);

/// <summary>A version to be written.</summary>
public sealed record WikiOptions
{
    public required string Title { get; init; }

    public required string User { get; init; }

    /// <summary>Empty deletes the page.</summary>
    public required ReadOnlyMemory<byte> Body { get; init; }

    /// <summary>By default that of the previous version. <c>markdown</c> and <c>plain</c> are short forms.</summary>
    public string? Mimetype { get; init; }

    public Instant? Date { get; init; }

    /// <summary>True: the page must not exist; false: it must; null: either.</summary>
    public bool? MustBeNew { get; init; }
}

/// <summary>The wiki. Spec: wiki.c.</summary>
public sealed class WikiPages(Repository repository)
{
    private readonly ArtifactAuthor _author = new(repository);

    /// <summary>By title, whatever its case.</summary>
    public IReadOnlyList<WikiEntry> List(bool includesDeleted = false)
    {
        using var select = repository.Database.Prepare(
            """
            SELECT substr(tagname,6), uuid, max(tagxref.mtime), tagxref.value+0, count(*)
              FROM tag JOIN tagxref USING(tagid) JOIN blob USING(rid)
             WHERE tagname GLOB 'wiki-*' AND typeof(tagxref.value+0)='integer'
             GROUP BY tagid ORDER BY lower(substr(tagname,6))
            """);
        var pages = new List<WikiEntry>();
        while (select.Step())
        {
            var entry = new WikiEntry(
                select.Text(0)
                ?? "", select.Artifact(1), Instant.FromJulianDay(select.Double(2)), select.Int64(3), select.Int64(4));
            if (includesDeleted || !entry.IsDeleted) pages.Add(entry);
        }

        return pages;
    }

    /// <summary>The newest version; null if the page never existed. A deleted one has an empty body.</summary>
    public WikiPage? Find(string title)
    {
        using var select = repository.Database.Prepare(
            """
            SELECT rid FROM tagxref WHERE tagid=(SELECT tagid FROM tag WHERE tagname='wiki-'||?1)
             ORDER BY mtime DESC LIMIT 1
            """);
        return select.BindText(1, title).Step() ? Read(select.Record(0)) : null;
    }

    /// <summary>One version by its record.</summary>
    public WikiPage Read(RecordId rid)
    {
        var artifact = ArtifactReading.Parse(repository, rid, ArtifactKind.Wiki);
        return new WikiPage(
            rid, repository.Content.NameOf(rid), Encoding.UTF8.GetString(artifact.Title), artifact.Body.ToArray(),
            artifact.HasCard('N') ? Encoding.UTF8.GetString(artifact.Mimetype) : null,
            Encoding.UTF8.GetString(artifact.User), artifact.Date);
    }

    /// <summary>Writes a version after the newest one.</summary>
    /// <exception cref="EdgeSyncException">The title is not valid, or <see cref="WikiOptions.MustBeNew"/> does not
    /// hold.</exception>
    public AuthoredArtifact Put(WikiOptions options)
    {
        ArtifactReading.RequireText(options.Body.Span);
        if (!WikiName.IsWellFormed(Encoding.UTF8.GetBytes(options.Title)))
        {
            throw new EdgeSyncException(
                ErrorKind.Usage, $"'{options.Title}' is not a page name",
                "1 to 100 bytes, no control characters, no double or outer spaces");
        }

        using var transaction = repository.Begin();
        _author.SignIn(options.User);
        var before = Find(options.Title);
        if (options.MustBeNew is true && before is not null)
            throw new EdgeSyncException(
                ErrorKind.Conflict, $"the page '{options.Title}' exists already",
                "edgesync repo wiki commit PAGE FILE");
        if (options.MustBeNew is false && before is null)
            throw new EdgeSyncException(
                ErrorKind.NotFound, $"there is no page '{options.Title}'", "edgesync repo wiki create PAGE FILE");

        var draft = ArtifactDraft.Wiki(
            ArtifactReading.After(options.Date, before?.Date, _author.DateOr(null)),
            options.User,
            options.Title,
            new CardText(options.Body),
            before?.Id ?? default,
            Mimetypes.Normalize(options.Mimetype) ?? before?.Mimetype);
        var made = _author.Store(draft, ArtifactKind.Wiki, isPrivate: false, isUnsent: true);
        transaction.Commit();
        return made;
    }
}

/// <summary>Mimetypes of text.</summary>
internal static class Mimetypes
{
    /// <summary>
    /// Spec: wiki_filter_mimetypes in wiki.c: short forms, and an unknown type becomes Fossil's own wiki.
    /// </summary>
    public static string? Normalize(string? mimetype) => mimetype switch
    {
        null or "" => null,
        "markdown" or "text/x-markdown" => "text/x-markdown",
        "plain" or "text/plain" => "text/plain",
        _ => "text/x-fossil-wiki",
    };
}
