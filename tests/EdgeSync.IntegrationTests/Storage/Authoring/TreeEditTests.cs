using EdgeSync.Fossil.Artifacts;
using EdgeSync.Primitives;
using EdgeSync.Storage.Authoring;

namespace EdgeSync.IntegrationTests.Storage.Authoring;

public sealed class TreeEditTests
{
    private static readonly ArtifactId Id = ArtifactHash.Compute(HashKind.Sha3, "x"u8);

    [Test]   // R7: when each name was compared with each other one, this was not done after many minutes.
    public async Task Many_new_files_are_checked_in_linear_time()
    {
        const int Count = 300_000;
        var edit = new TreeEdit(null, 0);
        for (var i = 0; i < Count; i++) edit.Put($"folder{i % 977}/sub{i % 31}/file{i}", Id, FilePermission.Regular);

        var files = await Task.Run(() => edit.Finish(out _), TestContext.Current!.Execution.CancellationToken)
            .WaitAsync(TimeSpan.FromMinutes(2), TestContext.Current!.Execution.CancellationToken);

        Assert.Equal(Count, files.Count);
        for (var i = 1; i < files.Count; i++)
            Assert.True(files[i - 1].Name.Span.SequenceCompareTo(files[i].Name.Span) < 0);
    }

    [Test]
    [Arguments("a", "a/b")]
    [Arguments("a/b", "a")]
    [Arguments("a/b/c/d", "a/b")]
    [Arguments("x/a/b", "x/a")]
    public void A_name_cannot_be_file_and_folder(string first, string second)
    {
        var edit = new TreeEdit(null, 0);
        edit.Put(first, Id, FilePermission.Regular);
        edit.Put("x/other", Id, FilePermission.Regular);
        edit.Put(second, Id, FilePermission.Regular);

        Assert.Equal(ErrorKind.Conflict, Assert.Throws<EdgeSyncException>(() => edit.Finish(out _)).Kind);
    }

    [Test]   // R8
    public void Two_texts_of_one_name_are_one_file()
    {
        var edit = new TreeEdit(null, 0);
        edit.Put("a\\x62", Id, FilePermission.Regular);
        edit.Put("ab", Id, FilePermission.Executable);

        var file = Assert.Single(edit.Finish(out _));
        Assert.Equal("ab"u8.ToArray(), file.Name.ToArray());
    }
}
