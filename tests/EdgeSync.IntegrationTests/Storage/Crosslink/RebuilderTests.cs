using EdgeSync.Storage;
using EdgeSync.Storage.Crosslink.Rebuild;
using EdgeSync.Tests.Support;

namespace EdgeSync.IntegrationTests.Storage.Crosslink;

public sealed class RebuilderTests : IDisposable
{
    private readonly TemporaryFolder _folder = new("rebuild");

    public void Dispose() => _folder.Dispose();

    /// <summary>A repository whose derived rows stock's rebuild wrote, every kind of artifact in it.</summary>
    private string CopyOfKinds(string name)
    {
        var path = _folder[name];
        File.Copy(Path.Combine(Vectors.RepositoryRoot, "tests", "Vectors", "repositories", "kinds.fossil"), path);
        return path;
    }

    [Test]
    [Arguments(0)]
    [Arguments(2)]
    public void Derives_the_rows_that_stock_derives(int workers)
    {
        StockFossil.SkipWhenMissing();
        var stock = CopyOfKinds("stock.fossil");
        var ours = CopyOfKinds("ours.fossil");
        new StockFossil(_folder).Run("rebuild", stock);

        Rebuild(ours, new RebuildOptions { WorkersMax = workers });

        DerivedRows.MustBeEqual(stock, ours);
    }

    /// <summary>
    /// Without stock at hand, against the rows in the file. It was made before texts became deltas, so that check-ins
    /// were linked before edits of their comments, which shows in the times of backlinks.
    /// </summary>
    [Test]
    public void Derives_the_rows_of_the_vector()
    {
        var vector = CopyOfKinds("vector.fossil");
        var ours = CopyOfKinds("ours.fossil");

        Rebuild(ours, new RebuildOptions());

        DerivedRows.MustBeEqual(vector, ours, "backlink");
    }

    /// <summary>A real history: <c>EDGESYNC_REAL_REPOSITORY</c> names a repository file.</summary>
    [Test]
    public void Derives_the_rows_that_stock_derives_from_a_real_history()
    {
        var real = Environment.GetEnvironmentVariable("EDGESYNC_REAL_REPOSITORY");
        Skip.When(string.IsNullOrEmpty(real), "EDGESYNC_REAL_REPOSITORY names no repository");
        StockFossil.SkipWhenMissing();
        var (stock, ours) = (_folder["stock.fossil"], _folder["ours.fossil"]);
        File.Copy(real!, stock);
        File.Copy(real!, ours);
        new StockFossil(_folder).Run("rebuild", stock);

        Rebuild(ours, new RebuildOptions());

        DerivedRows.MustBeEqual(stock, ours);
    }

    [Test]
    public void Rebuilding_twice_changes_nothing()
    {
        var once = CopyOfKinds("once.fossil");
        Rebuild(once, new RebuildOptions());
        var twice = _folder["twice.fossil"];
        File.Copy(once, twice);

        Rebuild(twice, new RebuildOptions());

        DerivedRows.MustBeEqual(once, twice);
    }

    [Test]
    public void Keeps_tables_of_its_own_and_drops_unknown_ones()
    {
        var path = CopyOfKinds("tables.fossil");
        using (var repository = Repository.Open(path))
        {
            repository.Database.Execute(
                "CREATE TABLE fx_mine(a); INSERT INTO fx_mine VALUES(7); CREATE TABLE stranger(a)");
        }

        Rebuild(path, new RebuildOptions());

        using var after = Repository.Open(path);
        Assert.Equal(7, after.Database.QueryInt64("SELECT a FROM fx_mine"));
        Assert.False(after.Database.HasTable("stranger"));
    }

    [Test]
    public void Makes_the_indexes_that_stock_makes()
    {
        var stock = CopyOfKinds("stock.fossil");
        var ours = CopyOfKinds("ours.fossil");

        Rebuild(ours, new RebuildOptions());

        Assert.Equal(Indexes(stock), Indexes(ours));
    }

    private static List<string> Indexes(string path)
    {
        using var file = new SqliteFile(path);
        return [
            .. file.Query(
                "SELECT name FROM sqlite_schema WHERE type='index' ORDER BY name").Select(row => (string)row[0]!)];
    }

    private static RebuildReport Rebuild(string path, RebuildOptions options)
    {
        using var repository = Repository.Open(path);
        return Rebuilder.Run(repository, options, TestContext.Current!.Execution.CancellationToken);
    }
}
