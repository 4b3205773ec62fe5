using System.Runtime.Versioning;
using System.Text;
using EdgeSync.Fossil.Artifacts;
using EdgeSync.Primitives;
using EdgeSync.Storage.Checkout;
using EdgeSync.Tests.Support;

namespace EdgeSync.IntegrationTests.Storage.Checkout;

[UnsupportedOSPlatform("windows")]
public sealed class DiskFolderTests : IDisposable
{
    private readonly TemporaryFolder _folder = new("disk");

    public void Dispose() => _folder.Dispose();

    [Test]
    [Arguments(true)]
    [Arguments(false)]
    public void Each_entry_is_what_it_is_and_no_link_is_followed(bool isPortable)
    {
        _folder.Write("top/d/a.sh", "a\n");
        File.SetUnixFileMode(
            _folder["top", "d", "a.sh"], UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        _folder.Write("out/secret", "s\n");
        Directory.CreateSymbolicLink(_folder["top", "o"], _folder["out"]);
        File.CreateSymbolicLink(_folder["top", "l"], "d/a.sh");
        MakePipe(_folder["top", "pipe"]);
        using var disk = Open(_folder["top"], isPortable);

        Assert.Equal(
            ["d Folder", "l Link", "o Link", isPortable ? "pipe Regular" : "pipe Other"],
            disk.List("").Select(e => $"{e.Name} {e.Kind}").Order(StringComparer.Ordinal));
        var script = Assert.Single(disk.List("d"));
        Assert.Equal(
            ("d/a.sh", DiskKind.Regular, true, 2), (script.Name, script.Kind, script.IsExecutable, script.Size));
        Assert.Equal(new FileInfo(_folder["top", "d", "a.sh"]).LastWriteTimeUtc.Ticks, script.ModifiedTicks);
        Assert.Equal("d/a.sh", Encoding.UTF8.GetString(disk.ReadLink("l")));
        Assert.Null(disk.Find("o/secret"));
        Assert.Null(disk.Find("nothing"));
        Assert.ThrowsAny<IOException>(() => disk.OpenRead("o/secret"));
        Assert.ThrowsAny<IOException>(() => disk.OpenRead("l"));

        // R3: does not wait.
        if (isPortable) Assert.Equal(0, disk.OpenRead("pipe").Length);
        else Assert.ThrowsAny<IOException>(() => disk.OpenRead("pipe"));
    }

    [Test]   // S4
    [Arguments(true)]
    [Arguments(false)]
    public void What_is_written_stays_inside(bool isPortable)
    {
        _folder.Write("out/theirs", "theirs\n");
        Directory.CreateDirectory(_folder["top"]);
        Directory.CreateSymbolicLink(_folder["top", "o"], _folder["out"]);
        File.CreateSymbolicLink(_folder["top", "l"], _folder["out", "theirs"]);
        File.CreateSymbolicLink(_folder["top", $"f.edgesync-{Environment.ProcessId}"], _folder["out", "theirs"]);
        using var disk = Open(_folder["top"], isPortable);

        disk.Write("f", "mine\n"u8, FilePermission.Regular, replace: false);
        disk.Write("l", "mine\n"u8, FilePermission.Regular, replace: true);
        disk.Write("new/deep/x", "#!\n"u8, FilePermission.Executable, replace: false);
        var refused = Assert.Throws<EdgeSyncException>(
            () => disk.Write("o/theirs", "mine\n"u8, FilePermission.Regular, replace: true));
        var taken = Assert.Throws<EdgeSyncException>(
            () => disk.Write("f", "again\n"u8, FilePermission.Regular, replace: false));

        Assert.Equal(ErrorKind.Conflict, refused.Kind);
        Assert.Equal(ErrorKind.Conflict, taken.Kind);
        Assert.Equal("theirs\n", File.ReadAllText(_folder["out", "theirs"]));
        Assert.Single(Directory.GetFiles(_folder["out"]));
        Assert.Equal("mine\n", File.ReadAllText(_folder["top", "f"]));
        Assert.Null(new FileInfo(_folder["top", "l"]).LinkTarget);
        Assert.True((File.GetUnixFileMode(_folder["top", "new", "deep", "x"]) & UnixFileMode.UserExecute) != 0);
        Assert.DoesNotContain(
            Directory.EnumerateFileSystemEntries(_folder["top"]),
            path => Path.GetFileName(path).StartsWith(DiskFolder.TemporaryPrefix, StringComparison.Ordinal));
    }

    [Test]
    [Arguments(true)]
    [Arguments(false)]
    public void A_link_is_written_as_a_link(bool isPortable)
    {
        Directory.CreateDirectory(_folder["top"]);
        using var disk = Open(_folder["top"], isPortable);

        disk.Write("l", "../no/where"u8, FilePermission.Symlink, replace: false);

        Assert.Equal("../no/where", new FileInfo(_folder["top", "l"]).LinkTarget);
        Assert.False(disk.FoldsCase());
    }

    [Test]   // R8
    public void Names_are_bytes()
    {
        Skip.Unless(OperatingSystem.IsLinux(), "names are bytes on Linux only");
        Directory.CreateDirectory(_folder["top"]);
        using var disk = DiskFolder.Open(_folder["top"]);
        var names = new[] { "caf\\xe8", "caf\\xe9", "d\\xff/caf\\xe8", "back\\slash", "caf\u00e9" };

        foreach (var name in names)
            disk.Write(name, Encoding.UTF8.GetBytes(name), FilePermission.Regular, replace: false);

        Assert.Equal(
            names.Where(n => !n.Contains('/', StringComparison.Ordinal)).Append("d\\xff").Order(StringComparer.Ordinal),
            disk.List("").Select(e => e.Name).Order(StringComparer.Ordinal));
        foreach (var name in names)
        {
            using var reader = new StreamReader(disk.OpenRead(name));
            Assert.Equal(name, reader.ReadToEnd());
        }
    }

    internal static void MakePipe(string path) =>
        new ProgramStart("/usr/bin/mkfifo") { Arguments = [path] }.Run().MustSucceed();

    private static DiskFolder Open(string path, bool isPortable) =>
        isPortable ? new PortableFolder(path) : DiskFolder.Open(path);
}
