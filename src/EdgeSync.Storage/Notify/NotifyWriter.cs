using EdgeSync.Primitives;
using EdgeSync.Storage.Authoring;
using EdgeSync.Storage.Checkout;
using EdgeSync.Storage.Queries;

namespace EdgeSync.Storage.Notify;

/// <summary>
/// Writes messages as check-ins: each thread is a branch <c>thread-SHORT</c> of its own, from a root on, and the parent
/// of a message is the last one of its thread. Where devices wrote at the same time, the next message joins the ends.
/// </summary>
public static class NotifyWriter
{
    /// <summary>More ends than these are joined by later messages.</summary>
    private const int JoinedMax = 8;

    private const string User = "notify";

    /// <param name="path">Path of the file.</param>
    /// <param name="content">The message as JSON.</param>
    /// <param name="messageId">For the comment.</param>
    /// <param name="project">With <paramref name="thread"/>: what the message continues, if it is known.</param>
    /// <param name="branch">The name of the thread's branch.</param>
    public static AuthoredArtifact Commit(
        Repository repository, string path, ReadOnlyMemory<byte> content, string messageId, string project,
        string thread, string branch)
    {
        using var transaction = repository.Begin();
        var ends = Ends(repository, project, thread);
        var parent = ends.FirstOrDefault();
        var made = repository.Commit(new CommitOptions
        {
            Parent = parent,
            MergedParents = [.. ends.Skip(1)],
            User = User,
            Comment = $"notify: {messageId}",
            Branch = parent.IsNone ? branch : null,
            // Two threads may have one short name; both then have a branch of that name.
            AllowsSameBranch = true,
            AllowsFork = true,
            IsDatedAfterParents = true,
            Changes = [.. Joined(repository, parent, ends.Skip(1)), FileChange.Put(path, content)],
        });
        transaction.Commit();
        return made;
    }

    /// <summary>Writes a file of the registry, on the main branch.</summary>
    public static AuthoredArtifact CommitFile(
        Repository repository, string path, ReadOnlyMemory<byte> content, string comment) =>
        repository.Commit(new CommitOptions
        {
            FollowsBranch = true,
            User = User,
            Comment = comment,
            AllowsFork = true,
            IsDatedAfterParents = true,
            AllowsEmpty = true,
            Changes = [FileChange.Put(path, content)],
        });

    /// <summary>A file at the end of the main branch; null: none.</summary>
    public static byte[]? ReadFile(Repository repository, string path)
    {
        var (tip, _) = Branches.Target(repository, null, isOpenOnly: false);
        if (tip.IsNone) return null;

        foreach (var file in TreeFile.AllOf(CheckInTree.Load(repository, tip)))
        {
            if (file.Name != path) continue;

            var rid = repository.Content.Find(file.Id);
            if (rid.IsNone || !repository.Content.IsAvailable(rid)) return null;

            using var content = repository.Content.Get(rid);
            return content.Span.ToArray();
        }

        return null;
    }

    // The check-ins of a thread that no other one follows, the newest first.
    private static List<RecordId> Ends(Repository repository, string project, string thread)
    {
        var ends = new List<RecordId>();
        if (!NotifyTables.Exist(repository.Database)) return ends;

        using var select = repository.Database.Prepare(
            """
            SELECT mid FROM fx_notify_message AS m WHERE project=?1 AND thread=?2
               AND NOT EXISTS(SELECT 1 FROM plink WHERE pid=m.mid)
             ORDER BY time DESC, id DESC LIMIT ?3
            """);
        select.BindText(1, project).BindText(2, thread).Bind(3, JoinedMax);
        while (select.Step()) ends.Add(select.Record(0));
        return [.. ends.Distinct()];
    }

    private static IEnumerable<FileChange> Joined(
        Repository repository, RecordId parent, IEnumerable<RecordId> others)
    {
        if (parent.IsNone) yield break;

        var names = new HashSet<string>(StringComparer.Ordinal);
        foreach (var file in TreeFile.AllOf(CheckInTree.Load(repository, parent))) names.Add(file.Name);
        foreach (var other in others)
            foreach (var file in TreeFile.AllOf(CheckInTree.Load(repository, other)))
                if (names.Add(file.Name))
                    yield return FileChange.Use(file.Name, file.Id, file.Permission);
    }
}
