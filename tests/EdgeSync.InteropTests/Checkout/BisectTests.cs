namespace EdgeSync.InteropTests.Checkout;

/// <summary>The same search by both programs: the same check-ins, the same rows, the same words.</summary>
[System.Runtime.Versioning.UnsupportedOSPlatform("windows")]
public sealed class BisectTests
{
    private const string Variables =
        "SELECT name, value FROM vvar WHERE name GLOB 'bisect-*' OR name GLOB 'checkout*' ORDER BY name";

    [Test]
    [Property("Fossil", "2.21")]
    public void Both_programs_search_alike()
    {
        using var bench = new CheckoutBench();
        var tags = History(bench);
        var theirs = bench.Bench.Open(bench.Repository, "theirs");
        var ours = bench.OpenByUs("ours");

        foreach (var line in (string[][])[
            ["bad"], ["good", tags[0]], ["chart"], ["vlist"], ["bad"], ["undo"], ["bad"], ["skip"], ["ls", "--all"],
            ["status"], ["good"], ["log"], ["next"], ["options"], ["options", "linear", "on"], ["next"], ["reset"]])
        {
            var expected = theirs.Try(["bisect", .. line]);
            var actual = bench.Bench.Ours.TryAsFossil(ours.Folder, ["bisect", .. line]);

            Assert.Equal((line[0], expected.Output), (line[0], actual.Output));
            Assert.Equal(CheckoutBench.Rows(theirs, Variables), CheckoutBench.Rows(ours, Variables));
        }
    }

    [Test]
    public void A_command_finds_the_check_in_and_the_other_program_goes_on()
    {
        using var bench = new CheckoutBench();
        var tags = History(bench);
        var ours = bench.OpenByUs("ours");
        bench.Ours(ours, "bisect", "bad");
        bench.Ours(ours, "bisect", "good", tags[0]);
        ours.Run("bisect", "next");

        var output = bench.Ours(ours, "bisect", "run", "grep -q -v -E '^([6-9]|1.)$' a.txt");

        Assert.Contains("bisect complete", output, StringComparison.Ordinal);
        Assert.Equal(
            [tags[6]],
            CheckoutBench.Rows(ours, "SELECT value FROM vvar WHERE name='bisect-bad'")
                .Select(rid => CheckoutBench.RowsOf(bench.Repository, $"SELECT uuid FROM blob WHERE rid={rid}")[0]));
        Assert.Contains(
            "\"status\":\"complete\"", bench.Ours(ours, "bisect", "ls", "--json"), StringComparison.Ordinal);
        Assert.NotEqual(0, bench.TryOurs(bench.OpenByUs("other"), "bisect", "run", "true").ExitCode);
    }

    // The hashes of check-ins whose a.txt holds their number.
    private static List<string> History(CheckoutBench bench)
    {
        var hashes = new List<string>();
        for (var i = 0; i < 12; i++)
        {
            bench.First.Write("a.txt", $"{i}\n");
            bench.First.Run("commit", "-m", $"number {i}", "--date-override", $"2030-01-{i + 1:00}", "--no-warnings");
            hashes.Add(CheckoutBench.Rows(bench.First, "SELECT value FROM vvar WHERE name='checkout-hash'")[0]);
        }

        return hashes;
    }
}
