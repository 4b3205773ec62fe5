using System.Text;
using EdgeSync.Fossil.Artifacts;
using EdgeSync.Primitives;

namespace EdgeSync.Storage.Authoring;

/// <summary>A technote: a text about a moment, shown on the timeline.</summary>
public sealed record Technote(
    RecordId Rid, ArtifactId Id, string TechnoteId, Instant About, string Comment, byte[] Body, string? Mimetype,
    string User, Instant Date);

/// <summary>A technote, or a version of one, to be written.</summary>
public sealed record TechnoteOptions
{
    public required string User { get; init; }

    /// <summary>The moment it is about.</summary>
    public required Instant About { get; init; }

    /// <summary>The text on the timeline.</summary>
    public required string Comment { get; init; }

    public required ReadOnlyMemory<byte> Body { get; init; }

    /// <summary>The note to replace; null makes a new one.</summary>
    public string? TechnoteId { get; init; }

    public string? Mimetype { get; init; }

    public string? Color { get; init; }

    public IReadOnlyList<string> Tags { get; init; } = [];

    public Instant? Date { get; init; }
}

/// <summary>Technotes. Spec: event.c.</summary>
public sealed class Technotes(Repository repository)
{
    private readonly ArtifactAuthor _author = new(repository);

    /// <summary>Newest first.</summary>
    public IReadOnlyList<Technote> List()
    {
        var rids = new List<RecordId>();
        using (var select = repository.Database.Prepare(
            "SELECT objid FROM event WHERE type='e' AND tagid IS NOT NULL ORDER BY mtime DESC"))
        {
            while (select.Step()) rids.Add(select.Record(0));
        }

        return [.. rids.Select(Read)];
    }

    /// <summary>By id, or at least four digits of it; null if there is none.</summary>
    /// <exception cref="EdgeSyncException">Several ids begin so.</exception>
    public Technote? Find(string technoteId)
    {
        if (technoteId.Length < 4 || !technoteId.All(char.IsAsciiHexDigitLower)) return null;

        using var select = repository.Database.Prepare(
            """
            SELECT objid FROM event JOIN tag USING(tagid)
             WHERE type='e' AND tagname GLOB 'event-'||?1||'*' ORDER BY event.mtime DESC
            """);
        if (!select.BindText(1, technoteId).Step()) return null;

        var rid = select.Record(0);
        return select.Step()
            ? throw new EdgeSyncException(ErrorKind.Ambiguous, $"several technotes begin with {technoteId}")
            : Read(rid);
    }

    /// <summary>By id, the beginning of one, the moment it is about, or a tag; null if there is none.</summary>
    /// <exception cref="EdgeSyncException">Several ids begin so.</exception>
    // Spec: wiki_technote_to_rid in wiki.c.
    public Technote? Locate(string text)
    {
        if (Find(text.ToLowerInvariant()) is { } byId) return byId;

        using (var byDate = repository.Database.Prepare(
            """
            SELECT objid FROM event WHERE datetime(mtime)=datetime(?1) AND type='e' AND tagid IS NOT NULL
             ORDER BY objid DESC LIMIT 1
            """))
        {
            if (text.Length > 4 && byDate.BindText(1, text).Step()) return Read(byDate.Record(0));
        }

        using var byTag = repository.Database.Prepare(
            """
            SELECT objid FROM event
             WHERE type='e' AND tagid IS NOT NULL
               AND objid IN (SELECT rid FROM tagxref WHERE tagtype>0
                              AND tagid IN (SELECT tagid FROM tag WHERE tagname=?1 OR tagname='sym-'||?1))
             ORDER BY mtime DESC LIMIT 1
            """);
        return byTag.BindText(1, text).Step() ? Read(byTag.Record(0)) : null;
    }

    /// <summary>A moment as SQLite reads it, without milliseconds; what it cannot read is now.</summary>
    // Spec: wiki_cmd in wiki.c.
    public Instant MomentOf(string text)
    {
        using var select = repository.Database.Prepare(
            "SELECT coalesce(unixepoch(datetime(?1)), unixepoch(datetime('now')))");
        select.BindText(1, text).Step();
        return Instant.FromUnixSeconds(select.Int64(0));
    }

    public Technote Read(RecordId rid)
    {
        var note = ArtifactReading.Parse(repository, rid, ArtifactKind.Technote);
        return new Technote(
            rid, repository.Content.NameOf(rid), Encoding.UTF8.GetString(note.TechnoteId), note.TechnoteDate,
            Encoding.UTF8.GetString(note.Comment), note.Body.ToArray(),
            note.HasCard('N') ? Encoding.UTF8.GetString(note.Mimetype) : null, Encoding.UTF8.GetString(note.User),
            note.Date);
    }

    /// <summary>Writes a note, or a version after the newest.</summary>
    /// <exception cref="EdgeSyncException">The note to replace does not exist.</exception>
    public AuthoredArtifact Put(TechnoteOptions options)
    {
        ArtifactReading.RequireText(options.Body.Span);
        using var transaction = repository.Begin();
        _author.SignIn(options.User);
        var before = options.TechnoteId is { } wanted
            ? Find(wanted) ?? throw new EdgeSyncException(ErrorKind.NotFound, $"there is no technote {wanted}")
            : null;

        List<TagDraft> tags = [
            .. options.Tags.Where(tag => tag.Length > 0).Distinct().Select(
                tag => new TagDraft(TagAction.Single, "sym-" + tag))];
        if (!string.IsNullOrEmpty(options.Color))
            tags.Add(new TagDraft(TagAction.Single, "bgcolor", default, options.Color));

        var draft = ArtifactDraft.Technote(
            ArtifactReading.After(options.Date, before?.Date, _author.DateOr(null)),
            options.User,
            Instant.FromUnixSeconds(options.About.UnixSeconds),
            before?.TechnoteId ?? repository.Entropy.NextHex(40),
            new CardText(options.Body),
            options.Comment,
            before?.Id ?? default,
            options.Mimetype ?? before?.Mimetype,
            tags);
        var made = _author.Store(draft, ArtifactKind.Technote, isPrivate: false, isUnsent: true);
        transaction.Commit();
        return made;
    }
}
