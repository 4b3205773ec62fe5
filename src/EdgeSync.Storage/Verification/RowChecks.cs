using EdgeSync.Primitives;
using EdgeSync.Storage.Content;
using EdgeSync.Storage.Sqlite;

namespace EdgeSync.Storage.Verification;

/// <summary>Checks of the rows without reading content: rows of missing records, lists that disagree.</summary>
internal static class RowChecks
{
    private const string RepairHint = "edgesync repo verify --repair";
    private const string RebuildHint = "edgesync repo rebuild";

    /// <summary>Rows that mark artifacts: one issue a record. Columns: record.</summary>
    internal static IReadOnlyList<(VerifyIssueKind Kind, string Sql, string Text)> MarkChecks { get; } =
    [
        (VerifyIssueKind.OrphanRows, "SELECT rid FROM delta WHERE rid NOT IN (SELECT rid FROM blob)",
            "the delta table names a record that does not exist"),
        (VerifyIssueKind.OrphanRows, "SELECT rid FROM delta WHERE rid IN (SELECT rid FROM blob WHERE size<0)",
            "the delta table gives a source for content that was never received"),
        (VerifyIssueKind.OrphanRows, "SELECT rid FROM private WHERE rid NOT IN (SELECT rid FROM blob)",
            "the list of private artifacts names a record that does not exist"),
        (VerifyIssueKind.OrphanRows, "SELECT rid FROM unclustered WHERE rid NOT IN (SELECT rid FROM blob)",
            "the list of unclustered artifacts names a record that does not exist"),
        (VerifyIssueKind.OrphanRows, "SELECT rid FROM unsent WHERE rid NOT IN (SELECT rid FROM blob)",
            "the list of unsent artifacts names a record that does not exist"),
        (
            VerifyIssueKind.PhantomListWrong,
            "SELECT rid FROM phantom WHERE rid NOT IN (SELECT rid FROM blob WHERE size<0)",
            "the list of phantoms names a record that is not one"),
        (VerifyIssueKind.PhantomListWrong, "SELECT rid FROM blob WHERE size<0 AND rid NOT IN (SELECT rid FROM phantom)",
            "it is a phantom, but not on the list of phantoms, so that no sync requests it"),
    ];

    /// <summary>Derived rows: one issue a check, with their number. Columns: count, first record.</summary>
    private static readonly (string Sql, string Text)[] DerivedChecks =
    [
        (
            "SELECT count(*), min(objid) FROM event WHERE objid NOT IN (SELECT rid FROM blob)",
            "timeline entries of records"),
        ("SELECT count(*), min(rid) FROM leaf WHERE rid NOT IN (SELECT rid FROM blob)", "leaves"),
        (
            "SELECT count(*), min(cid) FROM plink WHERE cid NOT IN (SELECT rid FROM blob) OR pid NOT IN (SELECT rid "
                + "FROM blob)",
            "ancestry links of records"),
        ("SELECT count(*), min(mid) FROM mlink WHERE mid NOT IN (SELECT rid FROM blob)", "file changes of records"),
        (
            "SELECT count(*), min(fid) FROM mlink WHERE fid>0 AND fid NOT IN (SELECT rid FROM blob)",
            "file changes to records"),
        (
            "SELECT count(*), min(pid) FROM mlink WHERE pid>0 AND pid NOT IN (SELECT rid FROM blob)",
            "file changes from records"),
        (
            "SELECT count(*), min(mid) FROM mlink WHERE fnid NOT IN (SELECT fnid FROM filename)",
            "file changes under names"),
        ("SELECT count(*), min(rid) FROM tagxref WHERE rid NOT IN (SELECT rid FROM blob)", "tags on records"),
        (
            "SELECT count(*), min(srcid) FROM tagxref WHERE srcid>0 AND srcid NOT IN (SELECT rid FROM blob)",
            "tags made by records"),
        ("SELECT count(*), min(rid) FROM tagxref WHERE tagid NOT IN (SELECT tagid FROM tag)", "tags of kinds"),
        (
            "SELECT count(*), min(attachid) FROM attachment WHERE attachid NOT IN (SELECT rid FROM blob)",
            "attachments by records"),
        (
            "SELECT count(*), min(rid) FROM orphan WHERE rid NOT IN (SELECT rid FROM blob)",
            "waiting manifests of records"),
    ];

