using EdgeSync.Fossil.Checkout;
using EdgeSync.Primitives;

namespace EdgeSync.UnitTests.Fossil.Checkout;

public sealed class RenamePlanTests
{
    private static readonly List<TrackedFile> Files =
    [
        File(1, "a"), File(2, "d/b"), File(3, "d/e/c"), File(4, "gone") with { IsDeleted = true },
    ];

    [Test]
    public void A_file_takes_the_name_or_goes_into_the_folder()
    {
        Assert.Equal(["a>z"], Plan(["a"], "z"));
        Assert.Equal(["a>d/a"], Plan(["a"], "d"));
        Assert.Equal(["d/b>b"], Plan(["d/b"], ""));
    }

    [Test]
    public void A_folder_takes_its_files_along()
    {
        Assert.Equal(["d/b>z/b", "d/e/c>z/e/c"], Plan(["d"], "z"));
        Assert.Equal(["d/e/c>e/c"], Plan(["d/e"], ""));
    }

    [Test]
    public void A_folder_that_was_renamed_by_hand_is_not_put_into_itself() =>
        Assert.Equal(
            ["d/b>moved/b", "d/e/c>moved/e/c"],
            RenamePlan.Make(Files, ["d"], "moved", n => n == "moved", _ => false, StringComparer.Ordinal)
                .Select(s => $"{s.File.Name}>{s.NewName}"));

    [Test]
    [Arguments("a", "d/b")]
    [Arguments("a", "gone")]
    [Arguments("nothing", "z")]
    public void A_name_that_is_taken_or_unknown_is_refused(string from, string to) =>
        Assert.Throws<EdgeSyncException>(() => Plan([from], to));

    [Test]
    public void Several_files_need_a_folder() =>
        Assert.Throws<EdgeSyncException>(() => Plan(["a", "d/b"], "z"));

    [Test]
    public void Names_that_go_round_are_renamed_one_after_the_other()
    {
        var names = new Dictionary<string, string> { ["a"] = "1", ["b"] = "2", ["c"] = "3" };
        foreach (var (from, to) in RenameOrder.Of([("a", "b"), ("b", "a"), ("c", "d")], "aside"))
        {
            Assert.False(names.ContainsKey(to));
            names.Remove(from, out var content);
            names[to] = content!;
        }

        Assert.Equal(["a=2", "b=1", "d=3"], names.Select(n => $"{n.Key}={n.Value}").Order(StringComparer.Ordinal));
    }

    private static IEnumerable<string> Plan(string[] sources, string target) =>
        RenamePlan.Make(
            Files, sources, target, n => n is "d" or "d/e" or "", _ => false, StringComparer.Ordinal)
            .Select(s => $"{s.File.Name}>{s.NewName}");

    private static TrackedFile File(long id, string name) => new() { Id = id, Name = name, Content = new RecordId(id) };
}
