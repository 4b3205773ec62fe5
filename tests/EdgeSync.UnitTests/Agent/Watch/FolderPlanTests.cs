using EdgeSync.Agent.Watch;
using EdgeSync.Fossil.Artifacts;
using EdgeSync.Primitives;
using EdgeSync.Tests.Support;

namespace EdgeSync.UnitTests.Agent.Watch;

public sealed class FolderPlanTests
{
    [Test]
    public void Edits_here_are_added_changed_and_removed()
    {
        var plan = Plan(known: "a1 b1 c1", disk: "a2 b1 d1", tip: "a1 b1 c1");

        Assert.Equal(["d"], plan.Added);
        Assert.Equal(["a"], plan.Changed);
        Assert.Equal(["c"], plan.Removed);
        Assert.Empty(plan.Conflicts);
        Assert.Equal("1 changed, 1 added, 1 removed: a, d, c", FolderPlan.Comment(plan));
    }

    [Test]
    public void What_others_changed_is_not_undone()
    {
        var plan = Plan(known: "a1 b1", disk: "a1 b2", tip: "a9 b1 new1");

        Assert.Equal(["b"], plan.Changed);
        Assert.Empty(plan.Added);
        Assert.Empty(plan.Removed);
        Assert.Empty(plan.Conflicts);
    }

    [Test]
    public void A_file_updated_from_the_tip_is_recorded()
    {
        var plan = Plan(known: "a1 gone1", disk: "a9", tip: "a9");

        Assert.True(plan.IsEmpty);
        Assert.Equal(["a", "gone"], plan.Adopted.Select(a => a.Key));
        Assert.Equal(Entry("9"), plan.Adopted[0].Value);
        Assert.Null(plan.Adopted[1].Value);
    }

    [Test]
    public void A_conflict_is_skipped_and_the_rest_is_committed()
    {
        var plan = Plan(known: "a1 b1 c1", disk: "a2 b2", tip: "a9 b1 c9");

        Assert.Equal(["a", "c"], plan.Conflicts);
        Assert.Equal(["b"], plan.Changed);
    }

    [Test]
    public void A_permission_is_a_change()
    {
        var plan = FolderPlan.Plan(
            Entries("a1"), new Dictionary<string,
            FolderFile>
            { ["a"] = new(FilePermission.Executable, id => id == Id("1")) }, Entries("a1"), _ => false);

        Assert.Equal(["a"], plan.Changed);
    }

    [Test]
    public void An_unreadable_file_stays_as_in_the_tip()
    {
        var plan = Plan(known: "a1 b1 c1", disk: "b2", tip: "a1 b1 c1", unknown: "a");

        Assert.Equal(["c"], plan.Removed);
        Assert.Equal(["b"], plan.Changed);
        Assert.Empty(plan.Conflicts);
    }

    [Test]
    public void An_emptied_folder_is_an_error()
    {
        var plan = Plan(known: "a1 b1", disk: "", tip: "a1 b1");

        Assert.NotNull(plan.Refusal);
        Assert.True(plan.IsEmpty);
        Assert.Null(Plan(known: "a1", disk: "", tip: "").Refusal);
    }

    [Test]
    public void Applying_a_plan_leaves_nothing_to_do_but_conflicts() => Property.Check(prng =>
    {
        var (known, disk, tip) = (Random(prng), Random(prng), Random(prng));
        var plan = Plan(known, disk, tip);
        if (plan.Refusal is not null) return;

        var after = Parts(tip).ToDictionary();
        foreach (var name in plan.Removed) after.Remove(name);
        foreach (var name in plan.Added.Concat(plan.Changed)) after[name] = Parts(disk).ToDictionary()[name];
        var knownAfter = Parts(known).ToDictionary();
        foreach (var (name, entry) in plan.Adopted)
        {
            if (entry is null) knownAfter.Remove(name);
            else knownAfter[name] = Parts(tip).ToDictionary()[name];
        }

        foreach (var name in plan.Removed) knownAfter.Remove(name);
        foreach (var name in plan.Added.Concat(plan.Changed)) knownAfter[name] = after[name];
        var again = Plan(Join(knownAfter), disk, Join(after));

        Assert.True(again.IsEmpty);
        Assert.Equal(plan.Conflicts, again.Conflicts);
        Assert.All(Parts(tip), f => Assert.True(after.ContainsKey(f.Key) || plan.Removed.Contains(f.Key)));
    });

    private static string Random(Prng prng) =>
        string.Join(
            ' ', "abcdef".Where(_ => prng.NextDouble() < 0.7).Select(name => $"{name}{(int)(prng.NextDouble() * 3)}"));

    private static FolderChanges Plan(string known, string disk, string tip, string unknown = "") => FolderPlan.Plan(
        Entries(known),
        Parts(disk).ToDictionary(f => f.Key, f => new FolderFile(FilePermission.Regular, id => id == Id(f.Value))),
        Entries(tip),
        name => unknown.Contains(name, StringComparison.Ordinal));

    private static Dictionary<string, FolderEntry> Entries(string text) =>
        Parts(text).ToDictionary(f => f.Key, f => Entry(f.Value));

    private static IEnumerable<KeyValuePair<string, string>> Parts(string text) =>
        text.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(p => KeyValuePair.Create(p[..^1], p[^1..]));

    private static string Join(Dictionary<string, string> files) =>
        string.Join(' ', files.Select(f => f.Key + f.Value));

    private static FolderEntry Entry(string content) => new(Id(content), FilePermission.Regular);

    private static ArtifactId Id(string content)
    {
        var hasher = new ArtifactHasher(HashKind.Sha3);
        hasher.Append(System.Text.Encoding.ASCII.GetBytes(content));
        return hasher.Finish();
    }
}
