using System.Text;
using EdgeSync.Primitives;
using EdgeSync.Storage.Sqlite;

namespace EdgeSync.Storage.Crosslink;

/// <summary>The event table: one line of the timeline for each check-in, page, ticket change and so on.</summary>
internal sealed class EventTable(LinkContext context)
{
    /// <summary>
    /// A check-in. Tags that arrived before it apply at once; returns the effective comment.
    /// </summary>
    public byte[]? WriteCheckIn(RecordId record, double julianDay, byte[]? user, byte[]? comment)
    {
        using var insert = context.Database.Prepare(
            """
            REPLACE INTO event(type,mtime,objid,user,comment,bgcolor,euser,ecomment,omtime) VALUES('ci',
              coalesce((SELECT julianday(value) FROM tagxref WHERE tagid=4 AND rid=?2), ?1),
              ?2, ?3, ?4,
              (SELECT value FROM tagxref WHERE tagid=1 AND rid=?2 AND tagtype>0),
              (SELECT value FROM tagxref WHERE tagid=3 AND rid=?2),
              (SELECT value FROM tagxref WHERE tagid=2 AND rid=?2),
              ?1)
            RETURNING coalesce(ecomment,comment)
            """);
        insert.Bind(1, StockNumber.AsStored(julianDay)).Bind(2, record);
        Bind(insert, 3, user);
        Bind(insert, 4, comment);
        var written = insert.Step() && !insert.IsNull(0) ? insert.Bytes(0).ToArray() : null;
        insert.Step();
        return written;
    }

    public void Write(char type, double julianDay, RecordId record, byte[]? user, ReadOnlySpan<byte> comment)
    {
        using var insert = context.Database.Prepare(
            "REPLACE INTO event(type,mtime,objid,user,comment) VALUES(?1,?2,?3,?4,?5)");
        insert.BindText(1, [(byte)type]).Bind(2, StockNumber.AsStored(julianDay)).Bind(3, record).BindText(5, comment);
        Bind(insert, 4, user);
        insert.Run();
    }

    public void WriteTechnote(double julianDay, RecordId record, long tag, byte[]? user, byte[]? comment)
    {
        using var insert = context.Database.Prepare(
            """
            REPLACE INTO event(type,mtime,objid,tagid,user,comment,bgcolor)
            VALUES('e',?1,?2,?3,?4,?5,(SELECT value FROM tagxref WHERE tagid=1 AND rid=?2))
            """);
        insert.Bind(1, StockNumber.AsStored(julianDay)).Bind(2, record).Bind(3, tag);
        Bind(insert, 4, user);
        Bind(insert, 5, comment);
        insert.Run();
    }

    /// <summary>Removes the versions of a technote from the timeline, before the newest one is added.</summary>
    public void DeleteTechnote(long tag)
    {
        using var delete = context.Database.Prepare(
            "DELETE FROM event WHERE type='e' AND tagid=?1 AND objid IN (SELECT rid FROM tagxref WHERE tagid=?1)");
        delete.Bind(1, tag).Run();
    }

    public void WriteTicket(double julianDay, RecordId record, long tag, byte[]? user, string comment, string brief)
    {
        using var insert = context.Database.Prepare(
            """
            REPLACE INTO event(type,tagid,mtime,objid,user,comment,brief) VALUES('t',?1,?2,?3,?4,?5,?6)
            """);
        insert.Bind(1, tag).Bind(2, StockNumber.AsStored(julianDay)).Bind(3, record);
        Bind(insert, 4, user);
        BindRaw(insert, 5, comment);
        BindRaw(insert, 6, brief);
        insert.Run();
    }

    public void Rewrite(RecordId record, char type, string comment)
    {
        using var update = context.Database.Prepare("UPDATE event SET comment=?1, type=?2 WHERE objid=?3");
        BindRaw(update, 1, comment);
        update.BindText(2, [(byte)type]).Bind(3, record).Run();
    }

    private static void Bind(Statement statement, int index, byte[]? value)
    {
        if (value is null) statement.BindNull(index);
        else statement.BindText(index, value);
    }

    private static void BindRaw(Statement statement, int index, string value) =>
        statement.BindText(index, Encoding.Latin1.GetBytes(value));
}
