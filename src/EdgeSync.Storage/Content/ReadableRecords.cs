using EdgeSync.Primitives;
using EdgeSync.Storage.Sqlite;

namespace EdgeSync.Storage.Content;

/// <summary>
/// Which records can be read: those whose chain of deltas ends in a stored text. Caches those that cannot, since a
/// round of deltas checks the same missing source again and again; recently read ones are in the content cache anyway.
/// </summary>
internal sealed class ReadableRecords(Database database, BlobRows rows, ContentCache cache, ContentExpander expander)
{
    private readonly HashSet<RecordId> _unreadable = [];

    public bool Contains(RecordId rid)
    {
        var steps = 0L;
        for (var at = rid; ; at = expander.SourceOf(at))
        {
            if (at.IsNone || cache.Contains(at)) return true;
            if (_unreadable.Contains(at) || rows.SizeOf(at) < 0) break;

            // A cycle that another program left in the file.
            if (++steps % 4096 == 0 && steps > database.QueryInt64("SELECT count(*) FROM delta")) break;
        }

        _unreadable.Add(rid);
        return false;
    }

    public void Exclude(RecordId rid) => _unreadable.Add(rid);

    public void Include(RecordId rid) => _unreadable.Remove(rid);

    /// <summary>A text was stored without checking what waited for it.</summary>
    public void Forget() => _unreadable.Clear();
}
