using EdgeSync.Fossil.Artifacts;
using EdgeSync.Fossil.Blobs;
using EdgeSync.Primitives;

namespace EdgeSync.Storage.Authoring;

/// <summary>An attached file.</summary>
public sealed record AttachmentEntry(
    string Name, string Target, ArtifactId Content, Instant Date, string User, string Comment);

/// <summary>Files attached to wiki pages (by title), tickets and technotes (by id). Spec: attach.c.</summary>
public sealed class Attachments(Repository repository)
{
    private readonly ArtifactAuthor _author = new(repository);

    /// <summary>The present attachments, by name.</summary>
    public IReadOnlyList<AttachmentEntry> List(string target)
    {
        using var select = repository.Database.Prepare(
            """
            SELECT filename, target, src, mtime, user, comment FROM attachment
             WHERE target=?1 AND isLatest AND src<>'' ORDER BY filename
            """);
        select.BindText(1, target);
        var entries = new List<AttachmentEntry>();
        while (select.Step())
        {
            entries.Add(new AttachmentEntry(
                select.Text(0) ?? "", select.Text(1) ?? "", select.Artifact(2), Instant.FromJulianDay(select.Double(3)),
                select.Text(4) ?? "", select.Text(5) ?? ""));
        }

        return entries;
    }

    /// <summary>Attaches content under the last part of <paramref name="name"/>.</summary>
    /// <exception cref="EdgeSyncException">There is no such page, ticket or technote.</exception>
    public AuthoredArtifact Add(
        string user, string target, string name, ReadOnlySpan<byte> content, string? comment = null,
        Instant? date = null)
    {
        using var transaction = repository.Begin();
        _author.SignIn(user);
        RequireTarget(target);
        var tail = name[(name.LastIndexOfAny(['/', '\\']) + 1)..];
        if (tail.Length == 0) tail = "unknown";

        // A file whose content parses as an artifact would become one; stock compresses it, and names that .gz.
        RecordId rid;
        if (ArtifactParser.MayBeArtifact(content) && ArtifactParser.TryParse(content.ToArray(), out _))
        {
            var packed = new byte[BlobCodec.GetEncodedLengthMax(content.Length)];
            rid = repository.Content.Put(
                packed.AsSpan(0, BlobCodec.Encode(Deflater.OfThisThread, content, packed)), isUnsent: false);
            tail += ".gz";
        }
        else
        {
            rid = repository.Content.Put(content);
        }

        return Write(transaction, user, target, tail, repository.Content.NameOf(rid), comment, date);
    }

    /// <summary>Removes the attachment; the content stays.</summary>
    /// <exception cref="EdgeSyncException">No such file is attached.</exception>
    public AuthoredArtifact Remove(string user, string target, string name, Instant? date = null)
    {
        using var transaction = repository.Begin();
        _author.SignIn(user);
        if (List(target).All(entry => entry.Name != name))
            throw new EdgeSyncException(ErrorKind.NotFound, $"no file {name} is attached to {target}");

        return Write(transaction, user, target, name, default, comment: null, date);
    }

    private AuthoredArtifact Write(
        Sqlite.Transaction transaction, string user, string target, string name, ArtifactId content, string? comment,
        Instant? date)
    {
        var draft = ArtifactDraft.Attach(
            ArtifactReading.After(date, LastOf(target, name), _author.DateOr(null)), user, name, target, content,
            comment);
        var made = _author.Store(draft, ArtifactKind.Attachment, isPrivate: false, isUnsent: true);
        transaction.Commit();
        return made;
    }

    private Instant? LastOf(string target, string name)
    {
        using var select = repository.Database.Prepare(
            "SELECT max(mtime) FROM attachment WHERE target=?1 AND filename=?2");
        return select.BindText(1, target).BindText(2, name).Step() && !select.IsNull(0)
            ? Instant.FromJulianDay(select.Double(0))
            : null;
    }

    private void RequireTarget(string target)
    {
        using var select = repository.Database.Prepare(
            "SELECT 1 FROM tag WHERE tagname IN ('wiki-'||?1,'tkt-'||?1,'event-'||?1)");
        if (!select.BindText(1, target).Step())
            throw new EdgeSyncException(ErrorKind.NotFound, $"there is no page, ticket or technote '{target}'");
    }
}
