namespace EdgeSync.Storage.Sqlite;

/// <summary>
/// Removes the statistics of SQLite's query planner about tables that were nearly empty then (table
/// <c>sqlite_stat1</c>, SQLite file format §2.6.3).
/// </summary>
/// <remarks>
/// Fossil 2.28 runs <c>PRAGMA optimize</c> when it closes a repository, also a new one: then <c>blob</c> is on record
/// with one row, and the planner reads the whole table in each join on a name or a record id, however large the table
/// becomes before the next <c>PRAGMA optimize</c>. A push of a whole history took minutes that way. Without a row in
/// <c>sqlite_stat1</c> the planner assumes a large table and takes the index, which costs nothing in a small one.
/// </remarks>
internal static class PlannerStatistics
{
    // The first number of a row is how many rows the table had. 100 are enough for the planner to take the index.
    private const string IsSmall =
        "tbl IN ('attachment','backlink','blob','cherrypick','delta','event','filename','leaf','mlink',"
        + "'orphan','phantom',"
        + "'plink','private','rcvfrom','tag','tagxref','unclustered','unsent','unversioned') AND CAST(stat AS "
            + "INTEGER)<100";

    /// <summary>
    /// Deletes the statistics of content tables with fewer than 100 rows. Call it in a write transaction; it is part of
    /// it. Other connections apply the change with their next statement, because the schema counts as changed.
    /// </summary>
    internal static void ForgetSmallTables(Database database)
    {
        if (!database.HasTable("sqlite_stat1")) return;

        if (database.QueryInt64("SELECT EXISTS(SELECT 1 FROM sqlite_stat1 WHERE " + IsSmall + ")") == 0) return;

        database.Execute("DELETE FROM sqlite_stat1 WHERE " + IsSmall);
        if (database.HasTable("sqlite_stat4"))
        {
            database.Execute("DELETE FROM sqlite_stat4 WHERE tbl NOT IN (SELECT tbl FROM sqlite_stat1)");
        }

        // Creating and dropping a table changes the schema cookie, by which other connections read the statistics
        // again; this one does on ANALYZE of the schema.
        database.Execute(
            "CREATE TABLE edgesync_schema_change(x); DROP TABLE edgesync_schema_change; ANALYZE sqlite_schema");
    }
}
