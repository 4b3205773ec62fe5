using System.Globalization;
using System.Text;
using EdgeSync.Fossil.Artifacts;
using EdgeSync.Primitives;
using EdgeSync.Storage.Crosslink.Links;

namespace EdgeSync.Storage.Crosslink;

/// <summary>Wiki pages, technotes and forum posts: artifacts with a body and versions.</summary>
internal sealed class PageLinker(LinkContext context, EventTable events, TagTable tags, BacklinkTable backlinks)
{
    private readonly HashSet<string> _changedPages = new(StringComparer.Ordinal);
    private bool _hasForum;

    /// <summary>Called when an older version may be stored as a delta of a newer one.</summary>
    public required Action<RecordId, RecordId> Supersedes { get; init; }

    public void LinkWiki(RecordId record, Artifact page)
    {
        WriteParents(record, page);
        var body = TrimmedBody(page);
        tags.Insert(
            [.. "wiki-"u8, .. page.Title], TagAction.Single, LengthOf(body), record, page.JulianDay, record);
        var prior = PriorOf(page);
        if (!prior.IsNone) Supersedes(prior, record);

        var prefix = body.IsEmpty ? (byte)'-' : prior.IsNone ? (byte)'+' : (byte)':';
        _changedPages.Add(EventText.FromBytes(page.Title));
        events.Write('w', page.JulianDay, record, UserOf(page), [prefix, .. page.Title]);
    }

    public void LinkTechnote(RecordId record, Artifact note, AttachmentLinker attachments)
    {
        WriteParents(record, note);
        byte[] name = [.. "event-"u8, .. note.TechnoteId];
        var body = TrimmedBody(note);
        var tag = tags.Insert(name, TagAction.Single, LengthOf(body), record, note.JulianDay, record);
        var prior = PriorOf(note);
        var later = LaterVersion(tag, note.JulianDay, record);
        if (!prior.IsNone)
        {
            Supersedes(prior, record);
            if (later.IsNone) events.DeleteTechnote(tag);
        }

        if (later.IsNone)
        {
            events.WriteTechnote(
                note.TechnoteDate.JulianDay, record, tag, UserOf(note),
                note.HasCard('C') ? note.Comment.ToArray() : null);
        }
        else
        {
            Supersedes(record, later);
        }

        attachments.Rename(EventText.FromBytes(note.TechnoteId), isTicket: false);
    }

    public void LinkForum(RecordId record, Artifact post)
    {
        WriteParents(record, post);
        CreateForumTables();
        var root = post.ThreadRoot.IsEmpty ? record : context.Store.FindOrCreate(post.ThreadRoot);
        var prior = post.Parents.IsEmpty ? RecordId.None : context.Store.FindOrCreate(post.Parents[0]);
        var answered = post.InReplyTo.IsEmpty ? RecordId.None : context.Store.FindOrCreate(post.InReplyTo);
        using (var insert = context.Database.Prepare(
            "REPLACE INTO forumpost(fpid,froot,fprev,firt,fmtime) VALUES(?1,?2,nullif(?3,0),nullif(?4,0),?5)"))
        {
            insert.Bind(1, record).Bind(2, root).Bind(3, prior).Bind(4, answered)
                .Bind(5, StockNumber.AsStored(post.JulianDay)).Run();
        }

        if (answered.IsNone) WriteThreadEvent(record, post, root, isEdit: !prior.IsNone);
        else WriteReplyEvent(record, post, root, isEdit: !prior.IsNone);

        if (!post.Body.IsEmpty)
        {
            var markup = BacklinkTable.MarkupOf(post.Mimetype, post.HasCard('N'));
            backlinks.Replace(post.Body, markup, BacklinkSource.Forum, record.Value, post.JulianDay);
        }
    }

    /// <summary>Searches for links in the newest version of each page that changed.</summary>
    public void FinishWiki()
    {
        foreach (var title in _changedPages.Order(StringComparer.Ordinal)) RefreshWiki(Encoding.Latin1.GetBytes(title));
        _changedPages.Clear();
    }

    private void RefreshWiki(ReadOnlySpan<byte> title)
    {
        var tag = tags.Find([.. "wiki-"u8, .. title]);
        RecordId newest;
        using (var query = context.Database.Prepare(
            "SELECT rid FROM tagxref WHERE tagid=?1 ORDER BY mtime DESC LIMIT 1"))
        {
            if (!query.Bind(1, tag).Step()) return;
            newest = query.Record(0);
        }

        if (!context.Store.TryRead(newest, out var text)
            || !ArtifactParser.TryParse(text, out var page, new ArtifactParserOptions(context.Now()))
            || page.Kind != ArtifactKind.Wiki) return;

        var markup = BacklinkTable.MarkupOf(page.Mimetype, page.HasCard('N'));
        backlinks.Replace(page.Body, markup, BacklinkSource.Wiki, tag, page.JulianDay);
    }

