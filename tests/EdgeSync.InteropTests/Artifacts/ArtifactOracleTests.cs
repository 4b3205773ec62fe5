using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;
using EdgeSync.Fossil.Artifacts;
using EdgeSync.InteropTests.Support;
using EdgeSync.Primitives;
using EdgeSync.Tests.Support;

namespace EdgeSync.InteropTests.Artifacts;

/// <summary>
/// What is an artifact and what is not must be decided alike: a text that one side takes for an artifact and the other
/// does not makes their tables part for good. Stock judges thousands of damaged artifacts in one run.
/// </summary>
[ClassDataSource<GeneratedHistory>(Shared = SharedType.PerAssembly)]
public sealed partial class ArtifactOracleTests(GeneratedHistory history)
{
    private static readonly Instant Now = Instant.FromUnixMilliseconds(1_700_000_000_000);

    [Test]
    [Arguments(1UL, 4000)]
    [Arguments(2UL, 4000)]
    public void Stock_and_we_accept_the_same_texts(ulong seed, int count)
    {
        using var bench = new Workbench("oracle");
        var good = Contents(history.Kinds);
        var prng = new Prng(seed);
        List<byte[]> texts = [.. good];
        while (texts.Count < count) texts.Add(Mutation.OfArtifact(prng, good[prng.NextInt32(good.Count)], good));

        var refused = AskStock(bench, texts);

        var differing = texts
            .Select((text, index) => (Text: text, Stock: refused.GetValueOrDefault(index + 1), Ours: Verdict(text)))
            .Where(verdict => verdict.Stock is null != verdict.Ours is null)
            .Select(
                verdict => $"stock: {verdict.Stock ?? "accepts"}\nours: "
                    + $"{verdict.Ours ?? "accepts"}\n{Encoding.UTF8.GetString(verdict.Text)}")
            .ToList();
        Assert.True(refused.Count > count / 4, "too few texts are refused for this test to mean something");
        Assert.True(refused.Count < count * 9 / 10, "too few texts are accepted for this test to mean something");
        Assert.True(
            differing.Count == 0,
            $"{differing.Count} texts are judged differently\n{string.Join("\n----\n", differing.Take(5))}");
    }

    /// <summary>Texts of a repository that look like artifacts and expand without a delta chain.</summary>
    private static List<byte[]> Contents(string repository)
    {
        using var file = new SqliteFile(repository);
        return [
            .. file.Query(
                "SELECT content FROM blob WHERE size BETWEEN 10 AND 20000 AND rid NOT IN (SELECT rid FROM delta)")
            .Select(row => XferMessage.Expand((byte[])row[0]!))
            .Where(text => text.Length > 60 && text[1] == ' ' && text[0] is >= (byte)'A' and <= (byte)'Z')];
    }

    private static string? Verdict(byte[] text) =>
        ArtifactParser.TryParse(text, out _, out var fault, new ArtifactParserOptions(Now)) ? null : fault.ToString();

    /// <summary>Line number of each refused text, with stock's reason.</summary>
    private static Dictionary<int, string> AskStock(Workbench bench, List<byte[]> texts)
    {
        var repository = bench.NewRepository("oracle.fossil");
        using (var file = new SqliteFile(repository, writable: true))
        {
            file.Execute("BEGIN; DELETE FROM blob; DELETE FROM event;");
            foreach (var (index, text) in texts.Index())
            {
                file.Execute(string.Create(CultureInfo.InvariantCulture,
                    $"INSERT INTO blob(rid,rcvid,size,uuid,content) VALUES({index + 1},1,{text.Length},"
                        + $"'{index + 1:d40}',x'{Convert.ToHexString(XferMessage.Compress(text))}');" +
                    $"INSERT INTO event(type,mtime,objid) VALUES('ci',1,{index + 1});"));
            }

            file.Execute("COMMIT");
        }

        return Refusal().Matches(bench.Stock.Run("test-parse-all-blobs", "-R", repository).Output)
            .ToDictionary(
                match => int.Parse(match.Groups[1].Value, CultureInfo.InvariantCulture),
                match => match.Groups[2].Value);
    }

    [GeneratedRegex(@"(\d+) ERROR: ([^\r\n]*)")]
    private static partial Regex Refusal();
}
