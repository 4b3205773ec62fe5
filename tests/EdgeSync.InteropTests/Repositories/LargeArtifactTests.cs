using System.Globalization;
using System.Security.Cryptography;
using EdgeSync.InteropTests.Support;
using EdgeSync.Tests.Support;

namespace EdgeSync.InteropTests.Repositories;

/// <summary>
/// One file of the largest size that is taken, through every door. Minutes and gigabytes: <c>scripts/dev.sh interop
/// --long</c>.
/// </summary>
public sealed class LargeArtifactTests
{
    private const long SizeBytes = 1L << 30;

    // A text and its stored form, which is a twelfth of this one, at the same time; never a copy of it.
    private const double TextsMax = 1.5;

    [Test, Explicit, Property("Long", "yes")]
    public void A_gibibyte_is_committed_read_checked_and_cloned_in_bounded_memory()
    {
        using var bench = new Workbench("large");
        var repository = bench.NewRepository("large.fossil");
        WriteLines(bench["large.txt"]);
        var hash = HashOf(bench["large.txt"]);

        MustStayBounded(bench, "repo", "ci", "-R", repository, "-m", "large", "large.txt");
        MustStayBounded(bench, "repo", "verify", "-R", repository);
        MustStayBounded(bench, "repo", "extract", "large.txt", "-r", "tip", "-d", bench["ours"], "-R", repository);
        Assert.Equal(hash, HashOf(Path.Combine(bench["ours"], "large.txt")));

        using (var server = bench.Ours.Serve(repository))
            MustStayBounded(bench, "repo", "clone", server.Url, bench["clone.fossil"]);
        var name = bench.Ours.Run("repo", "ls", "tip", "--json", "-R", bench["clone.fossil"]).Output
            .Split("\"hash\":\"")[1].Split('"')[0];
        bench.Stock.Run("artifact", name, bench["stock.txt"], "-R", bench["clone.fossil"]);
        Assert.Equal(hash, HashOf(bench["stock.txt"]));
    }

    private static void MustStayBounded(Workbench bench, params string[] arguments)
    {
        // The system reports the greatest resident size of a child to its parent.
        const string Measure =
            "import resource,subprocess,sys\n"
            + "code=subprocess.call(sys.argv[1:],stdout=subprocess.DEVNULL)\n"
            + "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)\n"
            + "sys.exit(code)";
        var run = bench.Ours.Start() with
        {
            Program = "python3",
            Arguments = ["-c", Measure, EdgeSyncProgram.Program, .. arguments],
            Timeout = TimeSpan.FromMinutes(15),
        };
        var result = run.Run().MustSucceed();

        var peakBytes = 1024 * long.Parse(result.Output.Trim(), CultureInfo.InvariantCulture);
        Assert.True(peakBytes <= TextsMax * SizeBytes, $"{string.Join(' ', arguments)} took {peakBytes >> 20} MiB");
    }

    private static void WriteLines(string path)
    {
        var lines = new MemoryStream();
        for (var i = 0; lines.Length < 1 << 20; i++)
            lines.Write(System.Text.Encoding.ASCII.GetBytes($"{i:x7} a line of a large file\n"));
        using var file = File.Create(path);
        while (file.Length < SizeBytes)
            file.Write(lines.GetBuffer(), 0, (int)Math.Min(lines.Length, SizeBytes - file.Length));
    }

    private static string HashOf(string path)
    {
        using var file = File.OpenRead(path);
        return Convert.ToHexString(SHA256.HashData(file));
    }
}
