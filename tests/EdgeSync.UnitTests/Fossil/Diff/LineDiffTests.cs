using System.Buffers;
using System.Text;
using EdgeSync.Fossil.Diff;
using EdgeSync.Primitives;
using EdgeSync.Tests.Support;

namespace EdgeSync.UnitTests.Fossil.Diff;

public sealed class LineDiffTests
{
    private static readonly string[] Words =
        ["", "}", "{", "  x = 1;", "\tx = 1;", "x = 1;", "foo  bar", "foo bar", "été", "return;", "cr\r", "trail  "];

    [Test]
    public void The_steps_lead_from_one_text_to_the_other()
    {
        Property.Check(
            prng =>
            {
                var (from, to) = (Lines(prng), Lines(prng));
                if (prng.NextInt32(4) > 0) to = Changed(prng, from);
                var diff = Compute(from, to);

                Assert.Equal(to, Applied(diff, from, to));
                Assert.Equal(from.Count - diff.Deleted, to.Count - diff.Inserted);
            },
            runs: 400);
    }

    [Test]
    public void The_unified_diff_patches_one_text_into_the_other()
    {
        Property.Check(
            prng =>
            {
                var from = Lines(prng);
                var to = prng.NextInt32(3) == 0 ? Lines(prng) : Changed(prng, from);
                var format = new DiffFormat { Context = prng.NextInt32(4) };
                var patch = Written(Text(from), Text(to), format);

                Assert.Equal(to, Patched(from, patch));
            },
            runs: 400);
    }

    [Test]
    public void Turned_round_insertions_are_deletions()
    {
        Property.Check(prng =>
        {
            var from = Lines(prng);
            var to = Changed(prng, from);
            var turned = Written(Text(from), Text(to), new DiffFormat { IsInverted = true });

            Assert.Equal(Written(Text(to), Text(from), new DiffFormat()), turned);
        });
    }

    [Test]
    [Arguments("a b", "a  b", false, false)]
    [Arguments("a b", "a b  ", true, true)]
    [Arguments(" ab", "a b", false, true)]
    [Arguments("äx", "öx", false, false)]
    public void White_space_counts_as_the_options_say(string from, string to, bool sameAtTheEnd, bool sameAnywhere)
    {
        Assert.False(IsSame(default));
        Assert.Equal(sameAtTheEnd, IsSame(new DiffOptions(IgnoresTrailingSpace: true)));
        Assert.Equal(sameAnywhere || from == "a b", IsSame(new DiffOptions(IgnoresAllSpace: true)));

        bool IsSame(DiffOptions options) => LineDiff.Compute(
            DiffText.Of(Encoding.UTF8.GetBytes(from), options)!, DiffText.Of(Encoding.UTF8.GetBytes(to), options)!)
            .Inserted == 0;
    }

    [Test]
    public void What_is_no_text_is_said_to_be_binary()
    {
        var longLine = new string('x', DiffText.LineLengthMax + 1);
        Assert.Equal(FileDiff.BinaryNotice, Written("a\0b", "a", new DiffFormat()));
        Assert.Equal(FileDiff.BinaryNotice, Written("a", longLine, new DiffFormat()));
        Assert.NotEqual(FileDiff.BinaryNotice, Written("a", longLine[1..], new DiffFormat()));
    }

    [Test]
    public void Other_encodings_with_a_mark_are_text()
    {
        var options = default(DiffOptions);
        byte[] utf16 = [.. Encoding.Unicode.Preamble, .. Encoding.Unicode.GetBytes("one\ntwo\n")];
        byte[] turned = [.. Encoding.BigEndianUnicode.Preamble, .. Encoding.BigEndianUnicode.GetBytes("one\ntwo\n")];
        byte[] utf8 = [.. Encoding.UTF8.Preamble, .. "one\ntwo\n"u8];

        foreach (var content in (byte[][])[utf16, turned, utf8])
            Assert.Equal(
                0, LineDiff.Compute(DiffText.Of(content, options)!, DiffText.Of("one\ntwo\n"u8.ToArray(), options)!)
                    .Inserted);
    }

    /// <summary>The worst case: quadratic in comparisons, which run over vectors; linear in memory.</summary>
    [Test]
    public void Equal_lines_in_between_take_linear_memory()
    {
        const int Count = 30_000;
        var line = string.Concat(Enumerable.Repeat("the same line\n", Count));
        var (from, to) = (Text("first\n" + line + "last\n"), Text("other\n" + line + "more\nend\n"));

        var before = GC.GetAllocatedBytesForCurrentThread();
        var diff = LineDiff.Compute(DiffText.Of(from, default)!, DiffText.Of(to, default)!);
        var allocated = GC.GetAllocatedBytesForCurrentThread() - before;

        Assert.Equal((2, 3), (diff.Deleted, diff.Inserted));
        Assert.InRange(allocated, 0, 200L * 2 * Count);
    }

