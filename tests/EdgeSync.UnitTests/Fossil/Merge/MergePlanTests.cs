using EdgeSync.Fossil.Artifacts;
using EdgeSync.Fossil.Checkout;
using EdgeSync.Fossil.Merge;
using EdgeSync.Primitives;
using EdgeSync.Tests.Support;

namespace EdgeSync.UnitTests.Fossil.Merge;

public sealed class MergePlanTests
{
    [Test]
    [Arguments("a1", "a1", "a2", "Update a")]
    [Arguments("a1", "a3", "a2", "Merge a")]
    [Arguments("a1", "a2", "a2", "Merge a")]
    [Arguments("a1", "a2", "a1", "")]
    [Arguments("a1", "a1", "", "Delete a")]
    [Arguments("a1", "a2", "", "Delete a")]
    [Arguments("a1", "", "a2", "")]
    [Arguments("", "", "a1", "Add a")]
    [Arguments("", "a1", "", "")]
    [Arguments("", "a1", "a2", "unrelated a")]
    [Arguments("a1 b1", "a1 b1 c1", "a2 d1", "Update a, Delete b, Add d")]
    public void Versions_decide(string ancestor, string current, string other, string expected) =>
        Assert.Equal(expected, Plan(ancestor, current, other));

    [Test]
    public void A_name_given_there_is_taken_and_one_given_here_stays()
    {
        Assert.Equal("Update a, Rename a -> b", Plan("a1", "a1", "b2", there: [("a", "b")]));
        Assert.Equal("Update c", Plan("a1", "c1", "a2", here: [("a", "c")]));
        Assert.Equal("Merge c", Plan("a1", "c3", "b2", here: [("a", "c")], there: [("a", "b")]));
        Assert.Equal(
            "Rename a -> b, Rename b -> a", Plan("a1 b2", "a1 b2", "a2 b1", there: [("a", "b"), ("b", "a")]));
    }

    [Test]
    public void An_edit_that_no_checkin_has_counts() => Assert.Equal(
        "Merge a",
        Describe(MergePlan.Make(new MergeInput
        {
            Current = [.. Files("a1").Select(f => f with { Change = ChangeState.Edited })],
            Ancestor = Files("a1"),
            Other = Files("a2"),
        })));

    /// <summary>Whatever the names do, no file is in two steps of one kind, and equal sides need none.</summary>
    [Test]
    public void Plans_are_consistent() => Property.Check(prng =>
    {
        string Random() => string.Join(' ', "abcd".Where(_ => prng.NextInt32(0, 3) > 0)
            .Select(c => $"{c}{prng.NextInt32(1, 4)}"));
        var (ancestor, current, other) = (Random(), Random(), Random());

        Assert.Equal("", Plan(current, current, current));
        var steps = Plan(ancestor, current, other).Split(", ");
        Assert.Equal(steps.Distinct().Count(), steps.Length);
        Assert.DoesNotContain("Merge", Plan(ancestor, ancestor, other), StringComparison.Ordinal);
    });

    [Test]
    public void Strategies_are_chosen_by_the_first_glob_that_fits()
    {
        var strategies = new MergeStrategies(
            "# comment\n*.lock  last-writer-wins\nassets/*.txt conflict-fork\n*.png binary\n", MergeStrategy.ThreeWay);

        Assert.Equal(MergeStrategy.LastWriterWins, strategies.Of("deep/in/go.lock"));
        Assert.Equal(MergeStrategy.ConflictFork, strategies.Of("assets/a.txt"));
        Assert.Equal(MergeStrategy.ThreeWay, strategies.Of("other/a.txt"));
        Assert.Equal(MergeStrategy.Binary, strategies.Of("a.png"));
        Assert.Throws<EdgeSyncException>(() => new MergeStrategies("*.x sometimes", MergeStrategy.ThreeWay));
        Assert.Throws<EdgeSyncException>(() => new MergeStrategies("*.x", MergeStrategy.ThreeWay));
    }

    /// <summary>The sides of a marked text are the texts, where all of each has changed.</summary>
    [Test]
    public void A_side_of_a_marked_text_can_be_picked() => Property.Check(prng =>
    {
        string Text(string word) => string.Concat(
            Enumerable.Range(0, prng.NextInt32(1, 5)).Select(i => $"{word} {i}\n"));
        var (ancestor, local, other) = (Text("base"), Text("here"), Text("there"));
        var merged = ThreeWayMerge.Merge(Bytes(ancestor), Bytes(local), Bytes(other))!;

        Assert.Equal(1, merged.Conflicts);
        Assert.Equal(ancestor, Pick(ConflictSide.Base));
        Assert.Equal(local, Pick(ConflictSide.Local));
        Assert.Equal(other, Pick(ConflictSide.Remote));

        string Pick(ConflictSide side) => System.Text.Encoding.UTF8.GetString(
            ConflictText.Pick(merged.Content.Span, side, out _));
    });

    private static byte[] Bytes(string text) => System.Text.Encoding.UTF8.GetBytes(text);

    private static string Plan(
        string ancestor, string current, string other, (string, string)[]? here = null,
        (string, string)[]? there = null) => Describe(MergePlan.Make(new MergeInput
        {
            Current = [.. Files(current).Select((f, i) => f with { Id = i + 1 })],
            Ancestor = Files(ancestor),
            Other = Files(other),
            CurrentRenames = here ?? [],
            OtherRenames = there ?? [],
        }));

    private static string Describe(MergePlan plan) => string.Join(
        ", ",
        plan.Steps.Select(s => $"{s.Action} {s.Name}{(s.NewName is { } to ? $" -> {to}" : "")}")
            .Concat(plan.Unrelated.Select(u => $"unrelated {u}")));

    // "a1 b2": a file named a with the content 1, and one named b with the content 2.
    private static List<TrackedFile> Files(string text) =>
    [
        .. text.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(w => new TrackedFile
        {
            Name = w[..1],
            Content = new RecordId(w[1] - '0'),
            Merged = new RecordId(w[1] - '0'),
            Permission = FilePermission.Regular,
        }),
    ];
}
