using System.Text;
using EdgeSync.Fossil.Diff;
using EdgeSync.Primitives;
using EdgeSync.Tests.Support;

namespace EdgeSync.UnitTests.Fossil.Diff;

public sealed class AnnotationTests
{
    private static readonly DiffOptions Options = new(false, false, StripsTrailingCr: true);

    [Test]
    public void Each_line_has_the_version_that_a_diff_with_each_version_gives_it()
    {
        Property.Check(
            prng =>
            {
                var versions = History(prng, 2 + prng.NextInt32(12));
                var text = DiffText.Of(versions[0], Options)!;
                var annotation = Annotation.Of(versions[0], Options)!;
                var expected = Enumerable.Repeat(-1, text.Count).ToArray();
                for (var i = 1; i < versions.Count; i++)
                {
                    annotation.Step(versions[i], i - 1);
                    if (DiffText.Of(versions[i], Options) is { } older) Mark(expected, older, text, i - 1);
                }

                Assert.Equal(expected, Enumerable.Range(0, text.Count).Select(annotation.VersionOf));
            },
            runs: 400);
    }

    [Test]
    public void A_text_is_used_until_a_later_one_is()
    {
        var annotation = Annotation.Of("a\nb\nc\n"u8.ToArray(), Options)!;
        var used = "a\nb\nx\n"u8.ToArray();

        Assert.True(annotation.Step(used, 0));
        Assert.False(annotation.Step(new byte[] { 0, 1, 2 }, 1));
        Assert.True(annotation.Step("a\ny\nx\n"u8.ToArray(), 2));
        used.AsSpan().Clear();
        Assert.True(annotation.Step("z\ny\nx\n"u8.ToArray(), 3));

        Assert.Equal([3, 2, 0], Enumerable.Range(0, 3).Select(annotation.VersionOf));
        Assert.True(annotation.IsComplete);
        Assert.False(annotation.Step("z\n"u8.ToArray(), 4));
    }

    private static void Mark(int[] versions, DiffText older, DiffText text, int version)
    {
        var edits = LineDiff.Compute(older, text, shifts: false).Edits;
        for (int at = 0, line = 0; at < edits.Length; at += 3)
        {
            line += edits[at];
            for (var end = line + edits[at + 2]; line < end; line++)
                if (versions[line] < 0) versions[line] = version;
        }
    }

    // Newest first; some are empty, some binary, some much longer or shorter than the one before.
    private static List<byte[]> History(Prng prng, int count)
    {
        var lines = Enumerable.Range(0, prng.NextInt32(30)).Select(_ => Line(prng)).ToList();
        var versions = new List<byte[]>();
        while (versions.Count < count)
        {
            for (var edits = prng.NextInt32(6); edits > 0; edits--)
            {
                var at = prng.NextInt32(lines.Count + 1);
                if (prng.NextInt32(3) == 0 || lines.Count == 0) lines.Insert(at, Line(prng));
                else if (prng.NextInt32(2) == 0) lines.RemoveAt(Math.Min(at, lines.Count - 1));
                else lines[Math.Min(at, lines.Count - 1)] = Line(prng);
            }

            if (prng.NextInt32(10) == 0) lines.AddRange(Enumerable.Range(0, 40).Select(_ => Line(prng)));
            if (prng.NextInt32(10) == 0) lines.Clear();
            var text = Encoding.UTF8.GetBytes(string.Join('\n', lines) + (prng.NextInt32(5) == 0 ? "" : "\n"));
            if (versions.Count > 0 && prng.NextInt32(8) == 0) text = [0, .. text];
            versions.Add(text);
        }

        return versions;
    }

    private static string Line(Prng prng) => $"line {prng.NextInt32(12)}{(prng.NextInt32(8) == 0 ? "\r" : "")}";
}
