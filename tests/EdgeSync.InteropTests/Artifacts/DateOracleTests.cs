using System.Globalization;
using System.Text;
using EdgeSync.Fossil.Artifacts;
using EdgeSync.InteropTests.Support;
using EdgeSync.Primitives;
using EdgeSync.Tests.Shared;

namespace EdgeSync.InteropTests.Artifacts;

/// <summary>Dates in artifacts are whatever the SQLite inside stock reads as a date, to the millisecond.</summary>
public sealed class DateOracleTests
{
    private const int Count = 6000;

    private static readonly string[] Specimens =
    [
        "2024-01-11T00:00:00.000", "2024-01-11", "2024-01-11T10:20", "2024-01-11T10:20:30", "2024-01-11T10:20:30.5", "2024-01-11T10:20:30.123456789",
        "2024-01-11T10:20:30Z", "2024-01-11T10:20:30.25Z", "2024-01-11T10:20:30+01:00", "2024-01-11T10:20:30-11:30", "2024-02-30T00:00:00", "2023-02-29",
        "0000-01-01", "9999-12-31T23:59:59.999", "-0001-01-01", "1970-01-01T00:00:00.0005", "10:20:30", "10:20", "24:00", "2024-01-11T24:00:00", "2460320.5",
        "2460320", "0", "-1", "5373484.5", "5373484.49999", "1e3", ".5", "5.", "2024-01-11T10:20:30.9996", "2024-01-11T10:20:60", "2024-13-01", "2024-00-10",
        "2024-01-32", "1999-12-31T23:59:59.9999", "2024-01-11t10:20:30", "2024-1-1", "02024-01-01", "2024-01-11T10:20:30z", "2024-01-11T10:20:30+14:00",
        "2024-01-11T10:20:30+15:00", "2024-01-11T10:20:30.", "2024-01-11T", "T10:20", "", "inf", "nan", "0x10", "+5", "1_000",
    ];

    [Fact]
    public void Stock_and_we_read_the_same_dates()
    {
        using var bench = new Workbench("dates");
        var prng = new Prng(11);
        var texts = Specimens.ToList();
        while (texts.Count < Count)
        {
            // SQL text ends at NUL, and arguments hold neither spaces nor line ends; what is not ASCII is no date anyway.
            var spoiled = Encoding.Latin1.GetString(Mutation.OfBytes(prng, Encoding.Latin1.GetBytes(prng.Pick<string>(Specimens)), []));
            if (spoiled.All(c => c is > ' ' and <= '~') && spoiled.Length < 60) texts.Add(spoiled);
        }

        var script = new StringBuilder(".mode list\n");
        foreach (var text in texts)
        {
            script.Append(CultureInfo.InvariantCulture,
                $"SELECT coalesce(CAST(round(julianday('{text.Replace("'", "''", StringComparison.Ordinal)}')*86400000) AS INTEGER),'none');\n");
        }

        var repository = bench.NewRepository("dates.fossil");
        var answers = (bench.Stock.Start("sql", "-R", repository) with { Input = Encoding.ASCII.GetBytes(script.ToString()) })
            .Run().MustSucceed().Output.Split('\n', StringSplitOptions.RemoveEmptyEntries);

        Assert.Equal(texts.Count, answers.Length);
        var differing = texts.Zip(answers)
            .Select(pair => (Text: pair.First, Stock: pair.Second.Trim('\'', '\r'), Ours: Ours(pair.First)))
            .Where(read => read.Stock != read.Ours && !IsOfTheMoment(read.Text))
            .Select(read => $"'{read.Text}': stock {read.Stock}, ours {read.Ours}")
            .ToList();
        Assert.True(differing.Count == 0, $"{differing.Count} dates are read differently\n{string.Join('\n', differing.Take(20))}");
    }

    // A moment between the two clocks; the artifact oracle covers that both accept it.
    private static bool IsOfTheMoment(string text) => text.StartsWith("now", StringComparison.OrdinalIgnoreCase);

    private static string Ours(string text) =>
        DateText.TryParse(text, Instant.FromUnixSeconds(1_700_000_000), out var date)
            ? Math.Round(date.JulianDay * 86_400_000).ToString(CultureInfo.InvariantCulture)
            : "none";
}
