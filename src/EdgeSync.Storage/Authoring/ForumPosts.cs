using System.Text;
using EdgeSync.Fossil.Artifacts;
using EdgeSync.Primitives;

namespace EdgeSync.Storage.Authoring;

/// <summary>A thread of the forum.</summary>
/// <param name="Root">Its first post.</param>
/// <param name="Title">As its newest title is.</param>
/// <param name="LastAt">When its newest post was written.</param>
/// <param name="PostCount">Without earlier versions of posts.</param>
public sealed record ForumThread(
    RecordId Root, ArtifactId Id, string Title, string User, Instant LastAt, long PostCount);

/// <summary>A post in a thread: the first version, and which one replaced it last.</summary>
/// <param name="First">By which replies name it.</param>
/// <param name="Newest">The version that is shown.</param>
/// <param name="InReplyTo">The post that it replies to; none for the first of the thread.</param>
/// <param name="At">When its first version was written.</param>
public sealed record ForumPostVersions(RecordId First, RecordId Newest, RecordId InReplyTo, Instant At);

/// <summary>One version of a post.</summary>
public sealed record ForumPost(ArtifactId Id, string? Title, byte[] Body, string? Mimetype, string User, Instant Date);

/// <summary>The forum, to read. Spec: forum.c.</summary>
public sealed class ForumPosts(Repository repository)
{
    private bool HasTable => repository.Database.HasTable("forumpost");

    /// <summary>Newest activity first, without those that are private.</summary>
    /// <param name="limit">Threads at most.</param>
    /// <param name="includesPrivate">Also private posts.</param>
    public IReadOnlyList<ForumThread> List(int limit, bool includesPrivate)
    {
        if (!HasTable) return [];

        using var select = repository.Database.Prepare(
            """
            SELECT froot, blob.uuid, substr(event.comment,instr(event.comment,':')+2),
                   coalesce(event.euser,event.user), max(fmtime), count(*)-count(fprev)
              FROM forumpost JOIN blob ON blob.rid=froot JOIN event ON event.objid=froot
             WHERE ?2 OR (NOT EXISTS(SELECT 1 FROM private WHERE private.rid=fpid)
                     AND NOT EXISTS(SELECT 1 FROM private WHERE private.rid=froot))
             GROUP BY froot ORDER BY max(fmtime) DESC LIMIT ?1
            """);
        select.Bind(1, limit).Bind(2, includesPrivate ? 1 : 0);
        var threads = new List<ForumThread>();
        while (select.Step())
        {
            threads.Add(new ForumThread(
                select.Record(0), select.Artifact(1), select.Text(2) ?? "", select.Text(3) ?? "",
                Instant.FromJulianDay(select.Double(4)), select.Int64(5)));
        }

        return threads;
    }

    /// <summary>The first post of the thread of a post; none for another artifact.</summary>
    public RecordId RootOf(RecordId post)
    {
        if (!HasTable) return RecordId.None;

        using var select = repository.Database.Prepare("SELECT froot FROM forumpost WHERE fpid=?1");
        return select.Bind(1, post).Step() ? select.Record(0) : RecordId.None;
    }

    /// <summary>The posts of a thread, the oldest first, each with its newest version.</summary>
    /// <param name="root">The first post.</param>
    /// <param name="limit">Versions that are looked at.</param>
    /// <param name="includesPrivate">Also private ones.</param>
    public IReadOnlyList<ForumPostVersions> Thread(RecordId root, int limit, bool includesPrivate)
    {
        using var select = repository.Database.Prepare(
            """
            SELECT fpid, coalesce(fprev,0), coalesce(firt,0), fmtime FROM forumpost
             WHERE froot=?1 AND (?3 OR NOT EXISTS(SELECT 1 FROM private WHERE private.rid=fpid))
             ORDER BY fmtime, fpid LIMIT ?2
            """);
        select.Bind(1, root).Bind(2, limit).Bind(3, includesPrivate ? 1 : 0);
        var posts = new List<ForumPostVersions>();
        var firstOf = new Dictionary<RecordId, int>();
        while (select.Step())
        {
            var (post, prior) = (select.Record(0), select.Record(1));
            if (firstOf.TryGetValue(prior, out var index))
            {
                posts[index] = posts[index] with { Newest = post };
                firstOf[post] = index;
                continue;
            }

            firstOf[post] = posts.Count;
            posts.Add(new ForumPostVersions(
                post, post, select.Record(2), Instant.FromJulianDay(select.Double(3))));
        }

        // A reply names the version that it answers.
        return [.. posts.Select(p => firstOf.TryGetValue(p.InReplyTo, out var to)
            ? p with { InReplyTo = posts[to].First } : p with { InReplyTo = RecordId.None })];
    }

    /// <summary>One version of a post.</summary>
    /// <exception cref="EdgeSyncException">Another artifact, or not here.</exception>
    public ForumPost Read(RecordId rid)
    {
        var post = ArtifactReading.Parse(repository, rid, ArtifactKind.Forum);
        return new ForumPost(
            repository.Content.NameOf(rid), post.HasCard('H') ? Encoding.UTF8.GetString(post.ThreadTitle) : null,
            post.Body.ToArray(), post.HasCard('N') ? Encoding.UTF8.GetString(post.Mimetype) : null,
            Encoding.UTF8.GetString(post.User), post.Date);
    }
}
