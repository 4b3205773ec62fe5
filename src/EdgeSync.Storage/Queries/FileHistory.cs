using EdgeSync.Fossil.Diff;
using EdgeSync.Primitives;
using EdgeSync.Storage.Content;

namespace EdgeSync.Storage.Queries;

/// <summary>A version of one file.</summary>
/// <param name="File">Its content; empty where the file was deleted.</param>
/// <param name="FileRid">The record of the content; none where it was deleted.</param>
/// <param name="Checkin">The check-in that brought it.</param>
/// <param name="Comment">Of the check-in.</param>
public sealed record FileVersion(
    ArtifactId File, RecordId FileRid, ArtifactId Checkin, Instant Date, string User, string Comment, string? Branch);

/// <summary>A line of an annotated file.</summary>
/// <param name="Text">As it is in the file, without the line end.</param>
/// <param name="Version">An index into the versions; -1 where the limit left it open.</param>
public readonly record struct AnnotatedLine(byte[] Text, int Version);

/// <summary>A file with the versions that its lines came from, newest first.</summary>
public sealed record AnnotatedFile(IReadOnlyList<FileVersion> Versions, IReadOnlyList<AnnotatedLine> Lines);

/// <summary>The versions of one file.</summary>
// Spec: annotate_file in diff.c, finfo_cmd in finfo.c.
public static class FileHistory
{
    private const int VersionsMin = 3;

    // A version further back is a delta of one of the last ones; those before them only fill the memory.
    private const int VersionsKept = 8;

    /// <summary>All versions in the whole repository, newest first.</summary>
    /// <param name="repository">The repository to read.</param>
    /// <param name="path">The name of the file.</param>
    /// <param name="limit">At most; 0 or below: all.</param>
    /// <param name="offset">So many of the newest are left out.</param>
    public static IReadOnlyList<FileVersion> List(Repository repository, string path, int limit, int offset)
    {
        using var select = repository.Database.Prepare(
            """
            SELECT DISTINCT b.uuid, ci.uuid, event.mtime, coalesce(event.ecomment, event.comment),
                   coalesce(event.euser, event.user),
                   (SELECT value FROM tagxref WHERE tagid=8 AND tagtype>0 AND tagxref.rid=mlink.mid), mlink.fid
              FROM mlink, blob b, event, blob ci, filename
             WHERE filename.name=?1 AND mlink.fnid=filename.fnid AND b.rid=mlink.fid
               AND event.objid=mlink.mid AND event.objid=ci.rid
             ORDER BY event.mtime DESC LIMIT ?2 OFFSET ?3
            """);
        select.BindText(1, path).Bind(2, limit <= 0 ? -1 : limit).Bind(3, offset);
        var versions = new List<FileVersion>();
        while (select.Step())
        {
            versions.Add(new FileVersion(
                select.Artifact(0), select.Record(6), select.Artifact(1), Instant.FromJulianDay(select.Double(2)),
                select.Text(4) ?? "", select.Text(3) ?? "", select.Text(5)));
        }

        return versions;
    }

    /// <summary>The file as it is in a check-in, each line with the version that brought it.</summary>
    /// <param name="repository">The repository to read.</param>
    /// <param name="path">The name of the file.</param>
    /// <param name="checkin">Where the search begins; it goes along primary parents.</param>
    /// <param name="limit">Versions to look at (three at least); 0: all.</param>
    /// <param name="options">What counts as the same line.</param>
    /// <exception cref="EdgeSyncException">The check-in and its ancestors have no such file.</exception>
    public static AnnotatedFile Annotate(
        Repository repository, string path, RecordId checkin, int limit, DiffOptions options)
    {
        // One lock for all versions, not one each.
        using var reading = repository.Database.BeginRead();
        var all = VersionsBefore(repository, path, checkin);
        var versions = limit > 0 ? all.Take(Math.Max(limit, VersionsMin)).ToList() : all;
        if (versions.Count == 0)
        {
            throw new EdgeSyncException(
                ErrorKind.NotFound, $"no such file: {path}", "edgesync repo ls");
        }

        using var newest = ContentOf(repository, versions[0]);
        if (Annotation.Of(newest.Memory, options) is not { } annotation) return new AnnotatedFile(versions, []);

        Compare(annotation, repository, versions);

        var rest = versions.Count == all.Count ? versions.Count - 1 : -1;
        var lines = new AnnotatedLine[annotation.LineCount];
        for (var i = 0; i < lines.Length; i++)
        {
            var version = annotation.VersionOf(i);
            lines[i] = new AnnotatedLine(annotation.Line(i).ToArray(), version < 0 ? rest : version);
        }

        return new AnnotatedFile(versions, lines);
    }

    private static void Compare(Annotation annotation, Repository repository, List<FileVersion> versions)
    {
        ArtifactContent? used = null;
        try
        {
            for (var i = 1; i < versions.Count && !annotation.IsComplete; i++)
            {
                var older = ContentOf(repository, versions[i]);
                if (annotation.Step(older.Memory, i - 1)) (used, older) = (older, used);
                older?.Dispose();
                if (i >= VersionsKept) repository.Content.Drop(versions[i - VersionsKept].FileRid);
            }
        }
        finally
        {
            used?.Dispose();
        }
    }

    private static List<FileVersion> VersionsBefore(Repository repository, string path, RecordId checkin)
    {
        using var select = repository.Database.Prepare(
            """
            WITH RECURSIVE ancestor(rid, generation) AS (
              VALUES(?1, 1)
              UNION ALL SELECT plink.pid, ancestor.generation+1 FROM plink, ancestor
                         WHERE plink.cid=ancestor.rid AND plink.isprim)
            SELECT DISTINCT (SELECT uuid FROM blob WHERE rid=mlink.fid), (SELECT uuid FROM blob WHERE rid=mlink.mid),
                   event.mtime, coalesce(event.euser, event.user), mlink.fid,
                   coalesce(event.ecomment, event.comment)
              FROM mlink, event, ancestor
             WHERE mlink.fnid=(SELECT fnid FROM filename WHERE name=?2)
               AND ancestor.rid=mlink.mid AND event.objid=mlink.mid AND mlink.mid!=mlink.pid
             ORDER BY ancestor.generation
            """);
        select.Bind(1, checkin).BindText(2, path);
        var versions = new List<FileVersion>();
        while (select.Step())
        {
            versions.Add(new FileVersion(
                select.Artifact(0), select.Record(4), select.Artifact(1), Instant.FromJulianDay(select.Double(2)),
                select.Text(3) ?? "", select.Text(5) ?? "", null));
        }

        return versions;
    }

    private static ArtifactContent ContentOf(Repository repository, FileVersion version) =>
        version.FileRid.IsNone ? ArtifactContent.Copy([]) : repository.Content.Get(version.FileRid);
}
