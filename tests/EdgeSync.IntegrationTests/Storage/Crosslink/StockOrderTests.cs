using System.Globalization;
using System.Text.RegularExpressions;
using EdgeSync.Storage.Crosslink.Rebuild;
using EdgeSync.Tests.Support;

namespace EdgeSync.IntegrationTests.Storage.Crosslink;

public sealed partial class StockOrderTests
{
    [Test]
    public void Full_texts_come_by_record_and_deltas_after_their_source()
    {
        var order = StockOrder.Make([1, 2, 3, 4, 5], [3, 0, 0, 1, 9]);

        Assert.Equal([2, 3, 1, 4, 5], new long[] { 1, 2, 3, 4, 5 }.OrderBy(order.RankOf));
    }

    [Test]
    public void A_circle_of_deltas_ends()
    {
        var order = StockOrder.Make([1, 2, 3], [2, 1, 0]);

        Assert.Equal([3, 1, 2], new long[] { 1, 2, 3 }.OrderBy(order.RankOf));
    }

    /// <summary>Stock's own account of a rebuild, record by record.</summary>
    [Test]
    public void Is_the_order_in_which_stock_links()
    {
        StockFossil.SkipWhenMissing();
        using var folder = new TemporaryFolder("order");
        var path = folder["kinds.fossil"];
        File.Copy(Path.Combine(Vectors.RepositoryRoot, "tests", "Vectors", "repositories", "kinds.fossil"), path);
        var order = ReadOrder(path);

        var trace = new StockFossil(folder).Run("rebuild", "--sqltrace", path);

        var linked = LinkedRecord().Matches(trace.Text)
            .Select(match => long.Parse(match.Groups[1].Value, CultureInfo.InvariantCulture));
        long[] once = [.. linked.Distinct()];
        Assert.True(once.Length > 300);
        Assert.Equal(once.OrderBy(order.RankOf), once);
    }

    private static StockOrder ReadOrder(string path)
    {
        using var file = new SqliteFile(path);
        var rows = file.Query(
            "SELECT blob.rid, coalesce(srcid,0) FROM blob LEFT JOIN delta ON delta.rid=blob.rid ORDER BY 1").ToList();
        return StockOrder.Make([.. rows.Select(row => (long)row[0]!)], [.. rows.Select(row => (long)row[1]!)]);
    }

    [GeneratedRegex(@"manifest_crosslink\((\d+)\)")]
    private static partial Regex LinkedRecord();
}
