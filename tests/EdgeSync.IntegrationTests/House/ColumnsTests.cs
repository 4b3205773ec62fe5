using EdgeSync.Tests.Support;

namespace EdgeSync.IntegrationTests.House;

/// <summary>Lines of code end at 120 columns, those of documents at 100. Tables and code in documents may be wider.</summary>
public sealed class ColumnsTests
{
    private const int CodeMax = 120;
    private const int DocumentMax = 100;

    /// <summary>Projects that still hold wider lines; strike out what has been wrapped.</summary>
    private static readonly string[] NotYetWrapped =
    [
        "src/EdgeSync.Agent", "src/EdgeSync.Cli", "src/EdgeSync.Fossil", "src/EdgeSync.Nats", "src/EdgeSync.Net",
        "src/EdgeSync.Node", "src/EdgeSync.Primitives", "src/EdgeSync.Storage", "tests/EdgeSync.Benchmarks",
        "tests/EdgeSync.EndToEndTests", "tests/EdgeSync.FleetTests", "tests/EdgeSync.IntegrationTests",
        "tests/EdgeSync.InteropTests", "tests/EdgeSync.Simulation", "tests/EdgeSync.UnitTests", "tests/Support",
    ];

    [Test]
    public void Code_is_at_most_120_columns_wide()
    {
        var files = new[] { "src", "tests" }.SelectMany(folder => FilesOf(folder, "*.cs")).ToList();

        Assert.True(files.Count > 500, "the source files were not found");
        Assert.Empty(files
            .Where(file => !NotYetWrapped.Any(project => file.StartsWith(project + "/", StringComparison.Ordinal)))
            .SelectMany(file => Lines(file).Where(line => line.Text.Length > CodeMax).Select(line => line.Place)));
    }

    [Test]
    public void Documents_are_at_most_100_columns_wide()
    {
        // BENCHMARKS.md is written by a script.
        var files = FilesOf("docs", "*.md").Where(file => !file.EndsWith("/BENCHMARKS.md", StringComparison.Ordinal))
            .Append("README.md").Append("CONTRIBUTING.md").ToList();

        Assert.True(files.Count > 30, "the documents were not found");
        Assert.Empty(files.SelectMany(file => WideProse(file)));
    }

    private static IEnumerable<string> WideProse(string file)
    {
        var isCode = false;
        foreach (var (text, place) in Lines(file))
        {
            if (text.TrimStart().StartsWith("```", StringComparison.Ordinal)) isCode = !isCode;
            var isTable = text.TrimStart().StartsWith('|');
            if (text.Length > DocumentMax && !isCode && !isTable && text.Trim().Contains(' ')) yield return place;
        }
    }

    private static IEnumerable<string> FilesOf(string folder, string pattern) =>
        Directory.EnumerateFiles(Path.Combine(Vectors.RepositoryRoot, folder), pattern, SearchOption.AllDirectories)
            .Select(path => Path.GetRelativePath(Vectors.RepositoryRoot, path))
            .Where(path => !path.Split('/').Any(part => part is "obj" or "bin"));

    private static IEnumerable<(string Text, string Place)> Lines(string file) =>
        File.ReadAllLines(Path.Combine(Vectors.RepositoryRoot, file))
            .Select((text, index) => (text, $"{file}:{index + 1}: {text.Length} columns"));
}
