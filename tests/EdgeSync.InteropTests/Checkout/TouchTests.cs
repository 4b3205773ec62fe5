namespace EdgeSync.InteropTests.Checkout;

/// <summary>Times of files, and the other checkouts inside of one, beside stock.</summary>
[System.Runtime.Versioning.UnsupportedOSPlatform("windows")]
public sealed class TouchTests
{
    [Test]
    public void Files_get_the_times_that_stock_gives_them()
    {
        using var bench = new CheckoutBench();
        var ours = bench.OpenByUs("ours");
        bench.First.Write("a.txt", "two\n").Commit("second");
        bench.Ours(ours, "update");
        foreach (var name in (string[])["a.txt", "dir/b.txt", "dir/deep/c.sh"])
            File.SetLastWriteTimeUtc(ours[name], new DateTime(2020, 1, 1, 0, 0, 0, DateTimeKind.Utc));

        var named = bench.Bench.Ours.RunAsFossil(ours.Folder, "touch", "--checkin", "a.txt", "nosuch").Output;
        bench.First.Run("touch", "--checkin", "a.txt");

        Assert.Equal("SKIPPING unmanaged file: nosuch\nTouched 1 file(s)\n", named);
        Assert.Equal(
            File.GetLastWriteTimeUtc(bench.First["a.txt"]), File.GetLastWriteTimeUtc(ours["a.txt"]));

        var expected = bench.First.Run("touch", "-C", "-v").Output;
        Assert.Equal(
            expected.Split('\n').Order(),
            bench.Bench.Ours.RunAsFossil(ours.Folder, "touch", "-C", "-v").Output.Split('\n')
                .Prepend("Timestamp = current check-out version.").Order());
        Assert.Equal(
            File.GetLastWriteTimeUtc(bench.First["dir/b.txt"]), File.GetLastWriteTimeUtc(ours["dir/b.txt"]));
        Assert.Equal("", ours.Run("changes").Output);
    }

    [Test]
    public void Empty_folders_of_another_checkout_inside_stay()
    {
        using var bench = new CheckoutBench();
        var ours = bench.OpenByUs("ours");
        ours.Run("open", "--nested", "--workdir", ours["inner"], bench.Repository, "--empty");
        Directory.CreateDirectory(ours["inner/empty"]);
        Directory.CreateDirectory(ours["gone"]);

        bench.Ours(ours, "clean", "--dirsonly", "--force");
        Assert.True(Directory.Exists(ours["inner/empty"]));
        Assert.False(Directory.Exists(ours["gone"]));

        bench.Ours(ours, "clean", "--dirsonly", "--force", "--allckouts");
        Assert.False(Directory.Exists(ours["inner/empty"]));
    }
}
