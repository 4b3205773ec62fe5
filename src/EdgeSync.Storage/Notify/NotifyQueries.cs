using EdgeSync.Primitives;
using EdgeSync.Storage.Sqlite;

namespace EdgeSync.Storage.Notify;

/// <summary>Which messages a reader wants.</summary>
/// <param name="Project">Null: all projects.</param>
/// <param name="Thread">In full; null: all threads.</param>
public readonly record struct NotifyFilter(string? Project, string? Thread);

/// <summary>
/// Reads and marks what <see cref="NotifyIndex"/> has numbered. Before the first index all lists are empty. Queries
/// also work on a repository that is opened to be read.
/// </summary>
public sealed class NotifyQueries(Repository repository)
{
    /// <summary>Acknowledgements of other devices that are kept; the oldest go first.</summary>
    public const int AcksMax = 20_000;

    /// <summary>Own acknowledgements that wait to be published.</summary>
    public const int OutgoingMax = 10_000;

    private const int DevicesMax = 1000;
    private const int AcksRemoved = AcksMax / 10;

    private const string MessageColumns = "seq,id,project,thread,time,sender,isread,fid,mid,arrived";

    private Database Database => repository.Database;

    private bool IsThere => NotifyTables.Exist(Database);

    // --- threads and messages ----------------------------------------------------------------------------------------

    /// <summary>Threads by urgency and activity, or by activity alone, the newest first.</summary>
    /// <param name="project">Null: of all projects.</param>
    public IReadOnlyList<IndexedThread> Threads(string? project, bool isByPriority, int countMax)
    {
        if (!IsThere) return [];

        // Two texts: each uses the index of its order.
        var order = isByPriority ? "priority DESC, lasttime DESC, thread" : "lasttime DESC, thread";
        using var select = Database.Prepare(
            $"""
            SELECT project,thread,short,lasttime,count,unread,priority,fromname,preview FROM fx_notify_thread
             WHERE ?1 IS NULL OR project=?1 ORDER BY {order} LIMIT ?2
            """);
        select.BindText(1, project).Bind(2, countMax);
        return ReadThreads(select);
    }

    /// <summary>Threads that a person may mean: by the beginning of their digits, or in full.</summary>
    /// <param name="project">Null: of all projects.</param>
    /// <param name="digits">Lower-case hex digits, without the prefix.</param>
    public IReadOnlyList<IndexedThread> FindThreads(string? project, string digits)
    {
        if (!IsThere) return [];

        using var select = Database.Prepare(
            """
            SELECT project,thread,short,lasttime,count,unread,priority,fromname,preview FROM fx_notify_thread
             WHERE (?1 IS NULL OR project=?1) AND short>=substr(?2,1,8) AND short<=substr(?2,1,8)||'g'
               AND substr(thread,8,length(?2))=?2
             ORDER BY lasttime DESC, thread LIMIT 100
            """);
        return ReadThreads(select.BindText(1, project).BindText(2, digits));
    }

    /// <summary>The messages of a thread, the oldest first.</summary>
    public IReadOnlyList<IndexedMessage> Thread(string project, string thread)
    {
        if (!IsThere) return [];

        using var select = Database.Prepare(
            $"SELECT {MessageColumns} FROM fx_notify_message WHERE project=?1 AND thread=?2 ORDER BY time, id");
        return ReadMessages(select.BindText(1, project).BindText(2, thread));
    }

    /// <summary>In order of arrival.</summary>
    /// <param name="after">The number after which to begin.</param>
    public IReadOnlyList<IndexedMessage> Arrived(NotifyFilter filter, long after, int countMax)
    {
        if (!IsThere) return [];

        using var select = Database.Prepare(
            $"""
            SELECT {MessageColumns} FROM fx_notify_message
             WHERE seq>?1 AND (?2 IS NULL OR project=?2) AND (?3 IS NULL OR thread=?3) ORDER BY seq LIMIT ?4
            """);
        select.Bind(1, after).BindText(2, filter.Project).BindText(3, filter.Thread).Bind(4, countMax);
        return ReadMessages(select);
    }

