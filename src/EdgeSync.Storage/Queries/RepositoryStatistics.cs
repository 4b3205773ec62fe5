using System.Globalization;
using EdgeSync.Storage.Sqlite;

namespace EdgeSync.Storage.Queries;

/// <summary>The lines of <c>dbstat</c>, by label.</summary>
// Spec: dbstat_cmd in stat.c.
public static class RepositoryStatistics
{
    /// <summary>Labels and texts, in stock's order.</summary>
    /// <param name="repository">The repository to read.</param>
    /// <param name="isBrief">Only size, age and schema.</param>
    public static IReadOnlyList<(string Label, string Text)> Of(Repository repository, bool isBrief)
    {
        var lines = new List<(string, string)>();
        var database = repository.Database;
        var size = new FileInfo(repository.Path).Length;
        if ((repository.Settings["project-name"] ?? repository.Settings["short-project-name"]) is { } name)
            lines.Add(("project-name:", name));
        lines.Add(("repository-size:", Grouped(size) + " bytes"));
        if (!isBrief) AddContents(database, size, lines);
        var age = (long)(database.QueryDouble(
            "SELECT julianday('now') - (SELECT min(mtime) FROM event) + 0.99") ?? 0);
        lines.Add((
            "project-age:",
            string.Create(
                CultureInfo.InvariantCulture, $"{Grouped(age)} days or approximately {age / 365.2425:F2} years.")));
        if (!isBrief && repository.Settings["project-code"] is { } code) lines.Add(("project-id:", code));
        lines.Add(("schema-version:", repository.Settings["aux-schema"] ?? ""));
        return lines;
    }

    /// <summary>Pages of the file, and how it is kept.</summary>
    public static string Pages(Repository repository)
    {
        var database = repository.Database;
        return $"{Grouped(database.QueryInt64("PRAGMA page_count"))} pages, {database.QueryInt64("PRAGMA page_size")}"
            + $" bytes/pg, {Grouped(database.QueryInt64("PRAGMA freelist_count"))} free pages, "
            + $"{database.QueryText("PRAGMA encoding")}, {database.QueryText("PRAGMA journal_mode")} mode";
    }

    /// <summary>SQLite's own check of the file: <c>ok</c>, or the first fault.</summary>
    public static string QuickCheck(Repository repository) =>
        repository.Database.QueryText("PRAGMA quick_check(1)") ?? "";

    private static void AddContents(Database database, long fileBytes, List<(string, string)> lines)
    {
        var (all, deltas) = (
            Count("SELECT count(*) FROM blob WHERE content IS NOT NULL"), Count("SELECT count(*) FROM delta"));
        lines.Add((
            "artifact-count:",
            $"{Grouped(all)} (stored as {Grouped(all - deltas)} full text and {Grouped(deltas)} deltas)"));
        if (all > 0)
        {
            using var sizes = database.Prepare("SELECT total(size), avg(size), max(size) FROM blob WHERE size>0");
            sizes.Step();
            var total = sizes.Int64(0);
            lines.Add((
                "artifact-sizes:",
                $"{Grouped((long)sizes.Double(1))} average, {Grouped(sizes.Int64(2))} max, {Grouped(total)} total"));
            var (part, unit) = total / fileBytes < 5 ? (fileBytes / 10, 10) : (fileBytes, 1);
            lines.Add(("compression-ratio:", $"{total / part}:{unit}"));
        }

        lines.Add(("check-ins:", Grouped(Count("SELECT count(*) FROM event WHERE type='ci'"))));
        lines.Add(("files:", Grouped(Count("SELECT count(*) FROM filename")) + " across all branches"));
        var pages = Count(
            """
            SELECT count(*) FROM (SELECT DISTINCT substr(tagname,6) FROM tag JOIN tagxref USING(tagid)
             WHERE tagname GLOB 'wiki-*' AND typeof(tagxref.value+0)='integer')
            """);
        lines.Add(("wiki-pages:", Changed(pages, "SELECT count(*) FROM event WHERE type='w'")));
        lines.Add((
            "tickets:",
            Changed(
                Count("SELECT count(*) FROM tag WHERE tagname GLOB 'tkt-*'"),
                "SELECT count(*) FROM event WHERE type='t'")));
        lines.Add(("events:", Grouped(Count("SELECT count(*) FROM event WHERE type='e'"))));
        if (database.HasTable("forumpost") && Count("SELECT count(*) FROM forumpost") is var posts and > 0)
        {
            var threads = Count("SELECT count(*) FROM forumpost WHERE froot=fpid");
            lines.Add(("forum-posts:", $"{Grouped(posts)} (on {Grouped(threads)} threads)"));
        }

        lines.Add(("tag-changes:", Grouped(Count("SELECT count(*) FROM event WHERE type='g'"))));
        lines.Add((
            "latest-change:",
            database.QueryText(
                """
                SELECT datetime(mtime)||' - about '||CAST(julianday('now')-mtime AS INTEGER)||' days ago' FROM event
                 ORDER BY mtime DESC LIMIT 1
                """) ?? ""));

        long Count(string sql) => database.QueryInt64(sql);

        string Changed(long count, string changes) => $"{Grouped(count)} ({Grouped(Count(changes))} changes)";
    }

    private static string Grouped(long number) => number.ToString("N0", CultureInfo.InvariantCulture);
}
