using System.Globalization;
using System.Text;

namespace EdgeSync.Tests.Support;

/// <summary>
/// A repository's tables in a form that two files can be compared by: record ids are replaced by hashes, file name ids
/// by names, tag ids by tag names, because those numbers differ from clone to clone. Times are compared to the
/// millisecond.
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
        ["phantom"] = $"SELECT {Hash("t.rid")} FROM phantom t",
        ["filename"] = "SELECT name FROM filename",
        ["mlink"] =
            $"SELECT {Hash("t.mid")} mid, {Hash("t.fid")} fid, {Hash("t.pmid")} pmid, {Hash("t.pid")} pid, " +
            $"{FileName("t.fnid")} name, {FileName("t.pfnid")} oldname, mperm, isaux FROM mlink t",
        ["plink"] =
            $"SELECT {Hash("t.pid")} pid, {Hash("t.cid")} cid, isprim, mtime, {Hash("t.baseid")} baseid FROM plink t",
        ["leaf"] = $"SELECT {Hash("t.rid")} FROM leaf t",
        ["event"] =
            $"SELECT type, mtime, {Hash("t.objid")} objid, {TagName("t.tagid")} tag, uid, bgcolor, euser, user, "
                + $"ecomment, " +
            "comment, brief, omtime FROM event t",
        ["unclustered"] = $"SELECT {Hash("t.rid")} FROM unclustered t",
        ["orphan"] = $"SELECT {Hash("t.rid")} rid, {Hash("t.baseline")} baseline FROM orphan t",
        ["tag"] = "SELECT tagname FROM tag",
        ["tagxref"] =
            $"SELECT {TagName("t.tagid")} tag, tagtype, {Hash("t.srcid")} srcid, {Hash("t.origid")} origid, value, " +
            // A cluster has no date; its tag bears the moment of the linking.
            "iif(tagid=7, 'now', mtime) mtime, " +
            $"{Hash("t.rid")} rid FROM tagxref t",
        ["backlink"] =
            $"SELECT target, srctype, iif(srctype=2, {TagName("t.srcid")}, {Hash("t.srcid")}) src, mtime FROM "
                + $"backlink t",
        ["attachment"] =
            $"SELECT {Hash("t.attachid")} attachid, isLatest, mtime, src, target, filename, comment, user FROM "
                + $"attachment t",
        ["cherrypick"] =
            $"SELECT {Hash("t.parentid")} parentid, {Hash("t.childid")} childid, isExclude FROM cherrypick t",
        ["forumpost"] =
            $"SELECT {Hash("t.fpid")} fpid, {Hash("t.froot")} froot, {Hash("t.fprev")} fprev, {Hash("t.firt")} firt, "
                + $"fmtime " +
            "FROM forumpost t",
        ["ticket"] =
            "SELECT tkt_uuid, tkt_mtime, tkt_ctime, type, status, subsystem, priority, severity, foundin, " +
            "private_contact, resolution, title, comment FROM ticket",
        ["ticketchng"] =
            "SELECT (SELECT tkt_uuid FROM ticket WHERE ticket.tkt_id=t.tkt_id) tkt, " +
            $"{Hash("t.tkt_rid")} tkt_rid, tkt_mtime, tkt_user, login, username, mimetype, icomment FROM ticketchng t",
    };

    /// <summary>Rows that are neither artifacts nor derived: they travel by their own cards, or stay.</summary>
    public static readonly IReadOnlyDictionary<string, string> OtherQueries = new Dictionary<string, string>
    {
        ["private"] = $"SELECT {Hash("t.rid")} FROM private t",
        ["unsent"] = $"SELECT {Hash("t.rid")} FROM unsent t",
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
                tables._rows[table] = existing.Contains(table)
                ? [.. query(sql).Select(Format).Order(StringComparer.Ordinal)]
                : [];
        return tables;
    }

    /// <summary>Leaves rows out of the comparison.</summary>
    public void Leave(string table, Predicate<string> isLeftOut) =>
        _rows[table] = Array.FindAll(_rows[table], row => !isLeftOut(row));

    /// <summary>
    /// The differences, at most a few rows of each table, or an empty text. "-" is only here, "+" only there.
    /// </summary>
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
                $"{table}: {rows.Length} and {theirs.Length} rows; only in first {onlyHere.Count}, only in second "
                    + $"{onlyThere.Count}\n");
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
        // Artifacts count milliseconds; stock prints a day number with 16 digits on its way into some tables, and bits
        // get lost.
        double day and > 1e6 and < 6e6 => (day * 86_400_000).ToString("0 'ms'", CultureInfo.InvariantCulture),
        double number => number.ToString("R", CultureInfo.InvariantCulture),
        byte[] bytes => "x'" + Convert.ToHexStringLower(bytes) + "'",
        string text => "'" + text.Replace("\n", "\\n", StringComparison.Ordinal) + "'",
        _ => Convert.ToString(value, CultureInfo.InvariantCulture),
    }));

    private static string Hash(string column) =>
        $"iif({column}>0, coalesce((SELECT uuid FROM blob WHERE blob.rid={column}), 'no blob '||{column}), {column})";

    private static string FileName(string column) =>
        $"iif({column}>0, coalesce((SELECT name FROM filename WHERE filename.fnid={column}), 'no name '||{column}), "
            + $"{column})";

    private static string TagName(string column) =>
        $"iif({column}>0, coalesce((SELECT tagname FROM tag WHERE tag.tagid={column}), 'no tag '||{column}), {column})";
}
