using EdgeSync.InteropTests.Support;
using EdgeSync.Tests.Support;

namespace EdgeSync.InteropTests.Repositories;

/// <summary>Disks that are full and files that may not be written: a message, and no damage.</summary>
[ClassDataSource<GeneratedHistory>(Shared = SharedType.PerAssembly)]
public sealed class DiskTests(GeneratedHistory history)
{
    [Test]
    public void A_read_only_disk_is_read_and_served()
    {
        using var bench = new Workbench("readonly");
        using var disk = SmallDisk.Mount(bench.Folder.Folder("disk"), 4);
        var origin = disk["origin.fossil"];
        File.Copy(history.Kinds, origin);
        disk.MakeReadOnly();

        Assert.Contains(
            "before its parent", bench.Ours.Run("repo", "timeline", "-R", origin, "-n", "500").Output,
            StringComparison.Ordinal);
        bench.Ours.Run("repo", "ls", "-R", origin);
        bench.Ours.Run("repo", "verify", "-R", origin);
        using (var server = bench.Ours.Serve(origin))
        {
            bench.Stock.Run("clone", server.Url, bench["clone.fossil"]);
            var push = XferMessage.Pragma()
                .Card(
                    "push 0123456789012345678901234567890123456789 5eed0123456789abcdef0123456789abcdef0123").File(
                        "x"u8.ToArray())
                .BytesAs(GeneratedHistory.Login, GeneratedHistory.Password, "5eed0123456789abcdef0123456789abcdef0123");
            var reply = RawHttp.PostPlain(server.Port, push);
            Assert.True(
                reply.Status >= 400
                || reply.Cards.Contains("error ", StringComparison.Ordinal), "a push cannot succeed");
        }

        RepositoryComparer.MustHoldSameArtifacts(history.Kinds, bench["clone.fossil"]);
        Assert.Equal(File.ReadAllBytes(history.Kinds), File.ReadAllBytes(origin));
        var refused = bench.Ours.Try("repo", "rebuild", "-R", origin).MustFail();
        Assert.StartsWith("edgesync", refused.Errors, StringComparison.Ordinal);
    }

    [Test]
    public void A_full_disk_fails_a_clone_and_leaves_nothing_broken()
    {
        using var bench = new Workbench("full");
        using var disk = SmallDisk.Mount(bench.Folder.Folder("disk"), 4);
        var origin = history.CopyOf("history", bench.Folder, "origin.fossil");
        using var server = bench.Stock.Serve(origin);

        var refused = bench.Ours.Try("repo", "clone", server.Url, disk["clone.fossil"]).MustFail();

        Assert.Contains("edgesync:", refused.Errors, StringComparison.Ordinal);
        Assert.DoesNotContain("Unhandled", refused.Text, StringComparison.Ordinal);
        Assert.False(File.Exists(disk["clone.fossil"]), "what is not whole does not stand under its name");
    }

    [Test]
    public void A_full_disk_refuses_a_push_and_keeps_what_was_there()
    {
        using var bench = new Workbench("full");
        using var disk = SmallDisk.Mount(bench.Folder.Folder("disk"), 6);
        var origin = bench.NewRepository("origin.fossil");
        bench.Open(origin, "work").Write("a.txt", "one\n").Commit("one");
        var served = disk["served.fossil"];
        File.Copy(origin, served);
        var checkout = new StockCheckout(bench.Stock, bench.Folder["work"]);
        checkout.Write("big.bin", new EdgeSync.Primitives.Prng(1).NextBytes(20_000_000)).Commit("too big");

        using (var server = bench.Ours.Serve(served))
        {
            var url = server.UrlFor(GeneratedHistory.Login, GeneratedHistory.Password);
            bench.Stock.Try("push", url, "--once", "-R", origin);
            // Twenty megabytes are not sent again each second to a disk that stays full.
            var refused = bench.Ours.Try("repo", "push", url, "-R", origin).MustFail();
            Assert.DoesNotContain("again in", refused.Errors, StringComparison.Ordinal);
            // It still serves what it has.
            bench.Stock.Run("clone", url, bench["clone.fossil"]);
        }

        Assert.Equal(2, Count(served));
        Assert.Equal(2, Count(bench["clone.fossil"]));
        bench.Stock.MustBeIntact(served);
    }

    private static long Count(string repository)
    {
        using var file = new SqliteFile(repository);
        return file.Count("SELECT count(*) FROM event WHERE type='ci'");
    }
}
