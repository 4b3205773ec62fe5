using System.Globalization;
using EdgeSync.Primitives;

namespace EdgeSync.Storage.Queries;

/// <summary>An entry of the timeline with what stock prints of it.</summary>
/// <param name="Text">The comment with user and tags; empty without one.</param>
/// <param name="Children">Check-ins that have it as primary parent.</param>
/// <param name="Parents">All its parents.</param>
/// <param name="Tags">Names of tags and branches, with commas.</param>
public sealed record DetailedEntry(
    RecordId Rid, ArtifactId Id, string Date, string Text, int Children, int Parents, string? Branch, string Type,
    string? Comment, string User, string Tags, bool IsPrivate);

/// <summary>Which entries of the timeline are meant; all conditions hold.</summary>
public sealed record DetailedQuery
{
    /// <summary>Not newer than this Julian day.</summary>
    public double? Until { get; init; }

    /// <summary>Not older than this Julian day.</summary>
    public double? From { get; init; }

    /// <summary>Only check-ins that this one descends from.</summary>
    public RecordId AncestorsOf { get; init; }

    /// <summary>Only check-ins that descend from this one.</summary>
    public RecordId DescendantsOf { get; init; }

    /// <summary>Ancestors or descendants at most; 0: all.</summary>
    public int RelativesMax { get; init; }

    /// <summary>Stock's letters, or null.</summary>
    public string? Type { get; init; }

    /// <summary>Only check-ins that changed this file, or a file in this folder.</summary>
    public string? Path { get; init; }

    /// <summary>Only what belongs to this branch.</summary>
    public string? Branch { get; init; }

    /// <summary>Only what carries this tag, named as it is stored.</summary>
    public string? Tag { get; init; }

    /// <summary>Only leaves: open ones, closed ones, or (null) both.</summary>
    public bool IsLeaf { get; init; }

    /// <summary>With <see cref="IsLeaf"/>.</summary>
    public bool? IsClosed { get; init; }

    /// <summary>With <see cref="IsLeaf"/>: only leaves that share their branch with another open one.</summary>
    public bool IsForked { get; init; }

    /// <summary>By branch first.</summary>
    public bool IsByBranch { get; init; }

    /// <summary>Only these records.</summary>
    public IReadOnlyCollection<RecordId>? Among { get; init; }

    /// <summary>So many are left out.</summary>
    public int Offset { get; init; }
}

/// <summary>The timeline as stock's command line selects it, newest first.</summary>
// Spec: timeline_query_for_tty and timeline_cmd in timeline.c, compute_ancestors and compute_descendants in
// descendants.c.
public static class DetailedTimeline
{
    private const string OpenLeaves =
        """
        SELECT rid FROM leaf
         WHERE NOT EXISTS(SELECT 1 FROM tagxref AS tx WHERE tx.rid=leaf.rid AND tx.tagid=9 AND tx.tagtype>0)
        """;

    public static IEnumerable<DetailedEntry> List(Repository repository, DetailedQuery query)
    {
        var zone = repository.Settings.Boolean("timeline-utc", otherwise: true) ? "+0 seconds" : "localtime";
        var values = new List<object> { zone };
        using var select = repository.Database.Prepare(SqlOf(query, values));
        for (var i = 0; i < values.Count; i++)
        {
            if (values[i] is string text) select.BindText(i + 1, text);
            else if (values[i] is double number) select.Bind(i + 1, number);
            else select.Bind(i + 1, Convert.ToInt64(values[i], CultureInfo.InvariantCulture));
        }

        while (select.Step())
        {
            yield return new DetailedEntry(
                select.Record(0), select.Artifact(1), select.Text(2) ?? "", select.Text(3) ?? "", select.Int32(4),
                select.Int32(5), select.Text(6), select.Text(7) ?? "", select.Text(8), select.Text(9) ?? "",
                select.Text(10) ?? "", select.Boolean(11));
        }
    }

    /// <summary>Files that a check-in changed.</summary>
    public static IReadOnlyList<(string Change, string Path)> FilesOf(Repository repository, RecordId checkin)
    {
        using var select = repository.Database.Prepare(
            """
            SELECT (pid<=0), (fid==0), (SELECT name FROM filename WHERE fnid=mlink.fnid) FROM mlink
             WHERE mid=?1 AND pid!=fid AND NOT mlink.isaux ORDER BY 3
            """);
        select.Bind(1, checkin);
        var files = new List<(string, string)>();
        while (select.Step())
        {
            files.Add((select.Boolean(0) ? "ADDED" : select.Boolean(1) ? "DELETED" : "EDITED", select.Text(2) ?? ""));
        }

        return files;
    }

