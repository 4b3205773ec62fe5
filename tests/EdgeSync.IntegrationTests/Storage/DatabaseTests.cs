using EdgeSync.Primitives;
using EdgeSync.Storage.Sqlite;
using EdgeSync.Tests.Support;

namespace EdgeSync.IntegrationTests.Storage;

public sealed class DatabaseTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    private Database Create(string name = "a.db")
    {
        var database = Database.Open(_folder[name], new DatabaseOptions { Access = DatabaseAccess.Create });
        database.Execute("CREATE TABLE IF NOT EXISTS t(id INTEGER PRIMARY KEY, v)");
        database.UseWriteAheadLog();
        return database;
    }

    // The bytes as they lie on the disk while the writer is in mid-work.
    private void CopyAsKilled(string name)
    {
        foreach (var suffix in new[] { "", "-wal" }) File.Copy(_folder["a.db" + suffix], _folder[name + suffix]);
    }

    [Test]
    public void Values_come_back_as_they_were_bound()
    {
        using var database = Create();
        var id = ArtifactHash.Compute(HashKind.Sha3, "x"u8);

        using (var insert = database.Prepare("INSERT INTO t(v) VALUES(?1)"))
        {
            insert.Bind(1, 1L << 40).Run();
            insert.Bind(1, 0.1).Run();
            insert.BindText(1, "naïve \U0001F600").Run();
            insert.BindText(1, "").Run();
            insert.BindBlob(1, [0, 1, 255]).Run();
            insert.BindBlob(1, []).Run();
            insert.BindNull(1).Run();
            insert.Bind(1, id).Run();
            insert.BindText(1, new string('é', 1000)).Run();
        }

        using var select = database.Prepare("SELECT v, typeof(v) FROM t ORDER BY id");
        Assert.True(select.Step());
        Assert.Equal(1L << 40, select.Int64(0));
        Assert.True(select.Step());
        Assert.Equal(0.1, select.Double(0));
        Assert.True(select.Step());
        Assert.Equal("naïve \U0001F600", select.Text(0));
        Assert.True(select.Step());
        Assert.Equal(("", "text"), (select.Text(0), select.Text(1)));
        Assert.True(select.Step());
        Assert.Equal([0, 1, 255], select.Bytes(0).ToArray());
        Assert.True(select.Step());
        Assert.Equal((0, "blob"), (select.Bytes(0).Length, select.Text(1)));
        Assert.True(select.Step());
        Assert.True(select.IsNull(0));
        Assert.Null(select.Text(0));
        Assert.True(select.Step());
        Assert.Equal(id, select.Artifact(0));
        Assert.True(select.Step());
        Assert.Equal(new string('é', 1000), select.Text(0));
        Assert.False(select.Step());
    }

    [Test]
    public void A_statement_in_use_is_not_handed_out_twice()
    {
        using var database = Create();
        database.Execute("INSERT INTO t(v) VALUES(1),(2)");

        using var outer = database.Prepare("SELECT v FROM t ORDER BY id");
        Assert.True(outer.Step());
        using (var inner = database.Prepare("SELECT v FROM t ORDER BY id")) Assert.True(inner.Step());

        Assert.True(outer.Step());
        Assert.Equal(2, outer.Int64(0));
    }

    [Test]
    public void Dispose_without_commit_rolls_back()
    {
        using var database = Create();

        using (database.Begin()) database.Execute("INSERT INTO t(v) VALUES(1)");
        using (var transaction = database.Begin())
        {
            database.Execute("INSERT INTO t(v) VALUES(2)");
            transaction.Commit();
        }

        Assert.Equal(2, database.QueryInt64("SELECT v FROM t"));
        Assert.Equal(1, database.QueryInt64("SELECT count(*) FROM t"));
    }

    [Test]
    public void An_inner_rollback_dooms_the_outer_transaction()
    {
        using var database = Create();

        var outer = database.Begin();
        using (database.Begin()) database.Execute("INSERT INTO t(v) VALUES(1)");

        Assert.Throws<InvariantException>(outer.Commit);
        Assert.Equal(0, database.QueryInt64("SELECT count(*) FROM t"));
        Assert.False(database.IsInTransaction);
    }

    [Test]
    public void A_throw_while_committing_rolls_back()
    {
        using var database = Create();
        database.Committing = () => throw new InvalidOperationException("no");
        bool? ended = null;
        database.Ended = committed => ended = committed;

        var transaction = database.Begin();
        database.Execute("INSERT INTO t(v) VALUES(1)");

        Assert.Throws<InvalidOperationException>(transaction.Commit);
        Assert.Equal(false, ended);
        Assert.Equal(0, database.QueryInt64("SELECT count(*) FROM t"));
    }

    [Test]
    public void Close_leaves_one_file_in_the_mode_it_had()
    {
        Create().Dispose();
        using (var database = Database.Open(_folder["a.db"], new DatabaseOptions()))
        {
            Assert.Equal("wal", database.QueryText("PRAGMA journal_mode"));
            database.Execute("INSERT INTO t(v) VALUES(1)");
            Assert.True(File.Exists(_folder["a.db-wal"]));
        }

        Assert.Equal([_folder["a.db"]], Directory.GetFiles(_folder.Path));
        using var reader = Database.Open(_folder["a.db"], new DatabaseOptions { Access = DatabaseAccess.Read });
        Assert.Equal("delete", reader.QueryText("PRAGMA journal_mode"));
        Assert.Equal(1, reader.QueryInt64("SELECT count(*) FROM t"));
    }

    [Test]
    [Arguments(DatabaseJournal.WriteAhead)]
    [Arguments(DatabaseJournal.AsFound)]
    public void A_file_that_a_killed_run_left_in_our_mode_gets_its_own_back(DatabaseJournal journal)
    {
        using (var killed = Create())
        {
            killed.Execute("INSERT INTO t(v) VALUES(1)");
            CopyAsKilled("b.db");
        }

        using (var next = Database.Open(_folder["b.db"], new DatabaseOptions { Journal = journal }))
            Assert.Equal("wal", next.QueryText("PRAGMA journal_mode"));

        using var reader = Database.Open(_folder["b.db"], new DatabaseOptions { Access = DatabaseAccess.Read });
        Assert.Equal("delete", reader.QueryText("PRAGMA journal_mode"));
        Assert.Equal(1, reader.QueryInt64("SELECT count(*) FROM t"));
        Assert.Equal("t", reader.QueryText("SELECT group_concat(name) FROM sqlite_schema WHERE type='table'"));
        Assert.False(File.Exists(_folder["b.db-wal"]));
    }

    [Test]
    public void Of_two_runs_the_last_one_restores_the_journal_mode()
    {
        var first = Create();
        using (var second = Database.Open(_folder["a.db"], new DatabaseOptions()))
        {
            first.Dispose();
            Assert.Equal("wal", second.QueryText("PRAGMA journal_mode"));
            second.Execute("INSERT INTO t(v) VALUES(1)");
        }

        Assert.Equal([_folder["a.db"]], Directory.GetFiles(_folder.Path));
        using var reader = Database.Open(_folder["a.db"], new DatabaseOptions { Access = DatabaseAccess.Read });
        Assert.Equal("delete", reader.QueryText("PRAGMA journal_mode"));
        Assert.False(reader.HasTable("fx_journal"));
    }

    // The folder has another name by now, so SQLite finds no place for the journal of the switch.
    [Test]
    public void A_file_that_does_not_get_its_mode_back_is_warned_of()
    {
        var warnings = new List<string>();
        Directory.CreateDirectory(_folder["before"]);
        Create("before/a.db").Dispose();
        var database = Database.Open(
            Path.Combine(_folder["before"], "a.db"), new DatabaseOptions { Warned = warnings.Add });
        database.Execute("INSERT INTO t(v) VALUES(1)");
        Directory.Move(_folder["before"], _folder["after"]);

        database.Dispose();

        Assert.Contains("giving the file its own journal mode back", Assert.Single(warnings), StringComparison.Ordinal);
        using (var next = Database.Open(
            Path.Combine(_folder["after"], "a.db"), new DatabaseOptions { Warned = warnings.Add }))
            Assert.Equal(1, next.QueryInt64("SELECT count(*) FROM t"));
        Assert.Single(warnings);
        using var reader = Database.Open(
            Path.Combine(_folder["after"], "a.db"), new DatabaseOptions { Access = DatabaseAccess.Read });
        Assert.Equal("delete", reader.QueryText("PRAGMA journal_mode"));
    }

    [Test]
    public void A_file_that_others_put_into_that_mode_stays_in_it()
    {
        using (var theirs = Database.Open(
            _folder["a.db"], new DatabaseOptions { Access = DatabaseAccess.Create, Journal = DatabaseJournal.AsFound }))
        {
            theirs.Execute("CREATE TABLE t(id INTEGER PRIMARY KEY, v)");
            theirs.Execute("PRAGMA journal_mode=WAL");
        }

        using (var ours = Database.Open(_folder["a.db"], new DatabaseOptions()))
            ours.Execute("INSERT INTO t(v) VALUES(1)");

        using var reader = Database.Open(_folder["a.db"], new DatabaseOptions { Access = DatabaseAccess.Read });
        Assert.Equal("wal", reader.QueryText("PRAGMA journal_mode"));
        Assert.False(reader.HasTable("fx_journal"));
    }

    [Test]
    public void A_lock_held_too_long_is_unavailable()
    {
        using var holder = Create();
        using var other = Database.Open(
            _folder["a.db"], new DatabaseOptions { BusyTimeout = TimeSpan.FromMilliseconds(20) });
        using var transaction = holder.Begin();

        var error = Assert.Throws<SqliteException>(() => other.Begin());

        Assert.Equal(ErrorKind.Unavailable, error.Kind);
        Assert.Contains(_folder["a.db"], error.Message, StringComparison.Ordinal);
        Assert.False(other.IsInTransaction);
    }

    [Test]
    public void A_file_that_is_not_a_database_is_not_a_repository()
    {
        File.WriteAllText(_folder["text.db"], new string('x', 5000));

        var error = Assert.Throws<SqliteException>(() => Database.Open(_folder["text.db"], new DatabaseOptions()));

        Assert.Equal(ErrorKind.Usage, error.Kind);
        Assert.Contains("is not a Fossil repository", error.Message, StringComparison.Ordinal);
    }

    [Test]
    public void A_missing_file_is_not_found_and_not_created()
    {
        var error = Assert.Throws<EdgeSyncException>(
            () => Database.Open(_folder["none.db"], new DatabaseOptions()));

        Assert.Equal(ErrorKind.NotFound, error.Kind);
        Assert.Empty(Directory.GetFiles(_folder.Path));
    }

    [Test]
    public void Data_version_changes_on_foreign_commits_only()
    {
        using var mine = Create();
        using var theirs = Database.Open(_folder["a.db"], new DatabaseOptions());
        var before = mine.DataVersion;

        mine.Execute("INSERT INTO t(v) VALUES(1)");
        Assert.Equal(before, mine.DataVersion);

        theirs.Execute("INSERT INTO t(v) VALUES(2)");
        Assert.NotEqual(before, mine.DataVersion);
    }

    [Test]
    public void Triggers_of_the_file_do_not_run()
    {
        using (var database = Create())
        {
            database.Execute("CREATE TRIGGER x AFTER INSERT ON t BEGIN DELETE FROM t; END");
        }

        using var again = Database.Open(_folder["a.db"], new DatabaseOptions());
        again.Execute("INSERT INTO t(v) VALUES(1)");

        Assert.Equal(1, again.QueryInt64("SELECT count(*) FROM t"));
    }

    [Test]
    public void Large_content_is_written_and_read_in_pieces()
    {
        using var database = Create();
        using (var insert = database.Prepare("INSERT INTO t(id,v) VALUES(7,?1)")) insert.BindZeroes(1, 10_000).Run();

        using (var blob = database.OpenBlob("t", "v", 7, canWrite: true)) blob.Write(9_998, [1, 2]);

        using var read = database.OpenBlob("t", "v", 7);
        var tail = new byte[3];
        read.Read(9_997, tail);
        Assert.Equal(10_000, read.SizeBytes);
        Assert.Equal([0, 1, 2], tail);
    }

    [Test]
    public void A_backup_is_a_whole_copy()
    {
        using var database = Create();
        database.Execute("INSERT INTO t(v) VALUES(zeroblob(100000))");

        using (var copy = Database.Open(_folder["copy.db"], new DatabaseOptions { Access = DatabaseAccess.Create }))
        {
            database.BackUpTo(copy);
        }

        using var reader = Database.Open(_folder["copy.db"], new DatabaseOptions { Access = DatabaseAccess.Read });
        Assert.Equal(100_000, reader.QueryInt64("SELECT length(v) FROM t"));
    }
}
