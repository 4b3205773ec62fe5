using EdgeSync.Fossil.Artifacts;
using EdgeSync.IntegrationTests.Storage.Authoring;
using EdgeSync.Primitives;
using EdgeSync.Storage.Authoring;
using EdgeSync.Storage.Checkout;
using EdgeSync.Tests.Support;
using static EdgeSync.IntegrationTests.Storage.Authoring.TestProject;

namespace EdgeSync.IntegrationTests.Storage.Checkout;

/// <summary>R16: what stands against it is found before the first file is written.</summary>
public sealed class TreeWriterTests : IDisposable
{
    private readonly TestProject _project = new();
    private readonly TemporaryFolder _folder = new("tree");

    public void Dispose()
    {
        _project.Dispose();
        _folder.Dispose();
    }

    [Test]
    public void A_content_that_is_not_here_stops_it()
    {
        var files = Files(Put("a", "1"), Put("b", "2"));
        var missing = new TreeFile("c", ArtifactHash.Compute(HashKind.Sha3, "not here"u8), FilePermission.Regular);

        var error = Refused(() => Write([.. files, missing], replace: true), ErrorKind.NotFound);

        Assert.Equal(["c"], error.Candidates);
    }

    [Test]
    public void A_file_where_another_needs_a_folder_stops_it()
    {
        var a = Files(Put("a", "1"))[0];

        Refused(() => Write([a with { Name = "x" }, a with { Name = "x/y" }], replace: true), ErrorKind.Conflict);
        Refused(() => Write([a with { Name = "x" }, a with { Name = "x" }], replace: true), ErrorKind.Conflict);
    }

    [Test]
    public void Names_that_fold_to_one_are_rejected()
    {
        var a = Files(Put("a", "1"))[0];
        using var disk = new RecordingFolder(_folder.Path) { IgnoresCase = true };

        Assert.Throws<EdgeSyncException>(
            () => new TreeWriter(_project.Repository, disk).Write(
                [a with { Name = "Read" }, a with { Name = "READ" }], replace: true));
        Assert.Empty(disk.Written);

        disk.IgnoresCase = false;
        new TreeWriter(_project.Repository, disk).Write(
            [a with { Name = "Read" }, a with { Name = "READ" }], replace: true);
        Assert.Equal(["Read", "READ"], disk.Written);
    }

    [Test]   // R8
    public void Names_that_the_system_cannot_hold_stop_it()
    {
        var a = Files(Put("a", "1"))[0];
        using var disk = new RecordingFolder(_folder.Path);

        Assert.Throws<EdgeSyncException>(
            () => new TreeWriter(_project.Repository, disk).Write([a, a with { Name = "caf\\xe8" }], replace: true));
        Assert.Empty(disk.Written);
    }

    [Test]
    public void What_is_in_the_way_stops_it()
    {
        var files = Files(Put("a", "1"), Put("d/b", "2"));
        _folder.Write("out/d/b", "mine");
        Refused(() => Write(files, replace: false), ErrorKind.Conflict, "b");

        File.Delete(_folder["out", "d", "b"]);
        Directory.Delete(_folder["out", "d"]);
        _folder.Write("out/d", "mine");
        Refused(() => Write(files, replace: true), ErrorKind.Conflict, "d");

        File.Delete(_folder["out", "d"]);
        Directory.CreateSymbolicLink(_folder["out", "d"], _folder.Folder("elsewhere"));
        Refused(() => Write(files, replace: true), ErrorKind.Conflict, "d");

        Directory.Delete(_folder["out", "d"]);
        Directory.CreateDirectory(_folder["out", "a"]);
        Refused(() => Write(files, replace: true), ErrorKind.Conflict, "a");

        Directory.Delete(_folder["out", "a"]);
        Write(files, replace: false);
        Assert.Equal("2", File.ReadAllText(_folder["out", "d", "b"]));
    }

    private List<TreeFile> Files(params IReadOnlyList<FileChange> changes) =>
        TreeFile.AllOf(CheckInTree.Load(_project.Repository, _project.Commit(_project.Root, changes)));

    private void Write(IReadOnlyList<TreeFile> files, bool replace)
    {
        using var disk = DiskFolder.Create(_folder["out"]);
        new TreeWriter(_project.Repository, disk).Write(files, replace);
    }

    private EdgeSyncException Refused(Action write, ErrorKind kind, string? there = null)
    {
        var error = Assert.Throws<EdgeSyncException>(write);
        Assert.Equal(kind, error.Kind);
        var left = Directory.Exists(_folder["out"])
            ? Directory.EnumerateFileSystemEntries(_folder["out"], "*", SearchOption.AllDirectories).ToArray()
            : [];
        Assert.All(left, path => Assert.Contains(Path.GetFileName(path), (string?[])["d", there]));
        return error;
    }

    /// <summary>A file system with rules that this machine's has not.</summary>
    private sealed class RecordingFolder(string path) : DiskFolder(path)
    {
        public bool IgnoresCase { get; set; }

        public List<string> Written { get; } = [];

        public override bool TakesAnyBytes => false;

        public override IReadOnlyList<DiskEntry> List(string folder) => [];

        public override DiskEntry? Find(string name) => null;

        public override Stream OpenRead(string name) => throw new NotSupportedException();

        public override byte[] ReadLink(string name) => throw new NotSupportedException();

        public override void Write(string name, ReadOnlySpan<byte> content, FilePermission permission, bool replace) =>
            Written.Add(name);

        public override bool Remove(string name) => throw new NotSupportedException();

        public override bool RemoveFolder(string name) => throw new NotSupportedException();

        public override void CreateFolder(string name) => throw new NotSupportedException();

        public override void Move(string oldName, string newName) => throw new NotSupportedException();

        public override bool SetExecutable(string name, bool isExecutable) => throw new NotSupportedException();

        public override bool SetModified(string name, long seconds) => throw new NotSupportedException();

        public override bool FoldsCase() => IgnoresCase;

        protected override void Dispose(bool disposing)
        {
        }
    }
}
