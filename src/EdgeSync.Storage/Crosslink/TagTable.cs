using System.Text;
using EdgeSync.Fossil.Artifacts;
using EdgeSync.Primitives;

namespace EdgeSync.Storage.Crosslink;

/// <summary>Tags with a fixed number in every repository.</summary>
internal enum WellKnownTag
{
    BackgroundColor = 1,
    Comment = 2,
    User = 3,
    Date = 4,
    Hidden = 5,
    Private = 6,
    Cluster = 7,
    Branch = 8,
    Closed = 9,
    Parent = 10,
    Note = 11,
}

/// <summary>
/// The tag and tagxref tables. The newest change of a tag on a check-in wins, in whatever order they arrive; a
/// propagating tag is inherited along primary parents up to a newer change.
/// </summary>
/// <remarks>Spec: tag.c; specs §5.2.</remarks>
internal sealed class TagTable(LinkContext context, LeafTable leaves, BacklinkTable backlinks)
{
    private readonly Dictionary<string, long> _ids = new(StringComparer.Ordinal);
    private readonly List<Spread> _spreads = [];
    private readonly Stack<long> _queue = [];
    private readonly List<long> _children = [];

    private readonly record struct Spread(long Tag, int Type, double JulianDay, byte[]? Value, long Origin);

    /// <summary>Called for check-ins whose parents a <c>parent</c> tag replaces.</summary>
    public Action<RecordId, byte[]?>? Reparent { get; set; }

    /// <summary>Drops cached tag numbers, which another process may have changed.</summary>
    public void ForgetIds() => _ids.Clear();

    public long IdOf(ReadOnlySpan<byte> name) => IdOf(Encoding.Latin1.GetString(name), name);

    public long Find(ReadOnlySpan<byte> name)
    {
        using var find = context.Database.Prepare("SELECT tagid FROM tag WHERE tagname=?1");
        return find.BindText(1, name).Step() ? find.Int64(0) : 0;
    }

    public long Insert(
        ReadOnlySpan<byte> name, TagAction action, byte[]? value, RecordId source, double julianDay, RecordId target)
    {
        var tag = IdOf(name);
        if (HasNewer(tag, target, julianDay)) return tag;

        using (var insert = context.Database.Prepare(
            "REPLACE INTO tagxref(tagid,tagtype,srcid,origid,value,mtime,rid) VALUES(?1,?2,?3,?4,?5,?6,?4)"))
        {
            insert.Bind(1, tag).Bind(2, (long)action).Bind(3, source).Bind(4, target).Bind(6, julianDay);
            BindValue(insert, 5, value);
            insert.Run();
        }

        if (tag == (long)WellKnownTag.Branch) leaves.CheckLater(target);
        ApplyToEvent((WellKnownTag)tag, action == TagAction.Cancel ? null : value, value, julianDay, target);
        if (tag == (long)WellKnownTag.Parent && action == TagAction.Single) Reparent?.Invoke(target, value);
        Propagate(target, new Spread(tag, action == TagAction.Propagating ? 2 : 0, julianDay, value, target.Value));
        return tag;
    }

    /// <summary>Spreads every tag of a check-in to its primary children, new ones among them.</summary>
    public void PropagateAll(RecordId parent)
    {
        _spreads.Clear();
        using (var query = context.Database.Prepare(
            "SELECT tagid,tagtype,mtime,value,origid FROM tagxref WHERE rid=?1"))
        {
            query.Bind(1, parent);
            while (query.Step())
            {
                var type = query.Int32(1) == 2 ? 2 : 0;
                var value = query.IsNull(3) ? null : query.Bytes(3).ToArray();
                _spreads.Add(new Spread(query.Int64(0), type, query.Double(2), value, query.Int64(4)));
            }
        }

        foreach (var spread in _spreads) Propagate(parent, spread);
    }

    private long IdOf(string key, ReadOnlySpan<byte> name)
    {
        if (_ids.TryGetValue(key, out var id)) return id;

        id = Find(name);
        if (id == 0)
        {
            using var insert = context.Database.Prepare("INSERT INTO tag(tagname) VALUES(?1)");
            insert.BindText(1, name).Run();
            id = context.Database.LastInsertRowId;
        }

        _ids.Add(key, id);
        return id;
    }

