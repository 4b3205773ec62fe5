using System.Globalization;
using System.Text;
using EdgeSync.Fossil.Delta;
using EdgeSync.InteropTests.Support;
using EdgeSync.Primitives;
using EdgeSync.Tests.Shared;

namespace EdgeSync.InteropTests.Delta;

/// <summary>Our deltas are stock's, byte for byte, so that sizes, and with them every "is it worth it" decision, agree.</summary>
public sealed class DeltaOracleTests
{
    private const int Count = 1500;

    [Fact]
    public void Stock_and_we_write_the_same_deltas()
    {
        using var bench = new Workbench("delta");
        var prng = new Prng(5);
        var pairs = Enumerable.Range(0, Count).Select(_ => Pair(prng)).ToList();

        var stock = Ask(bench, pairs, "delta_create(source,target)");
        var applied = Ask(bench, [.. pairs.Select(pair => (pair.Source, DeltaEncoder.Encode(pair.Source, pair.Target)))], "delta_apply(source,target)");

        for (var i = 0; i < Count; i++)
        {
            var (source, target) = pairs[i];
            Assert.Equal(stock[i], Convert.ToHexString(DeltaEncoder.Encode(source, target)));
            Assert.Equal(Convert.ToHexString(target), applied[i]);
        }
    }

    private static (byte[] Source, byte[] Target) Pair(Prng prng)
    {
        var source = prng.NextInt32(5) switch
        {
            0 => prng.NextBytes(prng.NextInt32(3000)),
            1 => Encoding.ASCII.GetBytes(string.Concat(Enumerable.Repeat("abcdefgh\n", prng.NextInt32(300)))),
            2 => new byte[prng.NextInt32(2000)],
            _ => Encoding.ASCII.GetBytes(string.Concat(Enumerable.Range(0, prng.NextInt32(200))
                .Select(i => string.Create(CultureInfo.InvariantCulture, $"line {i} of {prng.NextInt32(50)} words\n")))),
        };
        var target = source;
        for (var edits = prng.NextInt32(6); edits > 0; edits--) target = Mutation.OfBytes(prng, target, [source]);
        return (source, target);
    }

    private static string[] Ask(Workbench bench, IReadOnlyList<(byte[] Source, byte[] Target)> pairs, string expression)
    {
        var repository = bench[$"delta-{Guid.NewGuid():N}.fossil"];
        bench.Stock.Run("init", repository);
        var script = new StringBuilder(".mode list\n");
        foreach (var (source, target) in pairs)
        {
            script.Append(CultureInfo.InvariantCulture,
                $"SELECT 'x'||hex({expression}) FROM (SELECT x'{Convert.ToHexString(source)}' AS source, x'{Convert.ToHexString(target)}' AS target);\n");
        }

        return [.. (bench.Stock.Start("sql", "-R", repository) with { Input = Encoding.ASCII.GetBytes(script.ToString()) })
            .Run().MustSucceed().Output.Split('\n', StringSplitOptions.RemoveEmptyEntries)
            .Select(line => line.Trim('\'', '\r')[1..])];
    }
}