    public static void Run(Database database, List<VerifyIssue> issues)
    {
        foreach (var (kind, sql, text) in MarkChecks) AddMarks(database, issues, kind, sql, text);
        foreach (var (sql, text) in DerivedChecks) AddDerived(database, issues, sql, text);
        AddPhantoms(database, issues);
        AddMarks(
            database, issues, VerifyIssueKind.Shunned,
            "SELECT rid FROM blob WHERE size>=0 AND uuid IN (SELECT uuid FROM shun)",
            "it is shunned, and still here", "edgesync repo purge");
    }

    /// <summary>
    /// SQLite's check of the whole file: structure, indexes, constraints. Returns its messages, none if it is intact.
    /// </summary>
    public static List<string> CheckDatabase(Database database)
    {
        var complaints = new List<string>();
        try
        {
            using var check = database.Prepare("PRAGMA integrity_check(1000)");
            while (check.Step())
            {
                var line = check.Text(0);
                if (line is not (null or "ok")) complaints.Add(line);
            }
        }
        catch (SqliteException e) when (e.Kind == ErrorKind.Corrupt)
        {
            complaints.Add(e.Message);
        }

        return complaints;
    }

    private static void AddMarks(
        Database database, List<VerifyIssue> issues, VerifyIssueKind kind, string sql, string text,
        string hint = RepairHint)
    {
        var rids = new List<RecordId>();
        using (var select = database.Prepare(sql))
        {
            while (select.Step()) rids.Add(select.Record(0));
        }

        foreach (var rid in rids) issues.Add(new VerifyIssue(kind, rid, NameOf(database, rid), text, hint));
    }

    private static void AddDerived(Database database, List<VerifyIssue> issues, string sql, string text)
    {
        using var select = database.Prepare(sql);
        if (!select.Step() || select.Int64(0) == 0) return;

        issues.Add(new VerifyIssue(
            VerifyIssueKind.OrphanRows, select.Record(1), default,
            $"{select.Int64(0)} {text} that do not exist", RebuildHint));
    }

    private static void AddPhantoms(Database database, List<VerifyIssue> issues)
    {
        // A delta of a missing source is kept aside (WaitingDeltas), under a phantom's name.
        using var select = database.Prepare(
            "SELECT b.rid, b.uuid, (SELECT count(*) FROM mlink WHERE fid=b.rid), "
            + (WaitingDeltas.IsPresent(database)
                ? "(SELECT uuid FROM fx_waiting w JOIN blob AS source ON source.rid=w.srcid WHERE w.rid=b.rid)"
                : "NULL")
            + " FROM blob b WHERE b.size<0 ORDER BY b.rid");
        while (select.Step())
        {
            var uses = select.Int64(2);
            var source = select.Text(3);
            var text = source is null
                ? "it was never received"
                : $"it came as a delta and waits for {source}, which was never received";
            if (uses > 0) text += $"; {uses} file changes need it";
            issues.Add(new VerifyIssue(
                source is null
                ? VerifyIssueKind.Phantom
                : VerifyIssueKind.WaitsForPhantom, select.Record(0), select.Artifact(1), text,
                "edgesync repo pull, if the peer has it"));
        }
    }

    private static ArtifactId NameOf(Database database, RecordId rid)
    {
        using var select = database.Prepare("SELECT uuid FROM blob WHERE rid=?1");
        return select.Bind(1, rid).Step() ? select.Artifact(0) : default;
    }
}
