using System.Text;
using EdgeSync.Fossil.Delta;
using EdgeSync.Primitives;
using EdgeSync.Storage.Pipeline;
using EdgeSync.Tests.Shared;

namespace EdgeSync.IntegrationTests.Storage.Pipeline;

public sealed class LineEditsTests
{
    [Fact]
    public void Edits_turn_the_source_into_the_target() => Property.Check(prng =>
    {
        var source = Lines(prng, prng.NextInt32(1, 60));
        var target = Changed(prng, source);
        var (sourceText, targetText) = (Join(source), Join(target));
        var delta = DeltaEncoder.Encode(sourceText, targetText);

        var gaps = new LineEdits().Find(sourceText, delta, targetText);

        var made = new List<byte>();
        var at = 0;
        foreach (var gap in gaps)
        {
            made.AddRange(sourceText.AsSpan(at..gap.SourceStart));
            made.AddRange(targetText.AsSpan(gap.TargetStart, gap.TargetLength));
            at = gap.SourceStart + gap.SourceLength;
            Assert.True(IsWholeLines(sourceText, gap.SourceStart, gap.SourceLength));
            Assert.True(IsWholeLines(targetText, gap.TargetStart, gap.TargetLength));
        }

        made.AddRange(sourceText.AsSpan(at..));
        Assert.Equal(targetText, made.ToArray());
    }, runs: 500);

    [Fact]
    public void One_changed_line_of_many_is_one_small_edit()
    {
        var prng = new Prng(7);
        var source = Lines(prng, 1_000);
        var target = source.ToArray();
        target[500] = Line(prng);
        var (sourceText, targetText) = (Join(source), Join(target));

        var gaps = new LineEdits().Find(sourceText, DeltaEncoder.Encode(sourceText, targetText), targetText);

        var gap = Assert.Single(gaps);
        Assert.InRange(gap.SourceLength, source[500].Length, 3 * source[500].Length + 200);
    }

    private static string Line(Prng prng) => $"F {prng.NextInt32(40)} {Convert.ToHexStringLower(prng.NextBytes(prng.NextInt32(1, 32)))}\n";

    private static string[] Lines(Prng prng, int count) => [.. Enumerable.Range(0, count).Select(_ => Line(prng))];

    private static string[] Changed(Prng prng, string[] source)
    {
        var lines = source.ToList();
        for (var i = prng.NextInt32(5); i > 0; i--)
        {
            var at = prng.NextInt32(lines.Count + 1);
            if (prng.Chance(0.4)) lines.Insert(at, Line(prng));
            else if (lines.Count > 1 && prng.Chance(0.5)) lines.RemoveAt(at % lines.Count);
            else if (lines.Count > 0) lines[at % lines.Count] = prng.Chance(0.5) ? Line(prng) : lines[prng.NextInt32(lines.Count)];
        }

        return [.. lines];
    }

    private static byte[] Join(string[] lines) => Encoding.ASCII.GetBytes(string.Concat(lines));

    private static bool IsWholeLines(byte[] text, int start, int length) =>
        (start == 0 || text[start - 1] == '\n') && (start + length == 0 || start + length == text.Length || text[start + length - 1] == '\n');
}
