using EdgeSync.Primitives;

namespace EdgeSync.Storage.Queries;

/// <summary>A row of the timeline that was added after some point.</summary>
public readonly record struct Arrival(RecordId Rid, ArtifactId Id, bool IsCheckin);

/// <summary>New artifacts of a repository, and its state: the contents of announcements.</summary>
/// <param name="Items">Ascending by rid; private artifacts are never among them.</param>
/// <param name="Checkins">Check-ins of the timeline.</param>
/// <param name="FirstPhantom">The smallest rid of a phantom; none if there is none.</param>
/// <param name="Head">The newest check-in; empty if there is none.</param>
/// <param name="Files">New artifacts without a place in the timeline; one more than the limit: there are more.</param>
public sealed record Arrivals(
    IReadOnlyList<Arrival> Items, IReadOnlyList<ArtifactId> Files, RecordId MaxRid, RecordId FirstPhantom,
    long Checkins, ArtifactId Head)
{
    /// <param name="after">Items are those above it.</param>
    /// <param name="itemsMax">Of more, those with the greatest rids.</param>
    /// <param name="count">Kept from one call to the next.</param>
    public static Arrivals Read(Repository repository, RecordId after, int itemsMax, int filesMax, CheckinCount count)
    {
        var database = repository.Database;
        using var snapshot = database.BeginRead();
        var items = new List<Arrival>();
        using (var select = database.Prepare(
            """
            SELECT event.objid, blob.uuid, event.type='ci' FROM event JOIN blob ON blob.rid=event.objid
             WHERE event.objid>?1 AND blob.size>=0 AND event.objid NOT IN (SELECT rid FROM private)
             ORDER BY event.objid DESC LIMIT ?2
            """))
        {
            select.Bind(1, after.Value).Bind(2, itemsMax);
            while (select.Step())
            {
                if (ArtifactId.TryParse(select.Bytes(1), out var id))
                    items.Add(new Arrival(new RecordId(select.Int64(0)), id, select.Boolean(2)));
            }
        }

        items.Reverse();
        var files = new List<ArtifactId>();
        if (items.Count > 0 && !after.IsNone)
        {
            using var select = database.Prepare(
                """
                SELECT uuid FROM blob
                 WHERE rid>?1 AND size>=0 AND rid NOT IN (SELECT rid FROM private) AND rid NOT IN (SELECT objid FROM event WHERE objid>?1)
                 LIMIT ?2
                """);
            select.Bind(1, after.Value).Bind(2, filesMax + 1);
            while (select.Step())
                if (ArtifactId.TryParse(select.Bytes(0), out var id))
                    files.Add(id);
        }

        using var head = database.Prepare(
            "SELECT blob.uuid FROM event JOIN blob ON blob.rid=event.objid WHERE event.type='ci' ORDER BY event.mtime "
                + "DESC LIMIT 1");
        var tip = head.Step() && ArtifactId.TryParse(head.Bytes(0), out var newest) ? newest : default;
        var maxRid = new RecordId(database.QueryInt64("SELECT coalesce(max(rid),0) FROM blob"));
        var firstPhantom = new RecordId(database.QueryInt64("SELECT coalesce(min(rid),0) FROM phantom"));
        var checkins = count.Read(database, repository.Now, hasPhantoms: !firstPhantom.IsNone);
        return new Arrivals(items, files, maxRid, firstPhantom, checkins, tip);
    }

    /// <summary>True if the artifact's content is stored.</summary>
    public static bool Holds(Repository repository, ArtifactId id)
    {
        using var select = repository.Database.Prepare("SELECT 1 FROM blob WHERE uuid=?1 AND size>=0");
        return select.Bind(1, id).Step();
    }
}
