using EdgeSync.Fossil.Artifacts;
using EdgeSync.Primitives;
using EdgeSync.Storage.Content;
using EdgeSync.Storage.Sqlite;

namespace EdgeSync.Storage.Checkout;

/// <summary>A file that <c>undo</c> or <c>redo</c> put back.</summary>
/// <param name="Action">Stock's word: UNDO, REDO, NEW or DELETE.</param>
public readonly record struct UndoneFile(string Action, string Name);

/// <summary>
/// What the last command changed in the working files, in stock's tables, so that either program can take it back.
/// The log is committed before the first file is written: a command that is killed leaves a checkout that
/// <c>undo</c> restores.
/// <code>
/// Begin, Save… ─commit▶ files written ─▶ rows changed, Finish ─commit▶
///                killed here: undo_available is "1 pending", which stock reads as 1
/// </code>
/// The word behind the number goes when either program writes the number: a log that stock has begun since is not
/// taken for the interrupted one.
/// </summary>
// Spec: undo.c.
public sealed class UndoLog(CheckoutTables tables, DiskFolder disk)
{
    private const string Available = "undo_available";
    private const string Pending = "pending";
    private const string Undoing = "undo";
    private const string Redoing = "redo";

    private Database Database => tables.Database;

    private string[] Words => tables[Available]?.Split(' ') ?? [];

    /// <summary>0 nothing, 1 an undo, 2 a redo.</summary>
    public int State => Words is [var number, ..]
        && int.TryParse(number, System.Globalization.CultureInfo.InvariantCulture, out var state) ? state : 0;

    /// <summary>The command that can be undone.</summary>
    public string CommandLine => tables["undo_cmdline"] ?? "???";

    /// <summary>The command that was killed halfway; null when none was.</summary>
    public string? Interrupted => Words is not [_, var word] ? null : word == Pending ? CommandLine : word;

    /// <summary>What restores a checkout whose command was killed halfway: a redo ends itself.</summary>
    public bool IsRedoInterrupted => Words is [_, Redoing];

    public bool IsEmpty => !Database.HasTable("undo") || Database.QueryInt64("SELECT count(*) FROM undo") == 0;

    /// <summary>Removes the saved state. Inside a transaction.</summary>
    public void Reset()
    {
        ConflictLog.Settle(tables);
        Database.Execute(CheckoutSchema.DropUndo);
        tables[Available] = "0";
        tables["undo_checkout"] = "0";
    }

    /// <summary>Begins a log. Inside a transaction, to be committed before the first file is touched.</summary>
    /// <param name="commandLine">Without the program's name.</param>
    public void Begin(string commandLine)
    {
        Reset();
        Database.Execute(CheckoutSchema.CreateUndo);
        tables["undo_checkout"] = tables["checkout"] ?? "0";
        Continue(commandLine);
    }

    /// <summary>
    /// Goes on with the log of a command that has just finished: both are undone at once. Inside a transaction, to be
    /// committed before the next file is touched.
    /// </summary>
    public void Continue(string commandLine) =>
        (tables["undo_cmdline"], tables[Available]) = (commandLine, $"1 {Pending}");

    /// <summary>Keeps a stash that the command is about to drop. Spec: undo_save_stash in undo.c.</summary>
    public void SaveStash(long id)
    {
        Database.Execute(
            """
            CREATE TABLE IF NOT EXISTS undo_stash AS SELECT * FROM stash WHERE 0;
            CREATE TABLE IF NOT EXISTS undo_stashfile AS SELECT * FROM stashfile WHERE 0;
            """);
        foreach (var table in (ReadOnlySpan<string>)["stash", "stashfile"])
        {
            using var insert = Database.PrepareOnce(
                $"INSERT INTO undo_{table} SELECT * FROM {table} WHERE stashid=?1");
            insert.Bind(1, id).Run();
        }
    }

    /// <summary>All that the command would do is done. Inside the transaction that notes it.</summary>
    public void Finish()
    {
        if (Words is [var number, _]) tables[Available] = number;
    }

    /// <summary>Keeps what a file is now; the first call for a name counts.</summary>
    /// <exception cref="IOException">It cannot be read.</exception>
    public void Save(string name)
    {
        using var image = FileImage.Of(disk, name);
        using var insert = Database.Prepare(
            """
            INSERT OR IGNORE INTO undo(pathname,redoflag,existsflag,isExe,isLink,content) VALUES(?1,0,?2,?3,?4,?5)
            """);
        insert.BindText(1, PathText.ToBytes(name));
        image.Bind(insert, first: 2);
        insert.Run();
    }

    /// <summary>What an undo or redo of everything would do.</summary>
    public List<UndoneFile> Preview()
    {
        var files = new List<UndoneFile>();
        if (!Database.HasTable("undo")) return files;

        using var select = Database.Prepare("SELECT existsflag, pathname FROM undo ORDER BY pathname");
        while (select.Step())
            files.Add(new UndoneFile(select.Boolean(0) ? "UPDATE" : "DELETE", PathText.Of(select.Bytes(1))));
        return files;
    }