    private bool HasNewer(long tag, RecordId target, double julianDay)
    {
        using var query = context.Database.Prepare("SELECT 1 FROM tagxref WHERE tagid=?1 AND rid=?2 AND mtime>=?3");
        return query.Bind(1, tag).Bind(2, target).Bind(3, julianDay).Step();
    }

    private void ApplyToEvent(WellKnownTag tag, byte[]? effective, byte[]? value, double julianDay, RecordId target)
    {
        switch (tag)
        {
            case WellKnownTag.BackgroundColor:
                UpdateEvent("UPDATE event SET bgcolor=?1 WHERE objid=?2", effective, target);
                break;
            case WellKnownTag.Comment:
                UpdateEvent("UPDATE event SET ecomment=?1 WHERE objid=?2", effective, target);
                backlinks.Replace(effective ?? [], LinkMarkup.Wiki, BacklinkSource.Comment, target.Value, julianDay);
                break;
            case WellKnownTag.User:
                UpdateEvent("UPDATE event SET euser=?1 WHERE objid=?2", effective, target);
                break;
            case WellKnownTag.Date:
                UpdateEvent(
                    "UPDATE event SET mtime=julianday(?1), omtime=coalesce(omtime,mtime) WHERE objid=?2", effective,
                    target);
                break;
            case WellKnownTag.Private:
                context.Store.MakePrivate(target);
                break;
        }
    }

    private void UpdateEvent(string sql, byte[]? value, RecordId target)
    {
        using var update = context.Database.Prepare(sql);
        BindValue(update, 1, value);
        update.Bind(2, target).Run();
    }

    // Primary links form a tree, so the order in which children are visited changes nothing.
    private void Propagate(RecordId from, Spread spread)
    {
        _queue.Clear();
        _queue.Push(from.Value);
        while (_queue.TryPop(out var parent))
        {
            FindChildren(parent, spread);
            foreach (var child in _children)
            {
                _queue.Push(child);
                Mark(new RecordId(child), spread);
            }
        }
    }

    private void FindChildren(long parent, Spread spread)
    {
        _children.Clear();
        using var query = context.Database.Prepare(
            """
            SELECT cid, coalesce(srcid=0 AND tagxref.mtime<?1, ?2)
            FROM plink LEFT JOIN tagxref ON cid=rid AND tagid=?3
            WHERE pid=?4 AND isprim
            """);
        query.Bind(1, spread.JulianDay).Bind(2, spread.Type == 2 ? 1L : 0L).Bind(3, spread.Tag).Bind(4, parent);
        while (query.Step())
            if (query.Boolean(1)) _children.Add(query.Int64(0));
    }

    private void Mark(RecordId child, Spread spread)
    {
        var spreads = spread.Type == 2;
        if (spreads)
        {
            using var insert = context.Database.Prepare(
                "REPLACE INTO tagxref(tagid,tagtype,srcid,origid,value,mtime,rid) VALUES(?1,2,0,?2,?3,?4,?5)");
            insert.Bind(1, spread.Tag).Bind(2, spread.Origin).Bind(4, spread.JulianDay).Bind(5, child);
            BindValue(insert, 3, spread.Value);
            insert.Run();
        }
        else
        {
            using var delete = context.Database.Prepare("DELETE FROM tagxref WHERE tagid=?1 AND rid=?2");
            delete.Bind(1, spread.Tag).Bind(2, child).Run();
        }

        if (spread.Tag == (long)WellKnownTag.BackgroundColor)
            UpdateEvent("UPDATE event SET bgcolor=?1 WHERE objid=?2", spreads ? spread.Value : null, child);
        if (spread.Tag == (long)WellKnownTag.Branch) leaves.CheckLater(child);
    }

    private static void BindValue(Sqlite.Statement statement, int index, byte[]? value)
    {
        if (value is null) statement.BindNull(index);
        else statement.BindText(index, value);
    }
}
