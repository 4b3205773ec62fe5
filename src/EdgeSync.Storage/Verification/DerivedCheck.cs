using EdgeSync.Primitives;
using EdgeSync.Storage.Crosslink.Rebuild;
using EdgeSync.Storage.Pipeline;
using EdgeSync.Storage.Sqlite;

namespace EdgeSync.Storage.Verification;

/// <summary>
/// Derives the tables once more, in a copy of the file, and compares. The present rows are kept in the copy, in tables
/// named <c>fx_…</c>, which a rebuild leaves alone:
/// <code>
/// file ─backup▶ copy: event → fx_was_event ─▶ rebuild ─▶ event EXCEPT fx_was_event, and the other way round
/// </code>
/// </summary>
/// <remarks>
/// Numbers that depend on history are replaced by their meaning (file names, tags), and rows are excluded that may
/// differ without a fault: event.mtime, which is adjusted to keep check-ins of one second in order, and the time at
/// which a cluster was linked. Links from wiki pages depend on the order in which stock received the versions, so that
/// its own rebuild changes them. mlink.pid may be 0 or -1 for a file of a merge (spec §5.1). Times count in
/// milliseconds: stock prints them with 16 digits into some tables, and the last bits are lost. A cherry-pick whose
/// source arrived later has no row until the next rebuild, in stock as here.
/// </remarks>
internal static class DerivedCheck
{
    private const string Hint = "edgesync repo rebuild";

    private static readonly (string Table, string Rows)[] Tables =
    [
        (
            "event", "SELECT type, objid, uid, bgcolor, euser, user, ecomment, comment, brief, round(omtime*86400000) "
                + "FROM event"),
        ("plink", "SELECT pid, cid, isprim, round(mtime*86400000), baseid FROM plink"),
        ("mlink", """
            SELECT mid, fid, pmid, max(pid,0), f.name, p.name, mperm, isaux FROM mlink
            LEFT JOIN filename f ON f.fnid=mlink.fnid LEFT JOIN filename p ON p.fnid=mlink.pfnid
            """),
        ("leaf", "SELECT rid FROM leaf"),
        ("tagxref", """
            SELECT tagname, tagtype, srcid, origid, value, iif(tagid=7,0,round(mtime*86400000)), rid FROM tagxref LEFT JOIN tag USING(tagid)
            """),
        ("cherrypick", "SELECT parentid, childid, isExclude FROM cherrypick"),
        ("backlink", "SELECT target, srctype, srcid FROM backlink WHERE srctype<>2"),
        (
            "attachment",
            "SELECT attachid, isLatest, round(mtime*86400000), src, target, filename, comment, user FROM attachment"),
        ("orphan", "SELECT rid, baseline FROM orphan"),
        ("forumpost", "SELECT fpid, froot, fprev, firt, round(fmtime*86400000) FROM forumpost"),
        ("ticket", "SELECT * FROM ticket"),
        ("ticketchng", "SELECT * FROM ticketchng"),
    ];

    /// <summary>Compares, and passes every blob to <paramref name="look"/> on the way.</summary>
    public static void Run(
        Repository repository, VerifyOptions options, List<VerifyIssue> issues, Action<WalkedBlob> look,
        CancellationToken cancellationToken)
    {
        var folder = Directory.CreateTempSubdirectory("edgesync-verify-");
        try
        {
            var path = Path.Combine(folder.FullName, "copy.fossil");

            // The copy is discarded in any case: no journal, and no waiting for the disk.
            using (var target = Database.Open(path, new DatabaseOptions
            {
                Access = DatabaseAccess.Create,
                Journal = DatabaseJournal.None,
                Durability = Durability.None,
            }))
            {
                repository.Database.BackUpTo(target);
            }

            using var copy = Repository.Open(path, repository.Options with
            {
                Access = DatabaseAccess.Write,
                Journal = DatabaseJournal.None,
                Durability = Durability.None,
                AcceptsAnySchema = true,
            });
            var kept = Keep(copy.Database);
            Rebuilder.Run(
                copy,
                new RebuildOptions
                {
                    WorkersMax = options.WorkersMax,
                    Trial = look,
                    Progress = at => Report(options, at),
                },
                cancellationToken);
            foreach (var (table, rows) in kept) Compare(copy.Database, table, rows, issues);
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    private static void Report(VerifyOptions options, RebuildProgress at)
    {
        var stage = at.Phase == RebuildPhase.Reading ? VerifyStage.Content : VerifyStage.Derived;
        options.Progress?.Invoke(new VerifyProgress(stage, (int)at.Done, (int)at.Total));
    }

    private static List<(string Table, string Rows)> Keep(Database database)
    {
        var kept = new List<(string Table, string Rows)>();
        foreach (var (table, rows) in Tables)
        {
            if (!database.HasTable(table)) continue;

            var select = rows.StartsWith("SELECT *", StringComparison.Ordinal)
                ? SelectWithoutNumbers(database, table)
                : rows;
            database.Execute($"CREATE TABLE fx_was_{table} AS {select}");
            kept.Add((table, select));
        }

        return kept;
    }

    // Tickets have the project's columns; their own numbers follow the order of linking.
    private static string SelectWithoutNumbers(Database database, string table)
    {
        var columns = new List<string>();
        using var select = database.Prepare("SELECT name FROM pragma_table_info(?1) WHERE name<>'tkt_id'");
        select.BindText(1, table);
        while (select.Step())
        {
            var name = select.Text(0)!;
            columns.Add(name is "tkt_mtime" or "tkt_ctime"
                ? $"round({name}*86400000)"
                : $"\"{name.Replace("\"", "\"\"", StringComparison.Ordinal)}\"");
        }

        return $"SELECT {string.Join(',', columns)} FROM {table}";
    }

    private static void Compare(Database database, string table, string rows, List<VerifyIssue> issues)
    {
        // A table that no artifact needs is not created again.
        if (!database.HasTable(table)) rows = $"SELECT * FROM fx_was_{table} WHERE 0";
        if (RowDigest.Of(database, rows) == RowDigest.Of(database, $"SELECT * FROM fx_was_{table}")) return;

        string? lackingRow = null;
        var lacking = table == "cherrypick"
            ? 0
            : Count(database, $"{rows} EXCEPT SELECT * FROM fx_was_{table}", out lackingRow);
        var surplus = Count(database, $"SELECT * FROM fx_was_{table} EXCEPT {rows}", out var surplusRow);
        if (lacking + surplus == 0) return;

        var example = lacking > 0 ? $"lacking: {lackingRow}" : $"too much: {surplusRow}";
        issues.Add(new VerifyIssue(
            VerifyIssueKind.DerivedRowsDiffer, RecordId.None, default,
            $"table {table} differs from the artifacts: {lacking} rows missing, {surplus} extra ({example})",
            Hint));
    }

    private static long Count(Database database, string sql, out string? first)
    {
        first = null;
        var count = 0L;
        using var select = database.PrepareOnce(sql);
        while (select.Step())
        {
            if (count++ == 0)
                first = string.Join(
                    " | ", Enumerable.Range(0, select.ColumnCount).Select(column => Shorten(select.Text(column))));
        }

        return count;
    }

    private static string Shorten(string? text) => text is null ? "NULL" : text.Length <= 40 ? text : text[..40] + "…";
}
