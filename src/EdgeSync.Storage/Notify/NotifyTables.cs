using EdgeSync.Storage.Sqlite;

namespace EdgeSync.Storage.Notify;

/// <summary>
/// The index of messages, derived from the check-ins of this copy and not synced; what was read and acknowledged is
/// kept there too. Names begin with <c>fx_</c>, so that stock's rebuild leaves them alone.
/// <code>
/// fx_notify_message  a message, numbered in order of arrival
/// fx_notify_thread   a thread with its counts, so that a list of threads reads no messages
/// fx_notify_wait     files whose content or parents are not here yet
/// fx_notify_skip     files that are no messages, or copies of one
/// fx_notify_state    the last row of mlink that was looked at; whom watches have served
/// fx_notify_ack      acknowledgements of other devices
/// fx_notify_out      acknowledgements that are to be published
/// fx_notify_device   when devices were last heard of
/// </code>
/// </summary>
internal static class NotifyTables
{
    private const string Schema =
        """
        CREATE TABLE IF NOT EXISTS fx_notify_message(
          seq INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, project TEXT NOT NULL, thread TEXT NOT NULL,
          time INTEGER NOT NULL, sender TEXT NOT NULL, isread INTEGER NOT NULL, fid INTEGER NOT NULL,
          mid INTEGER NOT NULL, arrived INTEGER NOT NULL);
        CREATE INDEX IF NOT EXISTS fx_notify_message_thread ON fx_notify_message(project, thread, time, id);
        CREATE INDEX IF NOT EXISTS fx_notify_message_fid ON fx_notify_message(fid);
        CREATE INDEX IF NOT EXISTS fx_notify_message_unread ON fx_notify_message(project, thread, seq) WHERE isread=0;
        CREATE TABLE IF NOT EXISTS fx_notify_thread(
          project TEXT NOT NULL, thread TEXT NOT NULL, short TEXT NOT NULL, lasttime INTEGER NOT NULL,
          lastid TEXT NOT NULL, count INTEGER NOT NULL, unread INTEGER NOT NULL, priority INTEGER NOT NULL,
          fromname TEXT NOT NULL, preview TEXT NOT NULL, PRIMARY KEY(project, thread)) WITHOUT ROWID;
        CREATE INDEX IF NOT EXISTS fx_notify_thread_time ON fx_notify_thread(project, lasttime);
        CREATE INDEX IF NOT EXISTS fx_notify_thread_short ON fx_notify_thread(short);
        CREATE TABLE IF NOT EXISTS fx_notify_wait(
          mid INTEGER, fid INTEGER, path TEXT, since INTEGER, PRIMARY KEY(mid, fid)) WITHOUT ROWID;
        CREATE TABLE IF NOT EXISTS fx_notify_skip(fid INTEGER PRIMARY KEY, iscopy INTEGER);
        CREATE TABLE IF NOT EXISTS fx_notify_state(name TEXT PRIMARY KEY, value) WITHOUT ROWID;
        CREATE TABLE IF NOT EXISTS fx_notify_ack(
          seq INTEGER PRIMARY KEY, id TEXT, device TEXT, isread INTEGER, at INTEGER, UNIQUE(id, device));
        CREATE TABLE IF NOT EXISTS fx_notify_out(
          id TEXT, isread INTEGER, at INTEGER, PRIMARY KEY(id, isread)) WITHOUT ROWID;
        CREATE TABLE IF NOT EXISTS fx_notify_device(
          device TEXT PRIMARY KEY, state TEXT, at INTEGER) WITHOUT ROWID
        """;

    /// <summary>False in a repository that can only be read and was never indexed.</summary>
    public static bool Exist(Database database) => database.HasTable("fx_notify_device");

    /// <summary>Inside a write transaction.</summary>
    public static void Create(Database database)
    {
        if (!Exist(database)) database.Execute(Schema);
    }

    public static long Get(Database database, string name)
    {
        using var select = database.Prepare("SELECT value FROM fx_notify_state WHERE name=?1");
        return select.BindText(1, name).Step() ? select.Int64(0) : 0;
    }

    public static void Set(Database database, string name, long value)
    {
        using var replace = database.Prepare("REPLACE INTO fx_notify_state(name,value) VALUES(?1,?2)");
        replace.BindText(1, name).Bind(2, value).Run();
    }
}