    [Test]
    public void Many_short_matches_need_no_deep_stack()
    {
        var from = string.Concat(Enumerable.Range(0, 20_000).Select(i => $"a{i}\nkept {i}\n"));
        var to = string.Concat(Enumerable.Range(0, 20_000).Select(i => $"b{i}\nkept {i}\n"));
        var diff = LineDiff.Compute(DiffText.Of(Text(from), default)!, DiffText.Of(Text(to), default)!);

        Assert.Equal((20_000, 20_000), (diff.Deleted, diff.Inserted));
    }

    [Test]
    public void Columns_hold_every_line_once()
    {
        Property.Check(prng =>
        {
            var from = Lines(prng);
            var to = Changed(prng, from);
            var rows = Written(
                Text(from), Text(to),
                new DiffFormat { Layout = DiffLayout.SideBySide, Width = 40, Context = DiffFormat.ContextAll })
                .Split('\n')[..^1];

            if (from.SequenceEqual(to)) return;
            var left = rows.Where(r => r[..6].Trim().Length > 0).Select(r => int.Parse(r[..6]));
            Assert.Equal(Enumerable.Range(1, from.Count), left);
        });
    }

    [Test]
    public void Lines_shared_with_another_text_are_those_of_the_text_alone() => Property.Check(prng =>
    {
        var from = Lines(prng);
        byte[] before = Text(from), after = Text(Changed(prng, from));
        if (prng.NextInt32(0, 2) == 0 && after.Length > 0) after = after[..^1];
        if (prng.NextInt32(0, 4) == 0 && before.Length > 0) before = before[..^1];
        var like = DiffText.Of(before, default)!;

        Assert.Equal(Described(DiffText.Of(after, default)!), Described(DiffText.Of(after, default, like)!));

        static string Described(DiffText text) => string.Join('\n', Enumerable.Range(0, text.Count)
            .Select(i => $"{text.Lines[i].Start} {text.Lines[i].Length} {text.Lines[i].Hash}"));
    });

    private static LineDiff Compute(List<string> from, List<string> to) =>
        LineDiff.Compute(DiffText.Of(Text(from), default)!, DiffText.Of(Text(to), default)!);

    private static List<string> Applied(LineDiff diff, List<string> from, List<string> to)
    {
        var result = new List<string>();
        var (left, right) = (0, 0);
        for (var edits = diff.Edits; edits.Length > 0; edits = edits[3..])
        {
            result.AddRange(from.GetRange(left, edits[0]));
            left += edits[0] + edits[1];
            right += edits[0];
            result.AddRange(to.GetRange(right, edits[2]));
            right += edits[2];
        }

        Assert.Equal(from.Count, left);
        return result;
    }

    private static List<string> Patched(List<string> from, string patch)
    {
        var result = new List<string>();
        var at = 0;
        foreach (var line in patch.Split('\n')[..^1])
        {
            if (line.StartsWith("@@ -", StringComparison.Ordinal))
            {
                var (start, count) = Range(line.Split(' ')[1][1..]);
                var first = count == 0 ? start : start - 1;
                result.AddRange(from.GetRange(at, first - at));
                at = first;
                continue;
            }

            if (line[0] != '+') Assert.Equal(from[at++], line[1..]);
            if (line[0] != '-') result.Add(line[1..]);
        }

        result.AddRange(from.GetRange(at, from.Count - at));
        return result;
    }

    private static (int Start, int Count) Range(string text) =>
        text.Split(',') is [var start, var count]
        ? (int.Parse(start), int.Parse(count))
        : throw new FormatException(text);

    private static List<string> Lines(Prng prng)
    {
        var count =
            prng.NextInt32(3) switch { 0 => prng.NextInt32(5), 1 => prng.NextInt32(30), _ => prng.NextInt32(200) };
        var variety = 2 + prng.NextInt32(Words.Length - 1);
        return [.. Enumerable.Range(0, count).Select(_ => prng.NextInt32(3) > 0
            ? Words[prng.NextInt32(variety)] : $"line {prng.NextInt32(60)}")];
    }

    private static List<string> Changed(Prng prng, List<string> lines)
    {
        List<string> changed = [.. lines];
        for (var left = 1 + prng.NextInt32(8); left > 0; left--)
        {
            var at = prng.NextInt32(changed.Count + 1);
            var count = Math.Min(prng.NextInt32(20), changed.Count - at);
            switch (prng.NextInt32(4))
            {
                case 0:
                    changed.RemoveRange(at, count);
                    break;
                case 1:
                    changed.InsertRange(at, Lines(prng).Take(20));
                    break;
                case 2:
                    for (var i = at; i < at + count; i++) changed[i] = "  " + changed[i];
                    break;
                default:
                    changed.InsertRange(at, changed.GetRange(at, count));
                    break;
            }
        }

        return changed;
    }

    private static byte[] Text(string text) => Encoding.UTF8.GetBytes(text);

    private static byte[] Text(List<string> lines) => Text(string.Concat(lines.Select(l => l + "\n")));

    private static string Written(string from, string to, DiffFormat format) => Written(Text(from), Text(to), format);

    private static string Written(byte[] from, byte[] to, DiffFormat format)
    {
        var output = new ArrayBufferWriter<byte>();
        FileDiff.Write(from, to, format, output);
        return Encoding.UTF8.GetString(output.WrittenSpan);
    }
}
