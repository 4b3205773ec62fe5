using EdgeSync.Tests.Support;

namespace EdgeSync.InteropTests;

/// <summary>The test tools themselves: a comparer that sees nothing would make every other test pass.</summary>
public sealed class StockToolsTests
{
    [Test]
    public void Stock_serves_clones_and_compares_equal()
    {
        StockFossil.SkipWhenMissing();
        using var folder = new TemporaryFolder("tools");
        var fossil = new StockFossil(folder);
        fossil.Run("init", folder["a.fossil"]);

        using (var server = fossil.Serve(folder["a.fossil"]))
            fossil.Run("clone", server.Url, folder["b.fossil"]);

        fossil.MustBeIntact(folder["b.fossil"]);
        RepositoryComparer.MustBeEqual(folder["a.fossil"], folder["b.fossil"]);
    }

    [Test]
    [Arguments("UPDATE event SET mtime=mtime+2e-8", "event")]
    [Arguments("UPDATE leaf SET rid=2", "leaf")]
    [Arguments("UPDATE tagxref SET origid=2", "tagxref")]
    [Arguments("UPDATE tagxref SET tagid=9 WHERE tagid=8", "tagxref")]
    [Arguments("DELETE FROM leaf", "leaf")]
    [Arguments("INSERT INTO tagxref SELECT 9,1,srcid,origid,value,mtime,rid FROM tagxref WHERE tagid=8", "tagxref")]
    public void A_changed_row_is_found(string change, string table)
    {
        StockFossil.SkipWhenMissing();
        using var folder = new TemporaryFolder("tools");
        var fossil = new StockFossil(folder);
        fossil.Run("init", folder["a.fossil"]);
        File.Copy(folder["a.fossil"], folder["b.fossil"]);
        using (var file = new SqliteFile(folder["b.fossil"], writable: true))
        {
            file.Execute(
                "INSERT INTO blob(rid,rcvid,size,uuid,content) "
                    + "VALUES(2,0,-1,'0123456789012345678901234567890123456789',NULL)");
            file.Execute(change);
        }

        var report = RepositoryComparer.Derived(folder["a.fossil"])
            .DifferencesFrom(RepositoryComparer.Derived(folder["b.fossil"]));

        Assert.StartsWith(table + ":", report, StringComparison.Ordinal);
    }
}
