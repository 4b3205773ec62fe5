using EdgeSync.Primitives;
using EdgeSync.Storage.Names;

namespace EdgeSync.Storage.Queries;

/// <summary>A branch and its newest check-in.</summary>
public sealed record Branch(string Name, ArtifactId Tip, Instant Date, string User, bool IsClosed, bool IsPrivate);

/// <summary>The parent of a check-in when none is given.</summary>
/// <param name="Parent">None in a repository without check-ins.</param>
/// <param name="NewBranch">The branch that the check-in starts, or null.</param>
public readonly record struct BranchEnd(RecordId Parent, string? NewBranch);

/// <summary>The branches of a project.</summary>
public static class Branches
{
    private const int BranchTag = 8;
    private const int ClosedTag = 9;

    /// <summary>By name. A branch is closed when none of its leaves is open, as stock has it.</summary>
    public static IReadOnlyList<Branch> List(Repository repository)
    {
        // Spec: branch.c. "Newest" goes by the check-in's time (event.mtime); the propagated rows share one time.
        using var select = repository.Database.Prepare(
            $"""
            SELECT name, uuid, mtime, user, isopen=0, isprivate FROM (
              SELECT tagxref.value AS name, blob.uuid AS uuid, max(event.mtime) AS mtime, coalesce(event.euser,event.user,'?') AS user,
                     total(EXISTS(SELECT 1 FROM leaf WHERE leaf.rid=tagxref.rid)
                       AND NOT EXISTS(SELECT 1 FROM tagxref AS c WHERE c.rid=tagxref.rid AND c.tagid={ClosedTag} AND c.tagtype>0)) AS isopen,
                     EXISTS(SELECT 1 FROM private WHERE private.rid=tagxref.rid) AS isprivate
                FROM tagxref JOIN event ON event.objid=tagxref.rid JOIN blob ON blob.rid=tagxref.rid
               WHERE tagxref.tagid={BranchTag} AND tagxref.tagtype>0
               GROUP BY tagxref.value)
             ORDER BY name
            """);
        var branches = new List<Branch>();
        while (select.Step())
        {
            branches.Add(new Branch(
                select.Text(0) ?? "", select.Artifact(1), Instant.FromJulianDay(select.Double(2)), select.Text(3)
                ?? "?",
                select.Boolean(4), select.Boolean(5)));
        }

        return branches;
    }

    /// <summary>
    /// The default parent on a branch: its newest check-in without a successor on the branch, an open one if there is;
    /// no check-in if the branch has none. The newest of all may have successors that are older by the clock: a machine
    /// with a clock ahead made it, and others continued from it.
    /// </summary>
    public static RecordId EndOf(Repository repository, string branch)
    {
        using var select = repository.Database.Prepare(
            $"""
            SELECT leaf.rid FROM leaf JOIN event ON event.objid=leaf.rid
             WHERE coalesce((SELECT value FROM tagxref WHERE tagid={BranchTag} AND tagtype>0 AND rid=leaf.rid),'trunk')=?1
             ORDER BY EXISTS(SELECT 1 FROM tagxref AS c WHERE c.rid=leaf.rid AND c.tagid={ClosedTag} AND c.tagtype>0), event.mtime DESC
             LIMIT 1
            """);
        return select.BindText(1, branch).Step() ? select.Record(0) : RecordId.None;
    }

    /// <summary>
    /// The parent of a check-in on this branch, on the main one without a name. A branch that does not exist (or
    /// <paramref name="isOpenOnly"/> and closed) is started from the end of the main one.
    /// </summary>
    public static BranchEnd Target(Repository repository, string? branch, bool isOpenOnly)
    {
        if (branch is not null && (!isOpenOnly || List(repository).Any(b => b.Name == branch && !b.IsClosed))
            && EndOf(repository, branch) is { IsNone: false } end)
            return new BranchEnd(end, null);

        // A repository whose main line has another name, or without any check-in, works by default too.
        var main = EndOf(repository, repository.Settings["main-branch"] ?? "trunk");
        if (main.IsNone && repository.Names.TryResolve("tip", EventType.Checkin, out main) != NameFault.None)
            main = RecordId.None;
        return new BranchEnd(main, branch);
    }
}