    /// <summary>Exchanges files, rows and check-in with those of the log: an undo becomes a redo.</summary>
    public List<UndoneFile> Apply(Repository repository, bool isRedo)
    {
        if (State != (isRedo ? 2 : 1)) throw Nothing(isRedo);

        var names = new List<string>();
        using (var select = Database.Prepare("SELECT pathname FROM undo WHERE redoflag=?1 ORDER BY rowid"))
        {
            select.Bind(1, isRedo ? 1 : 0);
            while (select.Step()) names.Add(PathText.Of(select.Bytes(0)));
        }

        // Killed from here on, the same command goes on with the files that are left.
        tables[Available] = isRedo ? $"2 {Redoing}" : $"1 {Undoing}";
        var done = new List<UndoneFile>();
        foreach (var name in names)
            if (ApplyOne(name, isRedo) is { } file) done.Add(file);

        using var transaction = Database.Begin();
        Database.Execute(
            """
            CREATE TEMP TABLE undo_vfile_2 AS SELECT * FROM vfile;
            DELETE FROM vfile;
            INSERT INTO vfile SELECT * FROM undo_vfile;
            DELETE FROM undo_vfile;
            INSERT INTO undo_vfile SELECT * FROM undo_vfile_2;
            DROP TABLE undo_vfile_2;
            CREATE TEMP TABLE undo_vmerge_2 AS SELECT * FROM vmerge;
            DELETE FROM vmerge;
            INSERT INTO vmerge SELECT * FROM undo_vmerge;
            DELETE FROM undo_vmerge;
            INSERT INTO undo_vmerge SELECT * FROM undo_vmerge_2;
            DROP TABLE undo_vmerge_2;
            """);
        RestoreStash(isRedo);
        var before = tables["undo_checkout"] ?? "0";
        tables["undo_checkout"] = tables["checkout"] ?? "0";
        tables.SetVersion(
            repository, new RecordId(long.Parse(before, System.Globalization.CultureInfo.InvariantCulture)));
        tables[Available] = isRedo ? "1" : "2";
        transaction.Commit();
        return done;
    }

    /// <summary>Exchanges named files only; the rest of the command stays in effect.</summary>
    public List<UndoneFile> Apply(IEnumerable<string> names, bool isRedo)
    {
        if (State == 0) throw Nothing(isRedo);

        var done = new List<UndoneFile>();
        foreach (var name in names)
            if (ApplyOne(name, isRedo) is { } file) done.Add(file);
        return done;
    }

    // The row is exchanged after the file: killed in between, the same undo writes the same file again.
    private UndoneFile? ApplyOne(string name, bool isRedo)
    {
        FileImage before;
        using (var select = Database.Prepare(
            "SELECT existsflag, isExe, isLink, content FROM undo WHERE pathname=?1 AND redoflag=?2"))
        {
            select.BindText(1, PathText.ToBytes(name)).Bind(2, isRedo ? 1 : 0);
            if (!select.Step()) return null;

            before = FileImage.Read(select, first: 0);
        }

        using var now = FileImage.Of(disk, name);
        if (!before.Exists) disk.Remove(name);
        else disk.Write(name, before.Content.Span, before.Permission, replace: true);

        using var update = Database.Prepare(
            """
            UPDATE undo SET existsflag=?2, isExe=?3, isLink=?4, content=?5, redoflag=NOT redoflag WHERE pathname=?1
            """);
        update.BindText(1, PathText.ToBytes(name));
        now.Bind(update, first: 2);
        update.Run();
        return new UndoneFile(!before.Exists ? "DELETE" : !now.Exists ? "NEW" : isRedo ? "REDO" : "UNDO", name);
    }

    private void RestoreStash(bool isRedo)
    {
        if (!Database.HasTable("undo_stash")) return;

        Database.Execute(
            isRedo
                ? """
                  DELETE FROM stash WHERE stashid IN (SELECT stashid FROM undo_stash);
                  DELETE FROM stashfile WHERE stashid NOT IN (SELECT stashid FROM stash);
                  """
                : """
                  INSERT OR IGNORE INTO stash SELECT * FROM undo_stash;
                  INSERT OR IGNORE INTO stashfile SELECT * FROM undo_stashfile;
                  """);
    }

    private static EdgeSyncException Nothing(bool isRedo) => new(
        ErrorKind.NotFound, isRedo ? "nothing to redo" : "nothing to undo", "edgesync undo --dry-run");

    /// <summary>A file as the log holds it.</summary>
    /// <param name="Exists">False: nothing lies there.</param>
    /// <param name="Permission">What it is.</param>
    /// <param name="Content">The bytes, or the target of a link.</param>
    /// <param name="Room">Where they lie, if that is to be given back.</param>
    private readonly record struct FileImage(
        bool Exists, FilePermission Permission, ReadOnlyMemory<byte> Content, ArtifactContent? Room = null)
        : IDisposable
    {
        public static FileImage Of(DiskFolder disk, string name)
        {
            switch (disk.Find(name))
            {
                case { Kind: DiskKind.Link }:
                    return new FileImage(true, FilePermission.Symlink, disk.ReadLink(name));
                case { Kind: DiskKind.Regular } entry:
                    using (var stream = disk.OpenRead(name))
                    {
                        var room = ArtifactContent.Rent(checked((int)stream.Length));
                        var length = stream.ReadAtLeast(room.Room, room.Length, throwOnEndOfStream: false);
                        return new FileImage(
                            true, entry.IsExecutable ? FilePermission.Executable : FilePermission.Regular,
                            room.Memory[..length], room);
                    }

                default:
                    return new FileImage(false, FilePermission.Regular, default);
            }
        }

        public static FileImage Read(Statement row, int first) => new(
            row.Boolean(first),
            row.Boolean(first + 2) ? FilePermission.Symlink
                : row.Boolean(first + 1) ? FilePermission.Executable : FilePermission.Regular,
            row.Bytes(first + 3).ToArray());

        public void Bind(Statement statement, int first)
        {
            statement.Bind(first, Exists ? 1 : 0)
                .Bind(first + 1, Permission == FilePermission.Executable ? 1 : 0)
                .Bind(first + 2, Permission == FilePermission.Symlink ? 1 : 0);
            if (Exists) statement.BindBlob(first + 3, Content.Span);
            else statement.BindNull(first + 3);
        }

        public void Dispose() => Room?.Dispose();
    }
}
