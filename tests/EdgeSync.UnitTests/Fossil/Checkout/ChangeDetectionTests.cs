using EdgeSync.Fossil.Artifacts;
using EdgeSync.Fossil.Checkout;
using EdgeSync.Primitives;

namespace EdgeSync.UnitTests.Fossil.Checkout;

public sealed class ChangeDetectionTests
{
    private static readonly TrackedFile Tracked = new()
    {
        Name = "a",
        Content = new RecordId(7),
        Merged = new RecordId(7),
        ModifiedSeconds = 100,
    };

    [Test]
    public void Equal_size_and_time_are_believed_without_reading() =>
        Assert.Equal(ChangeState.Unchanged, Next(Tracked, OnDisk(10, 100), isSame: null));

    [Test]
    public void Another_size_is_a_change_without_reading() =>
        Assert.Equal(ChangeState.Edited, Next(Tracked, OnDisk(11, 100), isSame: null));

    [Test]
    [Arguments(true, ChangeState.Unchanged)]
    [Arguments(false, ChangeState.Edited)]
    public void Another_time_asks_for_the_content(bool isSame, ChangeState expected)
    {
        Assert.Equal(expected, Next(Tracked, OnDisk(10, 101), isSame));
        Assert.Equal(expected, Next(Tracked, OnDisk(10, 100), isSame, trustsTime: false));
    }

    [Test]
    public void An_edit_that_was_taken_back_is_none() => Assert.Equal(
        ChangeState.Unchanged, Next(Tracked with { Change = ChangeState.Edited }, OnDisk(10, 105), isSame: true));

    [Test]
    public void What_is_missing_added_or_removed_has_changed()
    {
        Assert.Equal(ChangeState.Edited, Next(Tracked, DiskState.Nothing, isSame: null));
        Assert.Equal(ChangeState.Edited, Next(Tracked with { IsDeleted = true }, OnDisk(10, 100), isSame: null));
        var added = Tracked with { Content = RecordId.None, Merged = RecordId.None };
        Assert.Equal(
            ChangeState.Edited,
            ChangeDetection.Next(added, OnDisk(0, 100), 0, true, () => throw new InvalidOperationException()));
    }

    [Test]
    [Arguments(FilePermission.Regular, FilePermission.Executable, ChangeState.BecameExecutable)]
    [Arguments(FilePermission.Executable, FilePermission.Regular, ChangeState.LostExecutable)]
    [Arguments(FilePermission.Regular, FilePermission.Symlink, ChangeState.BecameLink)]
    [Arguments(FilePermission.Symlink, FilePermission.Regular, ChangeState.LostLink)]
    public void The_same_content_under_another_permission_is_told_apart(
        FilePermission before, FilePermission now, ChangeState expected)
    {
        var found = Next(
            Tracked with { Permission = before }, OnDisk(10, 100) with { Permission = now }, isSame: true);

        Assert.Equal(expected, found);
        Assert.Equal(
            ChangeState.Unchanged,
            Next(Tracked with { Permission = before, Change = expected },
                OnDisk(10, 100) with { Permission = before }, isSame: true));
    }

    [Test]
    [Arguments("<<<<<<< BEGIN MERGE CONFLICT: local copy shown first <<<<<<<<<<<< (line 2)\n", true)]
    [Arguments(" <<<<<<< BEGIN MERGE CONFLICT: local copy shown first <<<<<<<<<<<<\n", false)]
    [Arguments("<<<<<<< BEGIN MERGE CONFLICT: local copy shown first <<<<<<<<<<<\n", false)]
    [Arguments("======= MERGED IN content follows ===============================", true)]
    [Arguments("", false)]
    public void A_conflict_marker_counts_where_a_line_begins(string line, bool isMarker)
    {
        foreach (var padding in (int[])[0, 1, 65_470, 65_530, 65_535, 65_536, 200_000])
        {
            var text = System.Text.Encoding.ASCII.GetBytes(
                (padding == 0 ? "" : new string('x', padding - 1) + "\n") + line + "tail\n");

            Assert.Equal(isMarker, ConflictMarker.IsIn(text));
            Assert.Equal(isMarker, ConflictMarker.IsIn(new MemoryStream(text)));
        }
    }

    [Test]
    public void A_file_is_listed_under_one_word()
    {
        Assert.Equal("EDITED", Word(Tracked with { Change = ChangeState.Edited }, OnDisk(1, 1)));
        Assert.Equal("CONFLICT", Word(Tracked with { Change = ChangeState.Edited }, OnDisk(1, 1), hasMarker: true));
        Assert.Equal("DELETED", Word(Tracked with { IsDeleted = true }, DiskState.Nothing));
        Assert.Equal("MISSING", Word(Tracked, DiskState.Nothing));
        Assert.Equal("NOT_A_FILE", Word(Tracked, OnDisk(1, 1) with { IsFile = false }));
        Assert.Equal("ADDED", Word(Tracked with { Content = RecordId.None }, OnDisk(1, 1)));
        Assert.Equal("RENAMED", Word(Tracked with { OriginalName = "b" }, OnDisk(1, 1)));
        Assert.Null(Word(Tracked, OnDisk(1, 1)));
        Assert.Null(ChangeClass.Of(
            Tracked with { Change = ChangeState.Edited }, OnDisk(1, 1), ChangeFilter.Added, () => false));
    }

    private static string? Word(TrackedFile file, DiskState disk, bool hasMarker = false) =>
        ChangeClass.Of(file, disk, ChangeFilter.Default, () => hasMarker)?.Class;

    private static DiskState OnDisk(long size, long seconds) => new(true, true, size, seconds, FilePermission.Regular);

    private static ChangeState Next(TrackedFile file, DiskState disk, bool? isSame, bool trustsTime = true) =>
        ChangeDetection.Next(
            file, disk, 10, trustsTime, () => isSame ?? throw new InvalidOperationException("the file was read"));
}