    /// <summary>Children on the same branch whose primary parent it is: two or more are a fork.</summary>
    public static int SameBranchChildrenOf(Repository repository, RecordId checkin)
    {
        using var select = repository.Database.Prepare(
            """
            SELECT count(*) FROM plink WHERE pid=?1 AND isprim
               AND coalesce((SELECT value FROM tagxref WHERE tagid=8 AND rid=plink.pid), 'trunk')
                  =coalesce((SELECT value FROM tagxref WHERE tagid=8 AND rid=plink.cid), 'trunk')
            """);
        return select.Bind(1, checkin).Step() ? select.Int32(0) : 0;
    }

    /// <summary>The Julian day of a date as stock reads one, or null.</summary>
    /// <param name="repository">The repository to read.</param>
    /// <param name="text">Any date that SQLite can read.</param>
    /// <param name="isWholeDay">A date without a time means its end.</param>
    public static double? DayOf(Repository repository, string text, bool isWholeDay)
    {
        var zone = repository.Settings.Boolean("timeline-utc", otherwise: true) ? "+0 seconds" : "utc";
        var isDay = isWholeDay && text.Length == 10 && text[4] == '-' && text[7] == '-';
        using var select = repository.Database.Prepare("SELECT julianday(?1,?2,?3)");
        select.BindText(1, text).BindText(2, isDay ? "+1 day" : "+0 days").BindText(3, zone);
        return select.Step() && !select.IsNull(0) ? select.Double(0) : null;
    }

