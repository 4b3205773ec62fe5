using EdgeSync.Tests.Support;

namespace EdgeSync.IntegrationTests.House;

/// <summary>
/// Lines of code end at 120 columns, those of documents at 100. Raw strings may be wider, and in documents tables and
/// code.
/// </summary>
public sealed class ColumnsTests
{
    private const int CodeMax = 120;
    private const int DocumentMax = 100;

    [Test]
    public void Code_is_at_most_120_columns_wide()
    {
        var files = new[] { "src", "tests" }.SelectMany(folder => FilesOf(folder, "*.cs")).ToList();

        Assert.True(files.Count > 500, "the source files were not found");
        Assert.Empty(files.SelectMany(file => WideCode(file)));
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

    private static IEnumerable<string> WideCode(string file)
    {
        const string Quotes = "\"\"\"";
        var isRaw = false;
        foreach (var (text, place) in Lines(file))
        {
            var wasRaw = isRaw;
            isRaw ^= text.Split(Quotes).Length % 2 == 0;
            if (text.Length > CodeMax && !wasRaw && !text.Contains(Quotes, StringComparison.Ordinal))
                yield return place;
        }
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
