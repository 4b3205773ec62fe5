using EdgeSync.Fossil.Sync.Store;
using EdgeSync.IntegrationTests.Storage.Authoring;
using EdgeSync.Primitives;
using EdgeSync.Storage.Sync;

namespace EdgeSync.IntegrationTests.Storage;

/// <summary>Synced tables through the words of their user.</summary>
public sealed class SyncedTablesTests : IDisposable
{
    private readonly TestProject _project = new();
    private readonly SyncedTables _tables;

    public SyncedTablesTests()
    {
        _tables = new SyncedTables(_project.Repository);
        _tables.Declare("pump", "id:text:pk,state:text,pressure:real,count:integer", SyncedConflict.MtimeWins);
    }

    public void Dispose() => _project.Dispose();

    [Test]
    public void Rows_are_written_found_replaced_and_deleted()
    {
        _tables.Put("pump", Row("id=north", "state=on", "pressure=2.5", "count=7"));
        _tables.Put("pump", Row("id=south", "state=off"));
        Assert.Equal(
            """{"id":"north","state":"on","pressure":2.5,"count":7}""", _tables.Read("pump", Row("id=north")));
        Assert.Equal(["north on 2.5 7", "south off  "], Found(null));
        Assert.Equal(["north on 2.5 7"], Found("pressure>2"));

        _tables.Put("pump", Row("id=north", "state=off"));
        Assert.Equal(["north off  "], Found("id='north'"));
        Assert.True(_tables.Delete("pump", Row("id=north")));
        Assert.False(_tables.Delete("pump", Row("id=north")));
        Assert.Null(_tables.Read("pump", Row("id=north")));
        _tables.Put("pump", Row("id=north", "state=again"));
        Assert.Equal(["north again  "], Found("id='north'"));
    }

    [Test]
    public void Each_change_is_newer_than_the_one_before()
    {
        var store = new SyncedTableStore(_project.Repository);
        long last = 0;
        foreach (var state in (string[])["a", "b", "c"])
        {
            _tables.Put("pump", Row("id=x", $"state={state}"));
            var now = store.ListRows("pump").Single().MtimeSeconds;
            Assert.True(now > last);
            last = now;
        }
    }

    [Test]
    public void Columns_can_be_added_and_nothing_else_changed()
    {
        _tables.Put("pump", Row("id=x", "state=on"));
        Assert.False(_tables.Declare("pump", "id:text:pk,state:text", SyncedConflict.MtimeWins));
        Assert.True(_tables.Declare("pump", "id:text:pk,place:text", SyncedConflict.MtimeWins));

        Assert.Equal(2, _tables.Get("pump").Version);
        _tables.Put("pump", Row("id=y", "place=roof"));
        Assert.Equal(["y    roof"], Found("place='roof'"));
        foreach (var columns in (string[])["id:integer:pk", "id:text:pk,other:text:pk"])
            Assert.Equal(ErrorKind.Conflict, KindOf(() => _tables.Declare("pump", columns, SyncedConflict.MtimeWins)));
        Assert.Equal(
            ErrorKind.Conflict, KindOf(() => _tables.Declare("pump", "id:text:pk", SyncedConflict.OwnerWrite)));
    }

    [Test]
    [Arguments("pump", "nosuch=1")]
    [Arguments("pump", "state=on")]
    [Arguments("pump", "id=x,count=many")]
    [Arguments("pump", "id=x,pressure=NaN")]
    public void What_does_not_fit_is_refused(string table, string row) =>
        Assert.Equal(ErrorKind.Usage, KindOf(() => _tables.Put(table, Row(row.Split(',')))));

    [Test]
    [Arguments("Pump", "id:text:pk")]
    [Arguments("x_pump", "id:text:pk")]
    [Arguments("blob", "id:text:pk")]
    [Arguments("other", "id:text")]
    [Arguments("other", "id:word:pk")]
    [Arguments("other", "mtime:text:pk")]
    [Arguments("other", "a b:text:pk")]
    public void A_declaration_that_makes_no_table_is_refused(string name, string columns) =>
        Assert.Equal(ErrorKind.Usage, KindOf(() => _tables.Declare(name, columns, SyncedConflict.MtimeWins)));

    [Test]
    public void A_condition_reads_its_own_table_alone()
    {
        Assert.ThrowsAny<EdgeSyncException>(() => _tables.Query("pump", "(SELECT 1 FROM user)"));
        Assert.Equal(ErrorKind.NotFound, KindOf(() => _tables.Query("nosuch", null)));
        _tables.Remove("pump");
        Assert.Equal(ErrorKind.NotFound, KindOf(() => _tables.Query("pump", null)));
    }

    private static ErrorKind KindOf(Action action) => Assert.Throws<EdgeSyncException>(action).Kind;

    private static Dictionary<string, string?> Row(params string[] words) =>
        words.Select(w => w.Split('=')).ToDictionary(w => w[0], w => (string?)w[1]);

    private string[] Found(string? condition) =>
        [.. _tables.Query("pump", condition).Rows.Select(r => string.Join(' ', r)).Order(StringComparer.Ordinal)];
}
