using EdgeSync.Node.Iroh;
using EdgeSync.Node.Joining;
using EdgeSync.Primitives;
using EdgeSync.Tests.Support;

namespace EdgeSync.IntegrationTests.Iroh;

public sealed class EndpointKeyFileTests
{
    [Test]
    public void Is_created_once_and_readable_for_its_owner_alone()
    {
        using var folder = new TemporaryFolder();
        var path = folder["new", "iroh-key"];

        using var created = EndpointKeyFile.Ensure(path);
        using var read = EndpointKeyFile.Ensure(path);

        Assert.Equal(created.Id, read.Id);
        Assert.Equal(32, new FileInfo(path).Length);
        Assert.Equal(["iroh-key"], Directory.EnumerateFiles(folder["new"]).Select(Path.GetFileName));
        if (!OperatingSystem.IsWindows())
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(path));
    }

    [Test]
    public void A_key_that_another_process_creates_first_stays()
    {
        using var folder = new TemporaryFolder();
        var path = folder.Write("iroh-key", "first");

        PrivateFile.Create(path, "second"u8);

        Assert.Equal("first", File.ReadAllText(path));
        Assert.Equal(["iroh-key"], Directory.EnumerateFiles(folder.Path).Select(Path.GetFileName));
    }

    [Test]
    public void The_raw_bytes_of_the_original_are_read_and_closed_to_others()
    {
        using var folder = new TemporaryFolder();
        var path = folder.Write("iroh-key", [.. Enumerable.Range(0, 32).Select(i => (byte)i)]);
        if (!OperatingSystem.IsWindows())
            File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.OtherRead);

        using var key = EndpointKeyFile.Ensure(path);

        Assert.Equal("03a107bff3", key.Id.ToShortString());
        if (!OperatingSystem.IsWindows())
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(path));
    }

    [Test]
    public void Another_size_is_no_key()
    {
        using var folder = new TemporaryFolder();
        var path = folder.Write("iroh-key", "0123456789");

        var failure = Assert.Throws<EdgeSyncException>(() => EndpointKeyFile.Ensure(path));

        Assert.Equal(ErrorKind.Corrupt, failure.Kind);
        Assert.Equal("0123456789", File.ReadAllText(path));
    }
}
