using EdgeSync.Storage;
using EdgeSync.Storage.Sqlite;
using EdgeSync.Tests.Support;

namespace EdgeSync.IntegrationTests.Storage;

/// <summary>P6: other files in the folder of a repository are written without an event.</summary>
public sealed class DatabaseWatchTests : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private readonly TemporaryFolder _folder = new("watch");
    private readonly SemaphoreSlim _changes = new(0);

    public void Dispose()
    {
        _folder.Dispose();
        _changes.Dispose();
    }

    [Test]
    [Arguments(DatabaseJournal.AsFound)]
    [Arguments(DatabaseJournal.WriteAhead)]
    public async Task Writes_to_the_database_are_reported_and_others_are_not(DatabaseJournal journal)
    {
        Skip.Unless(OperatingSystem.IsLinux(), "the kernel's watches are Linux's");
        var path = NewRepository();
        using var watch = DatabaseWatch.TryStart(path, () => _changes.Release())!;
        using (var other = new FileStream(_folder["other.bin"], FileMode.Create, FileAccess.Write, FileShare.None, 0))
        {
            for (var i = 0; i < 5_000; i++) other.WriteByte(1);
        }

        for (var i = 0; i < 2_000; i++)
            await File.AppendAllTextAsync(_folder["other.bin"], "x", TestContext.Current!.Execution.CancellationToken);
        Write(path, journal);

        Assert.True(await _changes.WaitAsync(Patience, TestContext.Current!.Execution.CancellationToken));
        Assert.InRange(watch.EventsRead, 1, 200);
    }

    [Test]
    public async Task A_database_behind_a_link_is_watched_where_it_is()
    {
        Skip.Unless(OperatingSystem.IsLinux(), "the kernel's watches are Linux's");
        var path = NewRepository();
        File.CreateSymbolicLink(Path.Combine(_folder.Folder("links"), "r.fossil"), path);
        using var watch = DatabaseWatch.TryStart(_folder["links", "r.fossil"], () => _changes.Release());

        Write(path, DatabaseJournal.WriteAhead);

        Assert.True(await _changes.WaitAsync(Patience, TestContext.Current!.Execution.CancellationToken));
    }

    [Test]
    public void Disposing_ends_the_watch()
    {
        Skip.Unless(OperatingSystem.IsLinux(), "the kernel's watches are Linux's");
        var watch = DatabaseWatch.TryStart(NewRepository(), () => { })!;

        watch.Dispose();
        watch.Dispose();
    }

    private string NewRepository()
    {
        var path = _folder["r.fossil"];
        Repository.Create(path, new RepositoryCreateOptions { AdminUser = "tester" }).Dispose();
        return path;
    }

    private static void Write(string path, DatabaseJournal journal)
    {
        using var repository = Repository.Open(path, new RepositoryOptions { Journal = journal });
        using var transaction = repository.Begin();
        repository.Settings["some"] = "thing";
        transaction.Commit();
    }
}
