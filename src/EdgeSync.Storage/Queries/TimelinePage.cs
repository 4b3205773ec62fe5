using System.Globalization;
using EdgeSync.Primitives;
using EdgeSync.Storage.Names;

namespace EdgeSync.Storage.Queries;

/// <summary>What to list.</summary>
public sealed record TimelineQuery
{
    public EventType Type { get; init; } = EventType.Any;

    /// <summary>Only what carries this branch or tag.</summary>
    public string? Branch { get; init; }

    /// <summary>Only what is not newer.</summary>
    public Instant? Before { get; init; }

    /// <summary>Only what is not older.</summary>
    public Instant? After { get; init; }

    /// <summary>Entries of one page.</summary>
    public int PageSize { get; init; } = 20;

    /// <summary>Where the page before ended; null for the first.</summary>
    public string? Cursor { get; init; }
}

/// <summary>One page, newest first, and where the next one begins.</summary>
/// <param name="Next">The cursor of the next page; null when this is the last.</param>
public sealed record TimelinePage(IReadOnlyList<TimelineEntry> Entries, string? Next)
{
    private const int PageSizeMax = 10_000;

    /// <summary>
    /// Reads one page. The cursor names the last entry by time and record, so entries that arrive meanwhile neither
    /// repeat nor hide others.
    /// </summary>
    /// <exception cref="EdgeSyncException">The cursor is not valid.</exception>
    public static TimelinePage Read(Repository repository, TimelineQuery query)
    {
        var size = Math.Clamp(query.PageSize, 1, PageSizeMax);
        var (cursorTime, cursorRecord) = ParseCursor(query.Cursor);
        using var select = repository.Database.Prepare(
            """
            SELECT blob.uuid, event.type, event.mtime, coalesce(event.euser,event.user,'?'),
                   coalesce(event.ecomment,event.comment,''),
                   (SELECT value FROM tagxref WHERE tagid=8 AND tagtype>0 AND rid=event.objid), event.objid
              FROM event CROSS JOIN blob ON blob.rid=event.objid
             WHERE event.type GLOB ?1
               AND event.mtime<=?2 AND event.mtime>=?3
               AND (event.mtime, event.objid)<(?4, ?5)
               AND (?6 IS NULL OR EXISTS(
                     SELECT 1 FROM tagxref JOIN tag USING(tagid)
                      WHERE tagxref.rid=event.objid AND tagtype>0 AND tagname='sym-'||?6))
             ORDER BY event.mtime DESC, event.objid DESC
             LIMIT ?7
            """);
        select.BindText(1, query.Type.Letters())
            .Bind(2, Math.Min(query.Before?.JulianDay ?? double.MaxValue, cursorTime))
            .Bind(3, query.After?.JulianDay ?? 0)
            .Bind(4, cursorTime).Bind(5, cursorRecord)
            .BindText(6, query.Branch)
            .Bind(7, size + 1);

        var entries = new List<TimelineEntry>(size);
        var last = "";
        while (select.Step())
        {
            if (entries.Count == size) return new TimelinePage(entries, last);

            entries.Add(new TimelineEntry(
                select.Artifact(0), select.Text(1) ?? "", Instant.FromJulianDay(select.Double(2)), select.Text(3)
                ?? "?",
                select.Text(4) ?? "", select.Text(5)));
            last = string.Create(CultureInfo.InvariantCulture, $"{select.Double(2):R}_{select.Int64(6)}");
        }

        return new TimelinePage(entries, null);
    }

    private static (double Time, long Record) ParseCursor(string? cursor)
    {
        if (cursor is null) return (double.MaxValue, long.MaxValue);

        var cut = cursor.IndexOf('_', StringComparison.Ordinal);
        if (cut > 0
            && double.TryParse(cursor.AsSpan(0, cut), NumberStyles.Float, CultureInfo.InvariantCulture, out var time)
            && long.TryParse(cursor.AsSpan(cut + 1), NumberStyles.None, CultureInfo.InvariantCulture, out var record))
        {
            return (time, record);
        }

        throw new EdgeSyncException(
            ErrorKind.Usage, $"'{cursor}' is not a cursor of a timeline", "use the one that the page before gave");
    }
}
