using System.Text;
using EdgeSync.Fossil.Checkout;
using EdgeSync.Fossil.Merge;
using EdgeSync.Primitives;
using EdgeSync.Tests.Support;

namespace EdgeSync.UnitTests.Fossil.Merge;

public sealed class ThreeWayMergeTests
{
    [Test]
    public void Changes_in_different_lines_are_joined() =>
        Assert.Equal("a\nX\nc\nd\nY\n", Merged("a\nb\nc\nd\ne\n", "a\nX\nc\nd\ne\n", "a\nb\nc\nd\nY\n", conflicts: 0));

    [Test]
    public void The_same_change_is_taken_once() =>
        Assert.Equal("a\nX\nc\n", Merged("a\nb\nc\n", "a\nX\nc\n", "a\nX\nc\n", conflicts: 0));

    [Test]
    public void Different_changes_of_a_line_are_marked() => Assert.Equal(
        "a\n<<<<<<< BEGIN MERGE CONFLICT: local copy shown first <<<<<<<<<<<< (line 2)\nX\n"
        + "||||||| COMMON ANCESTOR content follows ||||||||||||||||||||||||| (line 2)\nb\n"
        + "======= MERGED IN content follows =============================== (line 2)\nY\n"
        + ">>>>>>> END MERGE CONFLICT >>>>>>>>>>>>>>>>>>>>>>>>>>>>>>>>>>>>>>\nc\n",
        Merged("a\nb\nc\n", "a\nX\nc\n", "a\nY\nc\n", conflicts: 1));

    [Test]
    public void What_is_no_text_is_not_merged() =>
        Assert.Null(ThreeWayMerge.Merge("a\n"u8.ToArray(), "b\0"u8.ToArray(), "c\n"u8.ToArray()));

    [Test]
    public void One_changed_side_is_the_result() => Property.Check(prng =>
    {
        var (ancestor, other) = (RandomText(prng), RandomText(prng));

        Assert.Equal(other, Merged(ancestor, ancestor, other, conflicts: 0));
        Assert.Equal(other, Merged(ancestor, other, ancestor, conflicts: 0));
        Assert.Equal(other, Merged(ancestor, other, other, conflicts: 0));
    });

    [Test]
    public void No_line_of_either_side_is_lost() => Property.Check(prng =>
    {
        var ancestor = RandomText(prng);
        var (local, other) = (ancestor + "mine\n", "theirs\n" + ancestor);

        var merged = ThreeWayMerge.Merge(Bytes(ancestor), Bytes(local), Bytes(other))!;
        var swapped = ThreeWayMerge.Merge(Bytes(ancestor), Bytes(other), Bytes(local))!;

        var text = Encoding.UTF8.GetString(merged.Content.Span);
        Assert.Contains("mine\n", text, StringComparison.Ordinal);
        Assert.Contains("theirs\n", text, StringComparison.Ordinal);
        Assert.Equal(merged.Conflicts, swapped.Conflicts);
        Assert.Equal(merged.Conflicts > 0, ConflictMarker.IsIn(merged.Content.Span));
    });

    /// <summary>Whatever the other side deletes or changes around it, with or without a conflict.</summary>
    [Test]
    public void Every_new_line_of_both_sides_is_in_the_result() => Property.Check(prng =>
    {
        var ancestor = RandomText(prng);
        var (local, mine) = Edited(prng, ancestor, "mine");
        var (other, theirs) = Edited(prng, ancestor, "theirs");

        var merged = ThreeWayMerge.Merge(Bytes(ancestor), Bytes(local), Bytes(other))!;

        var lines = Encoding.UTF8.GetString(merged.Content.Span).Split('\n');
        Assert.Subset(lines.ToHashSet(), mine.Concat(theirs).ToHashSet());
    });

    private static (string Text, List<string> New) Edited(Prng prng, string text, string word)
    {
        var lines = text.Split('\n', StringSplitOptions.RemoveEmptyEntries).ToList();
        var added = new List<string>();
        for (var i = prng.NextInt32(0, 5); i > 0; i--)
        {
            if (lines.Count > 0 && prng.NextInt32(0, 2) == 0)
            {
                var gone = prng.NextInt32(0, lines.Count);
                if (!added.Contains(lines[gone])) lines.RemoveAt(gone);
            }

            added.Add($"{word} {i}");
            lines.Insert(prng.NextInt32(0, lines.Count + 1), $"{word} {i}");
        }

        return (string.Concat(lines.Select(l => l + "\n")), added);
    }

    private static string Merged(string ancestor, string local, string other, int conflicts)
    {
        var merged = ThreeWayMerge.Merge(Bytes(ancestor), Bytes(local), Bytes(other));

        Assert.NotNull(merged);
        Assert.Equal(conflicts, merged.Conflicts);
        return Encoding.UTF8.GetString(merged.Content.Span);
    }

    private static byte[] Bytes(string text) => Encoding.UTF8.GetBytes(text);

    private static string RandomText(Prng prng) =>
        string.Concat(Enumerable.Range(0, prng.NextInt32(0, 30)).Select(_ => $"line {prng.NextInt32(0, 9)}\n"));
}
