using System.Text;
using System.Text.Json;
using EdgeSync.InteropTests.Support;
using EdgeSync.Primitives;
using EdgeSync.Storage;
using EdgeSync.Storage.Checkout;

namespace EdgeSync.InteropTests.Repositories;

/// <summary>R8: check-ins from before Fossil required UTF-8 name files by other bytes.</summary>
public sealed class ForeignNamesTests
{
    private static readonly string[] Names = ["caf\\xe8", "caf\\xe9", "dir\\xff/x"];

    [Test]
    public void Bytes_come_out_as_they_came_in()
    {
        Skip.Unless(OperatingSystem.IsLinux(), "names are bytes on Linux only");
        using var bench = new Workbench("names");
        var repository = bench.NewRepository("r.fossil");
        AddCheckin(repository);

        var listed = bench.Ours.Run("repo", "ls", "-R", repository, "--json").Output;
        bench.Ours.Run("repo", "co", "-R", repository, "-d", bench["ours"]);
        var checkout = bench.Open(repository, "stock");

        Assert.Equal(
            Names,
            JsonDocument.Parse(listed).RootElement.GetProperty("files").EnumerateArray().Select(
                f => f.GetProperty("name").GetString()));
        foreach (var name in Names)
        {
            Assert.Equal(name, bench.Ours.Run("repo", "cat", "-R", repository, name, "-r", "tip").Output);
            Assert.Equal(name, Read(bench["ours"], name));
            Assert.Equal(name, Read(checkout.Folder, name));
        }
    }

    [Test]
    public void A_change_of_one_is_committed_under_its_name()
    {
        Skip.Unless(OperatingSystem.IsLinux(), "names are bytes on Linux only");
        using var bench = new Workbench("names");
        var repository = bench.NewRepository("r.fossil");
        AddCheckin(repository);
        bench.Ours.Run("repo", "co", "-R", repository, "-d", bench["ours"]);
        using (var disk = DiskFolder.Open(bench["ours"]))
        {
            disk.Write("caf\\xe8", "changed\n"u8, EdgeSync.Fossil.Artifacts.FilePermission.Regular, replace: true);
            disk.Write(
                "new\\xe8", "of this name nobody makes any more\n"u8, EdgeSync.Fossil.Artifacts.FilePermission.Regular,
                replace: true);
        }

        var result = bench.Ours.Run("repo", "ci", "-R", repository, "-m", "m", "-C", bench["ours"], ".");

        Assert.Contains("new\\xe8 has a name", result.Errors, StringComparison.Ordinal);
        Assert.Equal(string.Join('\n', Names) + "\n", bench.Ours.Run("repo", "ls", "-R", repository).Output);
        var checkout = bench.Open(repository, "stock");
        Assert.Equal("changed\n", Read(checkout.Folder, "caf\\xe8"));
        Assert.Equal("caf\\xe9", Read(checkout.Folder, "caf\\xe9"));
        bench.MustBeSound(repository);
    }

    private static string Read(string folder, string name)
    {
        using var disk = DiskFolder.Open(folder);
        using var reader = new StreamReader(disk.OpenRead(name));
        return reader.ReadToEnd();
    }

    // Each file holds its own name, as text.
    private static void AddCheckin(string path)
    {
        using var repository = Repository.Open(path);
        using var transaction = repository.Begin();
        var parent = repository.Content.NameOf(repository.Names.ResolveCheckin("tip"));
        var manifest = new List<byte>(Encoding.ASCII.GetBytes("C old\nD 2024-02-01T00:00:00.000\n"));
        foreach (var name in Names)
        {
            repository.Content.Put(Encoding.UTF8.GetBytes(name));
            manifest.AddRange(
                [
                    .. "F "u8, .. EdgeSync.Fossil.Artifacts.PathText.ToBytes(name),
                    .. Encoding.ASCII.GetBytes(
                        $" {ArtifactHash.Compute(HashKind.Sha3, Encoding.UTF8.GetBytes(name))}\n")]);
        }

        manifest.AddRange(Encoding.ASCII.GetBytes($"P {parent}\nU tester\n"));
        manifest.AddRange(Encoding.ASCII.GetBytes($"Z {Md5Hasher.Compute(manifest.ToArray())}\n"));
        repository.Content.Put(manifest.ToArray());
        transaction.Commit();
    }
}
