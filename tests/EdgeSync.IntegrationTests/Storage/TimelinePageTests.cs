using EdgeSync.Primitives;
using EdgeSync.Storage;
using EdgeSync.Storage.Names;
using EdgeSync.Storage.Queries;
using EdgeSync.Tests.Support;

namespace EdgeSync.IntegrationTests.Storage;

public sealed class TimelinePageTests : IDisposable
{
    private readonly TemporaryFolder _folder = new("timeline");
    private readonly Repository _repository;

    public TimelinePageTests()
    {
        var path = _folder["kinds.fossil"];
        File.Copy(Vectors.PathOf("repositories", "kinds.fossil"), path);
        _repository = Repository.Open(path);
    }

    public void Dispose()
    {
        _repository.Dispose();
        _folder.Dispose();
    }

    private List<TimelineEntry> ReadAll(TimelineQuery query)
    {
        var entries = new List<TimelineEntry>();
        for (string? cursor = null; ;)
        {
            var page = TimelinePage.Read(_repository, query with { Cursor = cursor });
            entries.AddRange(page.Entries);
            if (page.Next is null) return entries;

            Assert.Equal(query.PageSize, page.Entries.Count);
            cursor = page.Next;
        }
    }

    [Test]
    [Arguments(1)]
    [Arguments(7)]
    [Arguments(1000)]
    public void Pages_together_are_the_whole_timeline(int size)
    {
        var whole = Timeline.List(_repository, 0, null, null, null).ToList();

        Assert.Equal(whole, ReadAll(new TimelineQuery { PageSize = size }));
    }

    [Test]
    public void Type_branch_and_times_choose()
    {
        var checkins = ReadAll(new TimelineQuery { Type = EventType.Checkin });
        Assert.All(checkins, entry => Assert.Equal("ci", entry.Type));
        Assert.Equal(_repository.Database.QueryInt64("SELECT count(*) FROM event WHERE type='ci'"), checkins.Count);

        var middle = checkins[checkins.Count / 2].Date;
        Assert.All(ReadAll(new TimelineQuery { After = middle }), entry => Assert.True(entry.Date >= middle));
        Assert.All(ReadAll(new TimelineQuery { Before = middle }), entry => Assert.True(entry.Date <= middle));
        Assert.All(
            ReadAll(new TimelineQuery { Branch = "trunk", Type = EventType.Checkin }),
            entry => Assert.Contains(
                Tags.Of(_repository, _repository.Content.Find(entry.Id)), tag => tag.Name == "sym-trunk"));
    }

    [Test]
    public void What_arrives_between_two_pages_neither_repeats_nor_hides_anything()
    {
        var whole = ReadAll(new TimelineQuery());
        var first = TimelinePage.Read(_repository, new TimelineQuery { PageSize = 5 });
        _repository.Database.Execute(
            """
            INSERT INTO blob(rcvid,size,uuid,content) VALUES(1,0,lower(hex(randomblob(20))),x'');
            INSERT INTO event(type,mtime,objid,user,comment) VALUES('g',9e6,last_insert_rowid(),'x','new')
            """);

        var second = TimelinePage.Read(_repository, new TimelineQuery { PageSize = 5, Cursor = first.Next });

        Assert.Equal(whole.Take(10), first.Entries.Concat(second.Entries));
    }

    [Test]
    [Arguments("")]
    [Arguments("x")]
    [Arguments("1.5_")]
    [Arguments("_5")]
    public void A_foreign_cursor_is_refused(string cursor) => Assert.Equal(
        ErrorKind.Usage,
        Assert.Throws<EdgeSyncException>(
            () => TimelinePage.Read(_repository, new TimelineQuery { Cursor = cursor })).Kind);
}