    private static string SqlOf(DetailedQuery query, List<object> values)
    {
        var sql =
            """
            SELECT blob.rid, uuid, datetime(event.mtime,?1),
                   coalesce(ecomment,comment) || ' (user: ' || coalesce(euser,user,'?')
                     || (SELECT case when length(x)>0 then ' tags: ' || x else '' end
                           FROM (SELECT group_concat(substr(tagname,5), ', ') AS x FROM tag, tagxref
                                  WHERE tagname GLOB 'sym-*' AND tag.tagid=tagxref.tagid
                                    AND tagxref.rid=blob.rid AND tagxref.tagtype>0)) || ')',
                   (SELECT count(*) FROM plink WHERE pid=blob.rid AND isprim),
                   (SELECT count(*) FROM plink WHERE cid=blob.rid),
                   tagxref.value AS branch, event.type, coalesce(ecomment,comment), coalesce(euser,user,'?'),
                   (SELECT case when length(x)>0 then x else '' end
                      FROM (SELECT group_concat(substr(tagname,5), ', ') AS x FROM tag, tagxref
                             WHERE tagname GLOB 'sym-*' AND tag.tagid=tagxref.tagid
                               AND tagxref.rid=blob.rid AND tagxref.tagtype>0)),
                   EXISTS(SELECT 1 FROM private WHERE private.rid=blob.rid)
              FROM tag CROSS JOIN event CROSS JOIN blob
                   LEFT JOIN tagxref ON tagxref.tagid=tag.tagid AND tagxref.tagtype>0 AND tagxref.rid=blob.rid
             WHERE blob.rid=event.objid AND tag.tagname='branch'
            """;
        if (query.Until is { } until) sql += $" AND event.mtime<={Add(until)}";
        if (query.From is { } from) sql += $" AND event.mtime>={Add(from)}";
        if (!query.AncestorsOf.IsNone) sql += " AND blob.rid IN (" + Ancestors(query, Add) + ")";
        if (!query.DescendantsOf.IsNone) sql += " AND blob.rid IN (" + Descendants(query, Add) + ")";
        if (query.Type is { } type)
            sql += type.Contains('*', StringComparison.Ordinal)
                ? $" AND event.type GLOB {Add(type)}" : $" AND event.type={Add(type)}";
        if (query.Path is { } path)
            sql += " AND EXISTS(SELECT 1 FROM mlink WHERE mlink.mid=event.objid AND mlink.fnid IN"
                + $" (SELECT fnid FROM filename WHERE name={Add(path)} OR name GLOB {Add(path + "/*")}))";
        if (query.Branch is { } branch) sql += Branch(branch, Add);
        if (query.Tag is { } tag)
            sql += " AND blob.rid IN (SELECT rid FROM tagxref WHERE tagtype>0"
                + $" AND tagid=(SELECT tagid FROM tag WHERE tagname={Add(tag)}))";
        if (query.IsLeaf) sql += Leaves(query);
        if (query.Among is { } among)
            sql += $" AND blob.rid IN ({string.Join(',', among.Select(r => r.Value))})";

        sql += query.IsByBranch
            ? " ORDER BY nullif(branch,'trunk') COLLATE nocase, event.mtime DESC" : " ORDER BY event.mtime DESC";
        return query.Offset > 0 ? sql + $" LIMIT -1 OFFSET {Add((long)query.Offset)}" : sql;

        string Add(object value)
        {
            values.Add(value);
            return "?" + values.Count.ToString(CultureInfo.InvariantCulture);
        }
    }

    private static string Ancestors(DetailedQuery query, Func<object, string> add)
    {
        var rid = add(query.AncestorsOf.Value);
        var limit = add(query.RelativesMax == 0 ? -1L : query.RelativesMax);
        return
            $"""
            WITH RECURSIVE
              parent(pid,cid,isCP) AS (
                SELECT plink.pid, plink.cid, 0 FROM plink
                UNION ALL SELECT parentid, childid, 1 FROM cherrypick WHERE NOT isExclude),
              ancestor(rid, mtime, isCP) AS (
                SELECT {rid}, mtime, 0 FROM event WHERE objid={rid}
                UNION SELECT parent.pid, event.mtime, parent.isCP FROM ancestor, parent, event
                       WHERE parent.cid=ancestor.rid AND event.objid=parent.pid AND NOT ancestor.isCP
                ORDER BY mtime DESC LIMIT {limit})
            SELECT rid FROM ancestor
            """;
    }

    private static string Descendants(DetailedQuery query, Func<object, string> add)
    {
        var rid = add(query.DescendantsOf.Value);
        var limit = add(query.RelativesMax == 0 ? -1L : query.RelativesMax);
        return
            $"""
            WITH RECURSIVE dx(rid,mtime) AS (
              SELECT {rid}, 0 UNION SELECT plink.cid, plink.mtime FROM dx, plink WHERE plink.pid=dx.rid ORDER BY 2)
            SELECT rid FROM dx LIMIT {limit}
            """;
    }

    private static string Branch(string branch, Func<object, string> add)
    {
        var (name, tag) = (add(branch), add("sym-" + branch));
        return
            $"""
             AND blob.rid IN (
               SELECT rid FROM tagxref NATURAL JOIN tag WHERE tagtype>0 AND tagname={tag}
               UNION SELECT srcid FROM tagxref
                      WHERE origid IN (SELECT rid FROM tagxref NATURAL JOIN tag WHERE tagname={tag})
               UNION SELECT objid FROM event WHERE comment LIKE '_branch/' || {name}
               UNION SELECT e.objid FROM event e
                       INNER JOIN blob b ON b.uuid=substr(e.comment, 10) AND e.comment LIKE '_checkin/%'
                       LEFT JOIN tagxref tx ON tx.rid=b.rid AND tx.tagid=8 WHERE tx.value={name})
             AND (tagxref.value IS NULL OR tagxref.value={name})
            """;
    }

    private static string Leaves(DetailedQuery query)
    {
        var sql = query.IsForked
            ? $"""
               AND blob.rid IN (SELECT rid FROM ({OpenLeaves}) AS o
                 WHERE (SELECT value FROM tagxref WHERE tagid=8 AND rid=o.rid) IN (
                   SELECT (SELECT value FROM tagxref WHERE tagid=8 AND rid=p.rid) FROM ({OpenLeaves}) AS p
                    GROUP BY 1 HAVING count(*)>1))
              """
            : " AND blob.rid IN leaf";
        return query.IsClosed is { } closed
            ? sql + (closed ? " AND" : " AND NOT")
                + " EXISTS(SELECT 1 FROM tagxref AS tx WHERE tx.rid=blob.rid AND tx.tagid=9 AND tx.tagtype>0)"
            : sql;
    }
}
