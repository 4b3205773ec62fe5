using EdgeSync.Primitives;
using EdgeSync.Storage.Content;
using EdgeSync.Storage.Sqlite;

namespace EdgeSync.Storage.Notify;

/// <summary>
/// Finds the messages in the check-ins of a repository and numbers them as they arrive. A message is numbered after
/// the messages of its check-in's parents, so that a thread is read in order although a sync brings artifacts in any
/// order. Check-ins are found by the rows that were added to <c>mlink</c> since the last look; a rebuild, which writes
/// that table anew, causes one look at all of them.
/// </summary>
/// <param name="repository">Open to be written, except for queries.</param>
/// <param name="parse">Reads a message file.</param>
/// <param name="device">Identity of this device: its own messages count as read.</param>
public sealed class NotifyIndex(Repository repository, NotifyParse parse, string device)
{
    /// <summary>Larger files are no messages.</summary>
    public const int FileBytesMax = 256 * 1024;

    /// <summary>After this time a message whose predecessor has not arrived is numbered without it.</summary>
    public static readonly TimeSpan PatienceForParents = TimeSpan.FromMinutes(1);

    private const string RowState = "mlink-row";
    private const string MarkState = "mlink-mark";

    private Database Database => repository.Database;

    /// <summary>
    /// Numbers what has arrived. Several indexes of one file may do that; each message is numbered once.
    /// </summary>
    /// <returns>How many messages are new.</returns>
    public int Update()
    {
        using var transaction = repository.Begin();
        NotifyTables.Create(Database);
        var found = Find();
        var count = Number(found);
        transaction.Commit();
        return count;
    }

    /// <summary>True if files wait for their content or their parents.</summary>
    public bool IsWaiting =>
        NotifyTables.Exist(Database) && Database.QueryInt64("SELECT EXISTS(SELECT 1 FROM fx_notify_wait)") != 0;

    private List<FoundFile> Find()
    {
        var after = NotifyTables.Get(Database, RowState);
        if (after > 0 && MarkOf(after) != NotifyTables.Get(Database, MarkState)) after = 0;

        var files = new List<FoundFile>();
        var last = after;
        using (var select = Database.Prepare(
            """
            SELECT mlink.rowid, mid, fid, name FROM mlink JOIN filename USING(fnid)
             WHERE mlink.rowid>?1 AND fid>0 AND name GLOB '*/threads/*/*.json'
               AND NOT EXISTS(SELECT 1 FROM fx_notify_message AS m WHERE m.fid=mlink.fid)
               AND NOT EXISTS(SELECT 1 FROM fx_notify_skip AS s WHERE s.fid=mlink.fid)
             ORDER BY mlink.rowid
            """))
        {
            select.Bind(1, after);
            while (select.Step()) files.Add(new FoundFile(select.Record(1), select.Record(2), select.Text(3)!, null));
        }

        last = Math.Max(last, Database.QueryInt64("SELECT coalesce(max(rowid),0) FROM mlink"));
        if (last != NotifyTables.Get(Database, RowState) || after == 0)
        {
            NotifyTables.Set(Database, RowState, last);
            NotifyTables.Set(Database, MarkState, MarkOf(last));
        }

        using (var select = Database.Prepare("SELECT mid, fid, path, since FROM fx_notify_wait"))
        {
            while (select.Step())
                files.Add(new FoundFile(
                    select.Record(0), select.Record(1), select.Text(2)!, new Instant(select.Int64(3))));
        }

        return [.. files.DistinctBy(file => (file.Checkin, file.Content))];
    }

    // Of one row: another one at its place shows that the table was written anew.
    private long MarkOf(long row)
    {
        using var select = Database.Prepare("SELECT mid, fid FROM mlink WHERE rowid=?1");
        return select.Bind(1, row).Step() ? (select.Int64(0) << 32) ^ select.Int64(1) : -1;
    }

    private int Number(List<FoundFile> files)
    {
        if (files.Count == 0) return 0;

        // Parents come first: a check-in is dated after them.
        var ordered = files.Select(file => (File: file, Date: repository.DateOf(file.Checkin)))
            .OrderBy(f => f.Date ?? default).ThenBy(f => f.File.Path, StringComparer.Ordinal).ToList();
        var waiting = ordered.Select(f => f.File.Checkin).ToHashSet();
        var count = 0;
        for (var hasProgress = true; hasProgress && ordered.Count > 0;)
        {
            hasProgress = false;
            foreach (var item in ordered.ToList())
            {
                if (!IsReady(item.File, item.Date, waiting)) continue;

                hasProgress = true;
                ordered.Remove(item);
                if (!ordered.Exists(other => other.File.Checkin == item.File.Checkin))
                    waiting.Remove(item.File.Checkin);
                if (item.File.Since is not null) Unwait(item.File);
                if (Add(item.File)) count++;
            }
        }

        foreach (var (file, _) in ordered.Where(f => f.File.Since is null)) Wait(file);
        return count;
    }

