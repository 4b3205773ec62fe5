using System.Diagnostics;
using EdgeSync.Primitives;
using EdgeSync.Storage;
using EdgeSync.Storage.Sqlite;
using EdgeSync.Tests.Support;

namespace EdgeSync.IntegrationTests.Storage;

/// <summary>What the disk holds while we write, after we died, and when it is full.</summary>
public sealed class DurabilityTests : IDisposable
{
    private readonly TemporaryFolder _folder = new("durable");

    public void Dispose() => _folder.Dispose();

    private string NewRepository(string name = "r.fossil")
    {
        var path = _folder[name];
        Repository.Create(path, new RepositoryCreateOptions { AdminUser = StockFossil.User }).Dispose();
        return path;
    }

    [Test]
    public void Stock_reads_and_writes_while_we_hold_the_file()
    {
        StockFossil.SkipWhenMissing();
        var stock = new StockFossil(_folder);
        var path = NewRepository();
        using var repository = Repository.Open(path);
        Put(repository, "ours before");

        stock.MustBeIntact(path);
        stock.Run("uv", "add", "-R", path, _folder.Write("theirs.txt", "made there\n"), "--as", "theirs.txt");
        Put(repository, "ours after");

        Assert.True(repository.Unversioned.TryGet("theirs.txt", out _));
        stock.MustBeIntact(path);
    }

    // The state of the disk at the moment of a kill is what other programs would find: a copy of file and log.
    [Test]
    public void A_copy_of_file_and_log_taken_at_any_moment_is_whole()
    {
        StockFossil.SkipWhenMissing();
        var stock = new StockFossil(_folder);
        var path = NewRepository();
        using var repository = Repository.Open(path);
        for (var i = 0; i < 5; i++)
        {
            Put(repository, $"committed {i}");
            using (var open = repository.Begin())
            {
                repository.Content.Put(new Prng((ulong)i).NextBytes(3_000_000));
                Copy(path, _folder[$"dead{i}.fossil"]);
            }

            stock.MustBeIntact(_folder[$"dead{i}.fossil"]);
            using var survivor = Repository.Open(_folder[$"dead{i}.fossil"]);
            Assert.Equal(i + 2, survivor.Database.QueryInt64("SELECT count(*) FROM blob"));
        }
    }

    [Test]
    public void A_full_disk_is_an_error_and_no_damage()
    {
        var path = NewRepository();
        using var repository = Repository.Open(path);
        repository.Database.Execute("PRAGMA max_page_count=100");

        var error = Assert.Throws<SqliteException>(() => Put(repository, 2_000_000));

        Assert.Equal(ErrorKind.System, error.Kind);
        Assert.Contains("full", error.Message, StringComparison.Ordinal);
        Assert.Contains(path, error.Message, StringComparison.Ordinal);
        Assert.Equal("ok", repository.Database.QueryText("PRAGMA integrity_check"));
        Assert.Equal(1, repository.Database.QueryInt64("SELECT count(*) FROM blob"));
        Put(repository, "small enough");
    }

    [Test]
    public void A_backup_taken_while_we_write_is_a_whole_repository()
    {
        var path = NewRepository();
        using var repository = Repository.Open(path);
        Put(repository, "before");

        repository.BackUp(_folder["copy.fossil"]);
        Put(repository, "after");

        using var copy = Repository.Open(_folder["copy.fossil"], RepositoryOptions.ReadOnly);
        Assert.Equal(2, copy.Database.QueryInt64("SELECT count(*) FROM blob"));
        Assert.Throws<EdgeSyncException>(() => repository.BackUp(_folder["copy.fossil"]));
    }

    [Test]
    public void A_read_only_folder_can_be_read()
    {
        Skip.When(OperatingSystem.IsWindows(), "needs a read-only mount");
        NewRepository();
        var mount = _folder.Folder("mounted");
        Skip.Unless(TryRun("mount", "--bind", "-o", "ro", _folder.Path, mount), "a read-only mount needs root");
        try
        {
            using var repository = Repository.Open(Path.Combine(mount, "r.fossil"), RepositoryOptions.ReadOnly);
            Assert.False(repository.Names.ResolveCheckin("tip").IsNone);
            var error = Assert.Throws<SqliteException>(
                () => Repository.Open(Path.Combine(mount, "r.fossil")).Dispose());
            Assert.Equal(ErrorKind.System, error.Kind);
        }
        finally
        {
            TryRun("umount", mount);
        }
    }

    private static bool TryRun(string program, params string[] arguments)
    {
        try
        {
            using var process = Process.Start(
                new ProcessStartInfo(program, arguments) { RedirectStandardError = true })!;
            process.WaitForExit();
            return process.ExitCode == 0;
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return false;
        }
    }

    private static void Copy(string from, string to)
    {
        File.Copy(from, to);
        if (File.Exists(from + "-wal")) File.Copy(from + "-wal", to + "-wal");
    }

    private static void Put(Repository repository, string text) =>
        Put(repository, System.Text.Encoding.UTF8.GetBytes(text));

    private static void Put(Repository repository, int size) => Put(repository, new Prng(1).NextBytes(size));

    private static void Put(Repository repository, byte[] content)
    {
        using var transaction = repository.Begin();
        repository.Content.Put(content);
        transaction.Commit();
    }
}