    /// <summary>Null: unknown. Ids may be given by their first digits, if these are unique.</summary>
    /// <exception cref="EdgeSyncException">The digits fit several messages.</exception>
    public IndexedMessage? Find(string id)
    {
        if (!IsThere) return null;

        using var select = Database.Prepare(
            $"SELECT {MessageColumns} FROM fx_notify_message WHERE id>=?1 AND id<?1||'g' ORDER BY id LIMIT 2");
        var found = ReadMessages(select.BindText(1, id));
        if (found.FirstOrDefault(message => message.Id == id) is { } exact) return exact;

        return found.Count <= 1 ? found.SingleOrDefault() : throw new EdgeSyncException(
            ErrorKind.Ambiguous, $"several messages begin with {id}", "give more digits")
        {
            Candidates = [.. found.Select(message => message.Id)],
        };
    }

    /// <summary>The newest message of a thread; null: none.</summary>
    public IndexedMessage? LastOf(string project, string thread)
    {
        if (!IsThere) return null;

        using var select = Database.Prepare(
            $"""
            SELECT {MessageColumns} FROM fx_notify_message WHERE project=?1 AND thread=?2
             ORDER BY time DESC, id DESC LIMIT 1
            """);
        return ReadMessages(select.BindText(1, project).BindText(2, thread)).FirstOrDefault();
    }

    /// <summary>The number of the newest message; 0: none.</summary>
    public long LastSeq => IsThere ? Database.QueryInt64("SELECT coalesce(max(seq),0) FROM fx_notify_message") : 0;

    /// <summary>Projects with their threads, messages and unread ones.</summary>
    public IReadOnlyList<(string Project, long Threads, long Messages, long Unread)> Projects()
    {
        var projects = new List<(string, long, long, long)>();
        if (!IsThere) return projects;

        using var select = Database.Prepare(
            "SELECT project, count(*), sum(count), sum(unread) FROM fx_notify_thread GROUP BY project ORDER BY 1");
        while (select.Step())
            projects.Add((select.Text(0)!, select.Int64(1), select.Int64(2), select.Int64(3)));
        return projects;
    }

    /// <summary>Files below <c>threads</c> that are no messages, and files that wait for content or parents.</summary>
    public (long Unreadable, long Waiting) Remainder() => !IsThere ? (0, 0) : (
        Database.QueryInt64("SELECT count(*) FROM fx_notify_skip WHERE iscopy=0"),
        Database.QueryInt64("SELECT count(*) FROM fx_notify_wait"));

    // --- read and unread ---------------------------------------------------------------------------------------------

    /// <summary>
    /// Marks messages as read that a person or program has taken, and lists them to be acknowledged.
    /// </summary>
    /// <returns>How many were unread.</returns>
    public int MarkRead(IEnumerable<string> ids)
    {
        using var transaction = repository.Begin();
        NotifyTables.Create(Database);
        var count = 0;
        using (var update = Database.Prepare("UPDATE fx_notify_message SET isread=1 WHERE id=?1 AND isread=0"))
        using (var thread = Database.Prepare(
            """
            UPDATE fx_notify_thread SET unread=unread-1
             WHERE (project,thread)=(SELECT project,thread FROM fx_notify_message WHERE id=?1)
            """))
        {
            foreach (var id in ids)
            {
                if (update.BindText(1, id).Run() == 0) continue;

                count++;
                thread.BindText(1, id).Run();
                AddOutgoing(id, isRead: true);
            }
        }

        if (count > 0) DropOldOutgoing();
        transaction.Commit();
        return count;
    }

    // --- watches -----------------------------------------------------------------------------------------------------

    /// <summary>The number of the last message that a watch has served; null: it is new.</summary>
    public long? WatchedUpTo(string watch)
    {
        if (!IsThere) return null;

        using var select = Database.Prepare("SELECT value FROM fx_notify_state WHERE name=?1");
        return select.BindText(1, "watch:" + watch).Step() ? select.Int64(0) : null;
    }

