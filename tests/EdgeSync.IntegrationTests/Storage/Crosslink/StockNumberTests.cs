using System.Globalization;
using EdgeSync.Primitives;
using EdgeSync.Storage.Crosslink;
using EdgeSync.Tests.Support;

namespace EdgeSync.IntegrationTests.Storage.Crosslink;

public sealed class StockNumberTests
{
    // Day numbers of D cards, and what stock 2.21 on x86-64 stored for them in event.omtime.
    [Test]
    [Arguments("2458851.0398588195", "2458851.03985882")]
    [Arguments("2458850.6224795138", "2458850.622479514")]
    [Arguments("2458849.969444155", "2458849.969444156")]
    [Arguments("2458851.4156188425", "2458851.415618843")]
    [Arguments("2458849.6371027892", "2458849.63710279")]
    [Arguments("2458850.14321287", "2458850.143212871")]
    [Arguments("2458867.1220102664", "2458867.122010267")]
    [Arguments("2458863.7012219215", "2458863.701221922")]
    [Arguments("0", "0")]
    [Arguments("-2458867.1220102664", "-2458867.122010267")]
    public void Loses_the_bits_that_stock_loses(string given, string stored) =>
        Assert.Equal(Parse(stored), StockNumber.AsStored(Parse(given)));

    [Test]
    public void Stays_within_a_microsecond_and_settles() => Property.Check(prng =>
    {
        var day = Instant.FromUnixMilliseconds(prng.NextInt64(4_000_000_000_000)).JulianDay;

        var stored = StockNumber.AsStored(day);

        Assert.InRange(stored - day, -2e-9, 2e-9);
    });

    /// <summary>Whole histories, bit for bit: the comparer of tables rounds times, this does not.</summary>
    [Test]
    public void Every_check_in_of_the_vector_has_the_time_that_stock_wrote()
    {
        var path = Path.Combine(Vectors.RepositoryRoot, "tests", "Vectors", "repositories", "kinds.fossil");
        using var repository = EdgeSync.Storage.Repository.Open(
            path,
            EdgeSync.Storage.RepositoryOptions.Default with { Access = EdgeSync.Storage.Sqlite.DatabaseAccess.Read });
        var count = 0;
        using var query = repository.Database.Prepare("SELECT objid, omtime FROM event WHERE type='ci'");
        while (query.Step())
        {
            using var content = repository.Content.Get(query.Record(0));
            Assert.True(EdgeSync.Fossil.Artifacts.ArtifactParser.TryParse(content.Span.ToArray(), out var artifact));
            Assert.Equal(query.Double(1), StockNumber.AsStored(artifact.JulianDay));
            count++;
        }

        Assert.True(count > 30);
    }

    private static double Parse(string text) => double.Parse(text, CultureInfo.InvariantCulture);
}
