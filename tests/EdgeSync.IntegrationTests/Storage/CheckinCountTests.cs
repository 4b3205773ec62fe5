using EdgeSync.Primitives;
using EdgeSync.Storage;
using EdgeSync.Storage.Queries;
using EdgeSync.Tests.Support;

namespace EdgeSync.IntegrationTests.Storage;

/// <summary>The number of check-ins, without counting all of them after each commit.</summary>
public sealed class CheckinCountTests
{
    [Test]
    public void New_check_ins_are_added_and_all_are_counted_only_once()
    {
        using var folder = new TemporaryFolder();
        using var repository = Repository.Create(folder["a.fossil"], new RepositoryCreateOptions());
        var count = new CheckinCount();
        var before = Read(repository, count);

        for (var i = 0; i < 5; i++)
        {
            Commit(repository, i);
            Assert.Equal(before + i + 1, Read(repository, count));
        }

        Assert.Equal(before + 5, Read(repository, count));
        Assert.Equal(1, count.Scans);
    }

    [Test]
    public void With_phantoms_all_check_ins_are_counted()
    {
        using var folder = new TemporaryFolder();
        using var repository = Repository.Create(folder["a.fossil"], new RepositoryCreateOptions());
        Commit(repository, 1);
        var count = new CheckinCount();
        Read(repository, count);
        repository.Database.Execute($"INSERT INTO blob(uuid,size,rcvid) VALUES('{new string('a', 40)}',-1,0)");
        repository.Database.Execute("INSERT INTO phantom SELECT max(rid) FROM blob");

        Read(repository, count);

        Assert.Equal(2, count.Scans);
    }

    private static long Read(Repository repository, CheckinCount count) =>
        Arrivals.Read(repository, RecordId.None, 256, 24, count).Checkins;

    private static void Commit(Repository repository, int number) => repository.Database.Execute(
        $"INSERT INTO event(type,mtime,objid,user,comment) SELECT 'ci', julianday('now'), "
            + $"coalesce(max(objid),0)+{number + 1}, 'tester', 'n' FROM event");
}
