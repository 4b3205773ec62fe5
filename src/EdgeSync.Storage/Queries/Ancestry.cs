using EdgeSync.Primitives;

namespace EdgeSync.Storage.Queries;

/// <summary>How check-ins descend from each other.</summary>
public static class Ancestry
{
    /// <summary>The check-in that it was made from; none for the first one.</summary>
    public static RecordId PrimaryParentOf(Repository repository, RecordId checkin)
    {
        using var select = repository.Database.Prepare("SELECT pid FROM plink WHERE cid=?1 AND isprim");
        return select.Bind(1, checkin).Step() ? select.Record(0) : RecordId.None;
    }

    /// <summary>When an artifact of the timeline was made.</summary>
    public static Instant DateOf(Repository repository, RecordId rid)
    {
        using var select = repository.Database.Prepare("SELECT mtime FROM event WHERE objid=?1");
        return select.Bind(1, rid).Step() ? Instant.FromJulianDay(select.Double(0)) : default;
    }
}