    public void SetWatched(string watch, long seq)
    {
        using var transaction = repository.Begin();
        NotifyTables.Create(Database);
        NotifyTables.Set(Database, "watch:" + watch, seq);
        transaction.Commit();
    }

    // --- acknowledgements and presence -------------------------------------------------------------------------------

    /// <summary>Another device has acknowledged a message; a later "delivered" does not undo "read".</summary>
    /// <returns>False: known.</returns>
    public bool AddAck(IndexedAck ack)
    {
        using var transaction = repository.Begin();
        NotifyTables.Create(Database);
        int changed;
        using (var upsert = Database.Prepare(
            """
            REPLACE INTO fx_notify_ack(id,device,isread,at) SELECT ?1,?2,?3,?4
             WHERE NOT EXISTS(SELECT 1 FROM fx_notify_ack WHERE id=?1 AND device=?2 AND isread>=?3)
               AND (SELECT count(*) FROM fx_notify_ack WHERE id=?1 AND device<>?2)<256
            """))
        {
            changed = upsert.BindText(1, ack.MessageId).BindText(2, ack.Device).Bind(3, ack.IsRead ? 1L : 0L)
                .Bind(4, ack.At.UnixTicks).Run();
        }

        if (changed > 0 && Database.QueryInt64("SELECT count(*) FROM fx_notify_ack") > AcksMax)
        {
            Database.Execute(
                $"""
                DELETE FROM fx_notify_ack WHERE seq IN (SELECT seq FROM fx_notify_ack ORDER BY seq LIMIT {AcksRemoved})
                """);
        }

        transaction.Commit();
        return changed > 0;
    }

    /// <summary>What other devices have acknowledged of a message.</summary>
    public IReadOnlyList<IndexedAck> AcksOf(string id)
    {
        var acks = new List<IndexedAck>();
        if (!IsThere) return acks;

        using var select = Database.Prepare("SELECT id,device,isread,at FROM fx_notify_ack WHERE id=?1 ORDER BY at");
        select.BindText(1, id);
        while (select.Step())
            acks.Add(new IndexedAck(
                select.Text(0)!, select.Text(1)!, select.Boolean(2), new Instant(select.Int64(3))));
        return acks;
    }

    /// <summary>Acknowledgements that were added after a number, and the number of the last one.</summary>
    public IReadOnlyList<IndexedAck> AcksAfter(long seq, out long last)
    {
        var acks = new List<IndexedAck>();
        last = seq;
        if (!IsThere) return acks;

        using var select = Database.Prepare(
            "SELECT seq,id,device,isread,at FROM fx_notify_ack WHERE seq>?1 ORDER BY seq LIMIT 1000");
        select.Bind(1, seq);
        while (select.Step())
        {
            last = select.Int64(0);
            acks.Add(new IndexedAck(
                select.Text(1)!, select.Text(2)!, select.Boolean(3), new Instant(select.Int64(4))));
        }

        return acks;
    }

    /// <summary>The number of the newest acknowledgement; 0: none.</summary>
    public long LastAck => IsThere ? Database.QueryInt64("SELECT coalesce(max(seq),0) FROM fx_notify_ack") : 0;

    /// <summary>Acknowledgements of this device that were not published yet, at most 1000.</summary>
    public IReadOnlyList<IndexedAck> Outgoing(string device)
    {
        var acks = new List<IndexedAck>();
        if (!IsThere) return acks;

        using var select = Database.Prepare("SELECT id,isread,at FROM fx_notify_out ORDER BY at, id LIMIT 1000");
        while (select.Step())
            acks.Add(new IndexedAck(select.Text(0)!, device, select.Boolean(1), new Instant(select.Int64(2))));
        return acks;
    }