    // Spec: manifest.c, manifest_add_fwt_plink.
    private void WriteParents(RecordId record, Artifact page)
    {
        var primary = RecordId.None;
        for (var i = 0; i < page.Parents.Length; i++)
        {
            var parent = context.Store.FindOrCreate(page.Parents[i]);
            if (i == 0) primary = parent;
            using var insert = context.Database.Prepare(
                "INSERT OR IGNORE INTO plink(pid,cid,isprim,mtime,baseid) VALUES(?1,?2,?3,?4,NULL)");
            insert.Bind(1, parent).Bind(2, record).Bind(3, i == 0 ? 1L : 0L)
                .Bind(4, StockNumber.AsStored(page.JulianDay)).Run();
        }

        if (!primary.IsNone) tags.PropagateAll(primary);
    }

    // Spec: manifest.c: the text is looked up as it is (fast_uuid_to_rid).
    private RecordId PriorOf(Artifact page) =>
        page.Parents.IsEmpty || page.IsFirstParentUpperCase ? RecordId.None : context.Store.Find(page.Parents[0]);

    private RecordId LaterVersion(long tag, double julianDay, RecordId record)
    {
        using var query = context.Database.Prepare(
            "SELECT rid FROM tagxref WHERE tagid=?1 AND mtime>=?2 AND rid!=?3 ORDER BY mtime");
        return query.Bind(1, tag).Bind(2, StockNumber.AsStored(julianDay)).Bind(3, record).Step()
            ? query.Record(0)
            : RecordId.None;
    }

    // Differs from Fossil: none; but stock's rule "newer title wins" compares with firt=0 where the table holds NULL,
    // so the post linked last gives the title. Ours is the same statement.
    private void WriteThreadEvent(RecordId record, Artifact post, RecordId root, bool isEdit)
    {
        ReadOnlySpan<byte> title = post.ThreadTitle.IsEmpty ? "(Deleted)"u8 : post.ThreadTitle;
        events.Write('f', post.JulianDay, record, UserOf(post), [.. isEdit ? "Edit: "u8 : "Post: "u8, .. title]);

        using var update = context.Database.Prepare(
            """
            UPDATE event SET comment=substr(comment,1,instr(comment,':')) || ' ' || ?1
            WHERE objid IN (SELECT fpid FROM forumpost WHERE froot=?2)
              AND NOT EXISTS(SELECT 1 FROM forumpost WHERE froot=?2 AND firt=0 AND fpid!=?3 AND fmtime>?4)
            """);
        update.BindText(1, title).Bind(2, root).Bind(3, record).Bind(4, StockNumber.AsStored(post.JulianDay)).Run();
    }

    private void WriteReplyEvent(RecordId record, Artifact post, RecordId root, bool isEdit)
    {
        byte[] title = [.. "<i>Unknown</i>"u8];
        using (var query = context.Database.Prepare(
            "SELECT substr(comment,instr(comment,':')+2) FROM event WHERE objid=?1"))
        {
            if (query.Bind(1, root).Step()) title = query.Bytes(0).ToArray();
        }

        var kind = post.Body.IsEmpty ? "Delete reply: "u8 : isEdit ? "Edit reply: "u8 : "Reply: "u8;
        events.Write('f', post.JulianDay, record, UserOf(post), [.. kind, .. title]);
    }

    private void CreateForumTables()
    {
        if (_hasForum) return;
        _hasForum = true;
        context.Database.Execute(RepositorySchema.Forum);
    }

    private static byte[]? UserOf(Artifact artifact) => artifact.HasCard('U') ? artifact.User.ToArray() : null;

    // White space before the text does not count; a NUL ends it.
    private static ReadOnlySpan<byte> TrimmedBody(Artifact page)
    {
        var body = AsciiText.ToNul(page.Body);
        var start = 0;
        while (start < body.Length && AsciiText.IsSpace(body[start])) start++;
        return body[start..];
    }

    private static byte[] LengthOf(ReadOnlySpan<byte> body) =>
        Encoding.ASCII.GetBytes(body.Length.ToString(CultureInfo.InvariantCulture));
}
