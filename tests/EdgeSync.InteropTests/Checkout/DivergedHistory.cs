using EdgeSync.InteropTests.Support;

namespace EdgeSync.InteropTests.Checkout;

/// <summary>
/// A repository with the branches trunk and side, and a checkout of trunk: files renamed on each side and on both,
/// swapped, with links, binary content, conflicts, files of one side, and files that both sides have added. Made once
/// by stock; tests copy it.
/// </summary>
public sealed class DivergedHistory : IDisposable
{
    private readonly Lazy<(Workbench Bench, string Folder)> _made = new(Make);

    /// <summary>Has <c>r.fossil</c> and the checkout <c>w</c>.</summary>
    public string Folder => _made.Value.Folder;

    public void Dispose()
    {
        if (_made.IsValueCreated) _made.Value.Bench.Dispose();
    }

    private static (Workbench Bench, string Folder) Make()
    {
        var bench = new Workbench("diverged");
        var folder = bench.Folder.Folder("made");
        bench.NewRepository("made/r.fossil");
        bench.Stock.Run("settings", "autosync", "off", "-R", bench["made/r.fossil"]);
        bench.Stock.Run("settings", "allow-symlinks", "on", "-R", bench["made/r.fossil"]);
        bench.Stock.RunIn(bench.Folder.Folder("made", "w"), "open", "../r.fossil");
        var c = new StockCheckout(bench.Stock, Path.Combine(folder, "w"));
        c.Write("a.txt", "one\ntwo\nthree\n").Write("clean.txt", "a\nb\nc\nd\ne\n").Write("conflict.txt", "base\n")
            .Write("both.txt", "b\nc\n").Write("data.bin", "base\0").Write("gone.txt", "gone\n")
            .Write("old1.txt", "name 1\n").Write("old2.txt", "name 2\n").Write("old3.txt", "1\n2\n3\n4\n5\n6\n")
            .Write("swap1", "s1\n").Write("swap2", "s2\n").Write("dir/deep/e.txt", "e\n");
        Commit("start", "2024-03-01", "--tag", "start");

        c.Write("clean.txt", "a\nb\nc\nd\nE\n").Write("conflict.txt", "theirs\n").Write("both.txt", "b\nc\nother\n")
            .Write("data.bin", "theirs\0").Write("fresh.txt", "fresh\n").Write("sub/new.txt", "new\n")
            .Write("added-twice.txt", "theirs\n").Write("old3.txt", "1\n2\n3\n4\n5\nsix\n");
        File.Delete(c["gone.txt"]);
        foreach (var (from, to) in (ReadOnlySpan<(string, string)>)[
            ("old1.txt", "new1.txt"), ("old3.txt", "theirs3.txt"), ("dir/deep/e.txt", "e.txt"), ("swap1", "swap0"),
            ("swap2", "swap1"), ("swap0", "swap2")]) c.Run("mv", from, to, "--hard");
        File.CreateSymbolicLink(c["link"], "a.txt");
        Commit("what the other side did", "2024-03-02", "--branch", "side");

        c.Run("update", "trunk");
        c.Write("conflict.txt", "ours\n").Write("both.txt", "first\nb\nc\n").Write("data.bin", "ours\0")
            .Write("own.txt", "own\n").Write("added-twice.txt", "ours\n").Write("old3.txt", "one\n2\n3\n4\n5\n6\n");
        c.Run("mv", "old2.txt", "new2.txt", "--hard");
        c.Run("mv", "old3.txt", "ours3.txt", "--hard");
        Commit("what this side did", "2024-03-03");
        return (bench, folder);

        void Commit(string comment, string date, params ReadOnlySpan<string> options)
        {
            c.Run("addremove");
            c.Run(["commit", "-m", comment, "--date-override", date, "--no-warnings", .. options]);
        }
    }
}