    /// <summary>They were published.</summary>
    public void RemoveOutgoing(IEnumerable<IndexedAck> acks)
    {
        using var transaction = repository.Begin();
        NotifyTables.Create(Database);
        using (var delete = Database.Prepare("DELETE FROM fx_notify_out WHERE id=?1 AND isread=?2"))
            foreach (var ack in acks) delete.BindText(1, ack.MessageId).Bind(2, ack.IsRead ? 1L : 0L).Run();
        transaction.Commit();
    }

    /// <summary>
    /// When a device was last heard of. A state that is known from the last ten minutes is not written again.
    /// </summary>
    public void SetPresence(string device, string state, Instant at)
    {
        using var transaction = repository.Begin();
        NotifyTables.Create(Database);
        using (var upsert = Database.Prepare(
            """
            INSERT INTO fx_notify_device(device,state,at)
            SELECT ?1,?2,?3 WHERE (SELECT count(*) FROM fx_notify_device)<?4
                OR EXISTS(SELECT 1 FROM fx_notify_device WHERE device=?1)
            ON CONFLICT(device) DO UPDATE SET state=excluded.state, at=excluded.at
              WHERE excluded.state<>state OR excluded.at>at+?5
            """))
        {
            upsert.BindText(1, device).BindText(2, state).Bind(3, at.UnixTicks).Bind(4, DevicesMax)
                .Bind(5, TimeSpan.FromMinutes(10).Ticks).Run();
        }

        transaction.Commit();
    }

    public IReadOnlyList<(string Device, string State, Instant At)> Presences()
    {
        var devices = new List<(string, string, Instant)>();
        if (!IsThere) return devices;

        using var select = Database.Prepare("SELECT device,state,at FROM fx_notify_device ORDER BY device");
        while (select.Step()) devices.Add((select.Text(0)!, select.Text(1)!, new Instant(select.Int64(2))));
        return devices;
    }

    /// <summary>A number that a part of the node keeps over restarts.</summary>
    public long Mark(string name) => IsThere ? NotifyTables.Get(Database, "mark:" + name) : 0;

    public void SetMark(string name, long value)
    {
        using var transaction = repository.Begin();
        NotifyTables.Create(Database);
        NotifyTables.Set(Database, "mark:" + name, value);
        transaction.Commit();
    }

    private void AddOutgoing(string id, bool isRead)
    {
        using var insert = Database.Prepare("INSERT OR IGNORE INTO fx_notify_out(id,isread,at) VALUES(?1,?2,?3)");
        insert.BindText(1, id).Bind(2, isRead ? 1L : 0L).Bind(3, repository.Now.UnixTicks).Run();
    }

    // Without a node that publishes them they would only grow.
    private void DropOldOutgoing()
    {
        if (Database.QueryInt64("SELECT count(*) FROM fx_notify_out") <= OutgoingMax) return;

        Database.Execute(
            $"""
            DELETE FROM fx_notify_out WHERE (id,isread) IN
              (SELECT id,isread FROM fx_notify_out ORDER BY at LIMIT {OutgoingMax / 2})
            """);
    }

    private static List<IndexedThread> ReadThreads(Statement select)
    {
        var threads = new List<IndexedThread>();
        while (select.Step())
        {
            threads.Add(new IndexedThread
            {
                Project = select.Text(0)!,
                Thread = select.Text(1)!,
                Short = select.Text(2)!,
                LastTime = new Instant(select.Int64(3)),
                Count = select.Int64(4),
                Unread = select.Int64(5),
                Priority = select.Int32(6),
                LastFromName = select.Text(7)!,
                LastPreview = select.Text(8)!,
            });
        }

        return threads;
    }

    private static List<IndexedMessage> ReadMessages(Statement select)
    {
        var messages = new List<IndexedMessage>();
        while (select.Step())
        {
            messages.Add(new IndexedMessage(
                select.Int64(0), select.Text(1)!, select.Text(2)!, select.Text(3)!, new Instant(select.Int64(4)),
                select.Text(5)!, select.Boolean(6), select.Record(7), select.Record(8), new Instant(select.Int64(9))));
        }

        return messages;
    }
}
