using EdgeSync.Fossil.Artifacts;
using EdgeSync.Fossil.Checkout;
using EdgeSync.Primitives;

namespace EdgeSync.UnitTests.Fossil.Checkout;

public sealed class UpdatePlanTests
{
    [Test]
    [Arguments(ChangeState.Unchanged, 1, 1, UpdateAction.None)]
    [Arguments(ChangeState.Unchanged, 1, 2, UpdateAction.Update)]
    [Arguments(ChangeState.Edited, 1, 1, UpdateAction.None)]
    [Arguments(ChangeState.Edited, 1, 2, UpdateAction.Merge)]
    [Arguments(ChangeState.Edited, 1, 0, UpdateAction.RemovedButEdited)]
    [Arguments(ChangeState.Unchanged, 1, 0, UpdateAction.Remove)]
    [Arguments(ChangeState.Edited, 0, 0, UpdateAction.KeepAdded)]
    [Arguments(ChangeState.Edited, 0, 2, UpdateAction.AddedTwice)]
    public void Each_case_has_its_action(ChangeState change, int content, int target, UpdateAction expected)
    {
        var step = Assert.Single(Plan([File("f", content) with { Change = change }], target == 0 ? []
            : [File("f", target)]));

        Assert.Equal(expected, step.Action);
    }

    [Test]
    public void New_files_are_added_and_missing_ones_written_anew()
    {
        Assert.Equal(UpdateAction.Add, Assert.Single(Plan([], [File("f", 1)])).Action);
        Assert.Equal(
            UpdateAction.Update,
            Assert.Single(
                Plan([File("f", 1) with { Change = ChangeState.Edited }], [File("f", 1)], missing: "f")).Action);
    }

    [Test]
    public void An_edited_file_follows_its_name()
    {
        var renames = new Dictionary<string, string> { ["old"] = "new" };

        var step = Assert.Single(
            Plan([File("old", 1) with { Change = ChangeState.Edited }], [File("new", 2)], renames: renames));
        Assert.Equal((UpdateAction.Merge, "new"), (step.Action, step.NewName));

        Assert.Equal(
            "Add Remove",
            string.Join(' ', Plan([File("old", 1)], [File("new", 2)], renames: renames).Select(s => s.Action)));
    }

    [Test]
    public void A_name_from_here_stays()
    {
        var here = File("mine", 1) with { OriginalName = "old" };
        var renames = new Dictionary<string, string> { ["old"] = "new" };

        Assert.Equal("None mine old True", Text(Plan([here], [File("old", 1)])));
        Assert.Equal("Update mine old True", Text(Plan([here], [File("old", 2)])));
        Assert.Equal("Update mine new True", Text(Plan([here], [File("new", 2)], renames: renames)));
        // Another file of the target has the name.
        Assert.Equal(
            "Update mine mine False, Add old old False", Text(Plan([here], [File("mine", 3), File("old", 1)])));

        static string Text(List<UpdateStep> steps) =>
            string.Join(", ", steps.Select(s => $"{s.Action} {s.NewName} {s.Target!.Name} {s.KeepsName}"));
    }

    [Test]
    public void A_changed_permission_of_ones_own_stays()
    {
        var target = File("f", 2) with { Permission = FilePermission.Regular };

        Assert.Equal(
            FilePermission.Executable,
            UpdatePlan.PermissionOf(File("f", 1) with { Change = ChangeState.BecameExecutable }, target));
        Assert.Equal(FilePermission.Regular, UpdatePlan.PermissionOf(File("f", 1), target));
    }

    private static List<UpdateStep> Plan(
        TrackedFile[] current, TrackedFile[] target, string? missing = null,
        Dictionary<string, string>? renames = null) =>
        UpdatePlan.Make(current, target, renames ?? [], name => name == missing, StringComparer.Ordinal);

    private static TrackedFile File(string name, int content) =>
        new() { Name = name, Content = new RecordId(content), Merged = new RecordId(content) };
}
