using EdgeSync.InteropTests.Support;
using EdgeSync.Tests.Support;

namespace EdgeSync.InteropTests.Repositories;

/// <summary>From the same artifacts both programs derive the same rows, down to the last bit of every time.</summary>
[ClassDataSource<GeneratedHistory>(Shared = SharedType.PerAssembly)]
public sealed class RebuildTests(GeneratedHistory history)
{
    [Test]
    [Arguments("kinds")]
    [Arguments("kinds-sha1")]
    [Arguments("kinds-shuffled")]
    [Arguments("history")]
    public void Rebuild_derives_what_stock_derives(string name)
    {
        using var bench = new Workbench("rebuild");
        var stock = history.CopyOf(name, bench.Folder, "stock.fossil");
        var ours = history.CopyOf(name, bench.Folder, "ours.fossil");

        bench.Stock.Run("rebuild", stock);
        bench.Ours.Run("repo", "rebuild", "-R", ours);

        RepositoryComparer.MustBeEqual(stock, ours);
        bench.Stock.MustBeIntact(ours);
        bench.Ours.MustBeIntact(ours);
    }

    /// <summary>The tables may be gone or full of nonsense: only artifacts count.</summary>
    [Test]
    public void Rebuild_verifies_what_it_reads()
    {
        using var bench = new Workbench("rebuild");
        var ours = history.CopyOf("kinds", bench.Folder, "ours.fossil");
        using (var file = new SqliteFile(ours, writable: true))
        {
            file.Execute(
                "DELETE FROM event WHERE objid%2; UPDATE mlink SET fid=pid; DELETE FROM tagxref; UPDATE plink SET "
                    + "isprim=0;" +
                "INSERT INTO leaf SELECT rid FROM blob WHERE true ON CONFLICT DO NOTHING; DELETE FROM filename; DELETE "
                    + "FROM ticket");
        }

        bench.Ours.Run("repo", "rebuild", "-R", ours);

        // When an edited comment is linked decides the time of its links, and that goes along the delta trees.
        RepositoryComparer.MustBeEqual(history.Kinds, ours, "backlink");
    }

    /// <summary>Foreign tables stay by their names, as with stock.</summary>
    [Test]
    public void Rebuild_keeps_durable_rows()
    {
        using var bench = new Workbench("rebuild");
        var ours = history.CopyOf("kinds", bench.Folder, "ours.fossil");
        using (var file = new SqliteFile(ours, writable: true))
            file.Execute(
                "CREATE TABLE fx_mine(a); INSERT INTO fx_mine VALUES(1); INSERT INTO config(name,value,mtime) "
                    + "VALUES('mine','1',1)");

        bench.Ours.Run("repo", "rebuild", "-R", ours);

        using var after = new SqliteFile(ours);
        using var before = new SqliteFile(history.Kinds);
        Assert.Equal(1, after.Count("SELECT count(*) FROM fx_mine"));
        Assert.Equal(1, after.Count("SELECT count(*) FROM config WHERE name='mine'"));
        Assert.Equal(before.Count("SELECT count(*) FROM user"), after.Count("SELECT count(*) FROM user"));
        Assert.Equal(before.Count("SELECT count(*) FROM private"), after.Count("SELECT count(*) FROM private"));
    }

    /// <summary>Shunned content goes, and what was a delta of it stays whole.</summary>
    [Test]
    public void Rebuild_removes_shunned_content()
    {
        using var bench = new Workbench("rebuild");
        var stock = history.CopyOf("kinds", bench.Folder, "stock.fossil");
        using (var file = new SqliteFile(stock, writable: true))
        {
            file.Execute(
                "INSERT INTO shun(uuid,mtime,scom) SELECT uuid,1,'test' FROM blob WHERE rid IN (SELECT DISTINCT srcid "
                    + "FROM delta) AND rid%3=0");
            Assert.True(file.Count("SELECT count(*) FROM shun") > 3);
        }

        File.Copy(stock, bench["ours.fossil"]);
        bench.Stock.Run("rebuild", stock);
        bench.Ours.Run("repo", "rebuild", "-R", bench["ours.fossil"]);

        RepositoryComparer.MustBeEqual(stock, bench["ours.fossil"], "backlink");
        bench.Stock.MustBeIntact(bench["ours.fossil"]);
    }
}
