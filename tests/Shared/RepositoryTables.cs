using System.Globalization;
using System.Text;

namespace EdgeSync.Tests.Shared;

/// <summary>
/// A repository's tables in a form that two files can be compared by: record ids are replaced by hashes, file name ids by
/// names, tag ids by tag names, because those numbers differ from clone to clone. Times keep every bit.
/// </summary>
internal sealed class RepositoryTables
{
    private readonly Dictionary<string, string[]> _rows = [];

    /// <summary>Artifacts themselves: what sync must carry.</summary>
    public static readonly IReadOnlyDictionary<string, string> ArtifactQueries = new Dictionary<string, string>
    {
        ["blob"] = "SELECT uuid, size FROM blob WHERE size>=0 AND rid NOT IN (SELECT rid FROM private)",
    };

    /// <summary>Rows that a rebuild re-derives.</summary>
    public static readonly IReadOnlyDictionary<string, string> DerivedQueries = new Dictionary<string, string>
    {
        ["phantom"] = $"SELECT {Hash("rid")} FROM phantom",
        ["filename"] = "SELECT name FROM filename",
        ["mlink"] =
            $"SELECT {Hash("mid")} mid, {Hash("fid")} fid, {Hash("pmid")} pmid, {Hash("pid")} pid, " +
            $"{FileName("fnid")} name, {FileName("pfnid")} oldname, mperm, isaux FROM mlink",
        ["plink"] = $"SELECT {Hash("pid")} pid, {Hash("cid")} cid, isprim, mtime, {Hash("baseid")} baseid FROM plink",
        ["leaf"] = $"SELECT {Hash("rid")} FROM leaf",
        ["event"] =
            $"SELECT type, mtime, {Hash("objid")} objid, {TagName("tagid")} tag, uid, bgcolor, euser, user, ecomment, " +
            "comment, brief, omtime FROM event",
        ["unclustered"] = $"SELECT {Hash("rid")} FROM unclustered",
        ["orphan"] = $"SELECT {Hash("rid")} rid, {Hash("baseline")} baseline FROM orphan",
        ["tag"] = "SELECT tagname FROM tag",
        ["tagxref"] =
            $"SELECT {TagName("tagid")} tag, tagtype, {Hash("srcid")} srcid, {Hash("origid")} origid, value, mtime, " +
            $"{Hash("rid")} rid FROM tagxref",
        ["backlink"] =
            $"SELECT target, srctype, iif(srctype=2, {TagName("srcid")}, {Hash("srcid")}) src, mtime FROM backlink",
        ["attachment"] =
            $"SELECT {Hash("attachid")} attachid, isLatest, mtime, src, target, filename, comment, user FROM attachment",
        ["cherrypick"] = $"SELECT {Hash("parentid")} parentid, {Hash("childid")} childid, isExclude FROM cherrypick",
        ["forumpost"] =
            $"SELECT {Hash("fpid")} fpid, {Hash("froot")} froot, {Hash("fprev")} fprev, {Hash("firt")} firt, fmtime " +
            "FROM forumpost",
        ["ticket"] =
            "SELECT tkt_uuid, tkt_mtime, tkt_ctime, type, status, subsystem, priority, severity, foundin, " +
            "private_contact, resolution, title, comment FROM ticket",
        ["ticketchng"] =
            "SELECT (SELECT tkt_uuid FROM ticket t WHERE t.tkt_id=c.tkt_id) tkt, " +
            $"{Hash("tkt_rid")} tkt_rid, tkt_mtime, tkt_user, login, username, mimetype, icomment FROM ticketchng c",
    };

    /// <summary>Rows that are neither artifacts nor derived: they travel by their own cards, or stay.</summary>
    public static readonly IReadOnlyDictionary<string, string> OtherQueries = new Dictionary<string, string>
    {
        ["private"] = $"SELECT {Hash("rid")} FROM private",
        ["unsent"] = $"SELECT {Hash("rid")} FROM unsent",
        ["shun"] = "SELECT uuid FROM shun",
        ["unversioned"] = "SELECT name, mtime, hash, sz FROM unversioned",
    };

    public IReadOnlyDictionary<string, string[]> Rows => _rows;

    /// <param name="query">Runs one SELECT; values are long, double, string, byte[] or null.</param>
    /// <param name="queries">Which tables; one that the file lacks counts as empty.</param>
    public static RepositoryTables Read(
        Func<string, IEnumerable<object?[]>> query, params ReadOnlySpan<IReadOnlyDictionary<string, string>> queries)
    {
        var existing = query("SELECT name FROM sqlite_schema WHERE type IN ('table','view')")
            .Select(row => (string)row[0]!).ToHashSet(StringComparer.Ordinal);
        var tables = new RepositoryTables();
        foreach (var set in queries)
            foreach (var (table, sql) in set)
                tables._rows[table] = existing.Contains(table) ? [.. query(sql).Select(Format).Order(StringComparer.Ordinal)] : [];
        return tables;
    }

    /// <summary>The differences, at most a few rows of each table, or an empty text. "-" is only here, "+" only there.</summary>
    public string DifferencesFrom(RepositoryTables other, IReadOnlySet<string>? ignoring = null, int rowsMax = 6)
    {
        var report = new StringBuilder();
        foreach (var (table, rows) in _rows)
        {
            if (ignoring?.Contains(table) == true) continue;
            var theirs = other._rows[table];
            var onlyHere = Subtract(rows, theirs);
            var onlyThere = Subtract(theirs, rows);
            if (onlyHere.Count + onlyThere.Count == 0) continue;

            report.Append(CultureInfo.InvariantCulture,
                $"{table}: {rows.Length} and {theirs.Length} rows; only in first {onlyHere.Count}, only in second {onlyThere.Count}\n");
            foreach (var row in onlyHere.Take(rowsMax)) report.Append("  - ").Append(row).Append('\n');
            foreach (var row in onlyThere.Take(rowsMax)) report.Append("  + ").Append(row).Append('\n');
        }

        return report.ToString();
    }

    private static List<string> Subtract(string[] from, string[] what)
    {
        var counts = what.CountBy(row => row, StringComparer.Ordinal).ToDictionary(StringComparer.Ordinal);
        var rest = new List<string>();
        foreach (var row in from)
        {
            if (counts.TryGetValue(row, out var count) && count > 0) counts[row] = count - 1;
            else rest.Add(row);
        }

        return rest;
    }

    private static string Format(object?[] row) => string.Join(" | ", row.Select(value => value switch
    {
        null => "NULL",
        // A column without affinity keeps 5 and 5.0 apart, readers do not.
        double number => number.ToString("R", CultureInfo.InvariantCulture),
        byte[] bytes => "x'" + Convert.ToHexStringLower(bytes) + "'",
        string text => "'" + text.Replace("\n", "\\n", StringComparison.Ordinal) + "'",
        _ => Convert.ToString(value, CultureInfo.InvariantCulture),
    }));

    private static string Hash(string column) =>
        $"iif({column}>0, coalesce((SELECT uuid FROM blob WHERE blob.rid={column}), 'no blob '||{column}), {column})";

    private static string FileName(string column) =>
        $"iif({column}>0, coalesce((SELECT name FROM filename WHERE filename.fnid={column}), 'no name '||{column}), {column})";

    private static string TagName(string column) =>
        $"iif({column}>0, coalesce((SELECT tagname FROM tag WHERE tag.tagid={column}), 'no tag '||{column}), {column})";
}