    private bool IsReady(FoundFile file, Instant? date, HashSet<RecordId> waiting)
    {
        if (!repository.Content.IsAvailable(file.Content)) return false;
        if (file.Since is { } since && repository.Now - since >= PatienceForParents) return true;
        if (date is null) return false;

        // The files of a check-in are in mlink once its own parents have come, too.
        using var parents = Database.Prepare(
            """
            SELECT p.pid, EXISTS(SELECT 1 FROM event WHERE objid=p.pid)
               AND (EXISTS(SELECT 1 FROM mlink WHERE mid=p.pid)
                 OR NOT EXISTS(SELECT 1 FROM plink AS q WHERE q.cid=p.pid))
              FROM plink AS p WHERE p.cid=?1
            """);
        parents.Bind(1, file.Checkin);
        while (parents.Step())
            if (!parents.Boolean(1) || waiting.Contains(parents.Record(0)))
                return false;
        return true;
    }

    private bool Add(FoundFile file)
    {
        NotifyEntry? entry = null;
        if (repository.Content.SizeOf(file.Content) is >= 0 and <= FileBytesMax
            && repository.Content.Read(file.Content, out var content) == ContentState.Available)
        {
            using (content) entry = parse(file.Path, content!.Span);
        }

        if (entry is null)
        {
            Skip(file, isCopy: false);
            return false;
        }

        var isOwn = entry.From.Length > 0 && entry.From == device;
        using var insert = Database.Prepare(
            """
            INSERT OR IGNORE INTO fx_notify_message(id,project,thread,time,sender,isread,fid,mid,arrived)
            VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9)
            """);
        insert.BindText(1, entry.Id).BindText(2, entry.Project).BindText(3, entry.Thread)
            .Bind(4, entry.Time.UnixTicks).BindText(5, entry.From).Bind(6, isOwn ? 1L : 0L).Bind(7, file.Content)
            .Bind(8, file.Checkin).Bind(9, repository.Now.UnixTicks);
        if (insert.Run() == 0)
        {
            Skip(file, isCopy: true);
            return false;
        }

        Count(entry, isOwn);
        return true;
    }

    private void Count(NotifyEntry entry, bool isOwn)
    {
        using var upsert = Database.Prepare(
            """
            INSERT INTO fx_notify_thread(project,thread,short,lasttime,lastid,count,unread,priority,fromname,preview)
            VALUES(?1,?2,?3,?4,?5,1,?6,?7,?8,?9)
            ON CONFLICT(project,thread) DO UPDATE SET
              count=count+1, unread=unread+excluded.unread, priority=max(priority,excluded.priority),
              fromname=iif((excluded.lasttime,excluded.lastid)>(lasttime,lastid),excluded.fromname,fromname),
              preview=iif((excluded.lasttime,excluded.lastid)>(lasttime,lastid),excluded.preview,preview),
              lastid=iif((excluded.lasttime,excluded.lastid)>(lasttime,lastid),excluded.lastid,lastid),
              lasttime=max(lasttime,excluded.lasttime)
            """);
        upsert.BindText(1, entry.Project).BindText(2, entry.Thread).BindText(3, entry.ThreadShort)
            .Bind(4, entry.Time.UnixTicks).BindText(5, entry.Id).Bind(6, isOwn ? 0L : 1L).Bind(7, entry.Priority)
            .BindText(8, entry.FromName).BindText(9, entry.Preview).Run();
    }

    private void Skip(FoundFile file, bool isCopy)
    {
        using var insert = Database.Prepare("INSERT OR IGNORE INTO fx_notify_skip(fid,iscopy) VALUES(?1,?2)");
        insert.Bind(1, file.Content).Bind(2, isCopy ? 1L : 0L).Run();
    }

    private void Wait(FoundFile file)
    {
        using var insert = Database.Prepare(
            "INSERT OR IGNORE INTO fx_notify_wait(mid,fid,path,since) VALUES(?1,?2,?3,?4)");
        insert.Bind(1, file.Checkin).Bind(2, file.Content).BindText(3, file.Path)
            .Bind(4, repository.Now.UnixTicks).Run();
    }

    private void Unwait(FoundFile file)
    {
        using var delete = Database.Prepare("DELETE FROM fx_notify_wait WHERE mid=?1 AND fid=?2");
        delete.Bind(1, file.Checkin).Bind(2, file.Content).Run();
    }

    // Since when it waits; null for one that was found just now.
    private sealed record FoundFile(RecordId Checkin, RecordId Content, string Path, Instant? Since);
}
