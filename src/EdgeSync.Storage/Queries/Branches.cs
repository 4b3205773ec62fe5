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

    /// <summary>The branch of a check-in, or null.</summary>
    public static string? Of(Repository repository, RecordId checkin)
    {
        using var select = repository.Database.Prepare(
            $"SELECT value FROM tagxref WHERE rid=?1 AND tagid={BranchTag} AND tagtype>0");
        return select.Bind(1, checkin).Step() ? select.Text(0) : null;
    }

    /// <summary>An open leaf of a branch, as stock finds one; none when it is closed or not there.</summary>
    // Spec: branch_is_open in branch.c.
    public static RecordId OpenLeafOf(Repository repository, string branch)
    {
        using var select = repository.Database.Prepare(
            $"""
            SELECT rid FROM tagxref AS ox
             WHERE tagid={BranchTag} AND tagtype=2 AND value=?1 AND rid IN leaf
               AND NOT EXISTS(SELECT 1 FROM tagxref AS ix WHERE tagid={ClosedTag} AND tagtype=1 AND ox.rid=ix.rid)
            """);
        return select.BindText(1, branch).Step() ? select.Record(0) : RecordId.None;
    }

    /// <summary>Names of branches in stock's order.</summary>
    /// <param name="repository">The repository to read.</param>
    /// <param name="isClosed">Closed ones, open ones, or (null) both, by the newest check-in.</param>
    /// <param name="isPrivate">Only private ones.</param>
    /// <param name="isByTime">The newest first, not by name.</param>
    /// <param name="isReversed">The other way round.</param>
    /// <param name="glob">Only names that fit, or null.</param>
    // Spec: branch_prepare_list_query in branch.c.
    public static IReadOnlyList<(string Name, bool IsPrivate)> Names(
        Repository repository, bool? isClosed, bool isPrivate, bool isByTime, bool isReversed, string? glob)
    {
        using var select = repository.Database.Prepare(
            $"""
            SELECT name, isprivate FROM (
              SELECT tagxref.value AS name, max(event.mtime) AS mtime,
                     EXISTS(SELECT 1 FROM tagxref AS tx
                             WHERE tx.rid=tagxref.rid AND tx.tagid={ClosedTag} AND tx.tagtype>0) AS isclosed,
                     EXISTS(SELECT 1 FROM private WHERE rid=tagxref.rid) AS isprivate
                FROM tagxref, event
               WHERE tagxref.tagid={BranchTag} AND tagxref.tagtype>0 AND event.objid=tagxref.rid GROUP BY 1)
             WHERE (?1 IS NULL OR isclosed=?1) AND (NOT ?2 OR isprivate) AND (?3 IS NULL OR name GLOB ?3)
             ORDER BY {(isByTime ? "-mtime" : "name COLLATE nocase")}{(isReversed ? " DESC" : "")}
            """);
        if (isClosed is { } closed) select.Bind(1, closed ? 1 : 0);
        else select.BindNull(1);
        select.Bind(2, isPrivate ? 1 : 0).BindText(3, glob);
        var names = new List<(string, bool)>();
        while (select.Step()) names.Add((select.Text(0) ?? "", select.Boolean(1)));
        return names;
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
