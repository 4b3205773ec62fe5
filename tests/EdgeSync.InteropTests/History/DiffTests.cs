using System.Text;
using EdgeSync.InteropTests.Support;
using EdgeSync.Primitives;

namespace EdgeSync.InteropTests.History;

/// <summary>Called as <c>fossil</c>, a diff is stock's, byte for byte.</summary>
[ClassDataSource<GeneratedHistory>(Shared = SharedType.PerAssembly)]
public sealed class DiffTests(GeneratedHistory histories)
{
    private const int FileCount = 60;

    // Lines that begin with letters beyond ASCII are left out: stock takes those letters for indentation with -w.
    private static readonly string[] Words =
    [
        "", "}", "{", "  x = 1;", "\tx = 1;", "x = 1;", "foo bar baz", "foo  bar baz", "voilà été", "return;",
        "  }", "    }", "if(a){", "  if(a){", "same", "line with cr\r", "trail  ", "trail",
    ];

    private static readonly string[][] OptionSets =
    [
        [], ["-c", "0"], ["-c", "2", "-n"], ["--context", "40"], ["-y"], ["-y", "-W", "60", "-c", "1"], ["-w"],
        ["-w", "-y"], ["-Z"], ["-Z", "-y"], ["--strip-trailing-cr"], ["--numstat"], ["--numstat", "-w"], ["--brief"],
            ["-v"],
        ["-N", "--numstat"], ["--invert"], ["--noopt"], ["-versions"], ["--unified", "-y"], ["-i"],
    ];

    [Test]
    [Property("Fossil", "2.21")]
    public void Random_files_of_two_check_ins()
    {
        using var bench = new Workbench("diff");
        var prng = new Prng(7);
        var repository = bench.NewRepository("a.fossil");
        var checkout = bench.Open(repository, "here");
        List<List<string>> texts = [.. Enumerable.Range(0, FileCount).Select(_ => Lines(prng))];
        Write(checkout, texts, prng);
        checkout.Commit("first", "--tag", "one");
        Write(checkout, [.. texts.Select(t => prng.NextInt32(5) == 0 ? Lines(prng) : Changed(prng, t))], prng);
        File.Delete(checkout["f3"]);
        checkout.Write("new file", "one\ntwo").Write("f4", "a\0b").Write("deep/er", "x\n").Commit("second");

        foreach (var options in OptionSets)
        {
            Same(bench, ["diff", "--from", "one", "--to", "trunk", .. options, "-R", repository]);
            Same(bench, ["diff", "--from", "trunk", "--to", "one", .. options, "-R", repository]);
        }
    }

    [Test]
    [Property("Fossil", "2.21")]
    public void Files_of_the_disk()
    {
        using var bench = new Workbench("diff");
        var prng = new Prng(11);
        for (var i = 0; i < 6; i++)
        {
            var lines = Lines(prng);
            File.WriteAllText(bench["left"], string.Join('\n', lines));
            File.WriteAllText(bench["right"], string.Join('\n', Changed(prng, lines)) + (i % 2 == 0 ? "\n" : ""));
            foreach (var options in (string[][])[[], ["-y"], ["-w", "-y"], ["--numstat"], ["--brief"], ["--raw"]])
                Same(bench, ["xdiff", .. options, "left", "right"]);
        }

        Same(bench, "xdiff", "left", "left");
        Same(bench, "xdiff", "-w", "left", "left");
        Same(bench, "test-diff", "-context", "1", "left", "right");
    }

    [Test]
    [Property("Fossil", "2.21")]
    public void What_each_check_in_of_a_history_changed()
    {
        using var bench = new Workbench("diff");
        var repository = histories.CopyOf("kinds", bench.Folder, "a.fossil");
        var hashes = bench.Stock.Run(
            "sql", "-R", repository, "--readonly",
            "SELECT uuid FROM plink JOIN blob ON rid=cid JOIN event ON objid=cid WHERE isprim ORDER BY rid").Output
            .Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(h => h.Trim('\'')).ToList();
        Assert.NotEmpty(hashes);

        foreach (var hash in hashes.Where((_, i) => i % 3 == 0))
            Same(bench, "diff", "--checkin", hash[..16], "-R", repository);
        foreach (var options in (string[][])[[], ["-y"], ["--numstat"], ["--brief"], ["-v", "-w"]])
            Same(bench, ["diff", "-from", hashes[0], "-to", "tip", .. options, "-R", repository]);
        Same(bench, "diff", "--branch", "trunk", "-R", repository);
    }

    [Test]
    [Property("Fossil", "2.21")]
    public void Files_and_folders_by_name()
    {
        using var bench = new Workbench("diff");
        var repository = bench.NewRepository("a.fossil");
        var checkout = bench.Open(repository, "here").Write("a", "1\n").Write("d/b", "1\n").Write("dd", "1\n")
            .Commit("first", "--tag", "one").Write("a", "2\n").Write("d/b", "2\n").Write("dd", "2\n").Commit("second");

        foreach (var names in (string[][])[["a"], ["d"], ["d/b", "dd"], ["."]])
        {
            string[] words = ["diff", "--from", "one", "--to", "tip", .. names];
            Assert.Equal(checkout.Run(words).Output, bench.Ours.RunAsFossil(checkout.Folder, words).Output);
        }

        var missing = bench.Ours.TryAsFossil(checkout.Folder, "diff", "--from", "one", "--to", "tip", "nosuch");
        Assert.Equal(1, missing.ExitCode);
        Assert.Equal("not found: 'nosuch'\n", missing.Errors);
    }

    [Test]
    public void A_renamed_file_is_one_change_under_our_own_name()
    {
        using var bench = new Workbench("diff");
        var repository = bench.NewRepository("a.fossil");
        var checkout = bench.Open(repository, "here").Write("old", "1\n2\n3\n").Commit("first", "--tag", "one");
        checkout.Run("mv", "--hard", "old", "new");
        checkout.Write("new", "1\n2\nthree\n").Commit("second");

        var ours = bench.Ours.Run("diff", "--from", "one", "--to", "tip", "-R", repository).Output;
        Assert.StartsWith("RENAMED old -> new\nIndex: old\n", ours, StringComparison.Ordinal);
        Assert.Contains("-3\n+three\n", ours, StringComparison.Ordinal);
        Same(bench, "diff", "--from", "one", "--to", "tip", "-R", repository);
    }

    private static void Same(Workbench bench, params string[] words)
    {
        var (theirs, ours) = (bench.Stock.Try(words), bench.Ours.TryAsFossil(bench.Folder.Path, words));
        Assert.Equal(theirs.Output, ours.Output);
        Assert.Equal(theirs.OutputBytes, ours.OutputBytes);
        Assert.Equal(theirs.ExitCode, ours.ExitCode);
    }

    private static void Write(StockCheckout checkout, List<List<string>> texts, Prng prng)
    {
        for (var i = 0; i < texts.Count; i++)
        {
            var text = string.Join('\n', texts[i]) + (prng.NextInt32(5) > 0 ? "\n" : "");
            checkout.Write($"f{i}", prng.NextInt32(20) == 0
                ? [.. Encoding.Unicode.Preamble, .. Encoding.Unicode.GetBytes(text)] : Encoding.UTF8.GetBytes(text));
        }
    }

    private static List<string> Lines(Prng prng)
    {
        var count =
            prng.NextInt32(4) switch
            {
                0 => prng.NextInt32(5),
                1 => prng.NextInt32(30),
                2 => prng.NextInt32(120),
                _ => 300
            };
        var variety = 2 + prng.NextInt32(Words.Length - 1);
        var many = prng.NextInt32(2) == 0 ? 40 : 10_000;
        return [.. Enumerable.Range(0, count).Select(_ => prng.NextInt32(5) < 3
            ? Words[prng.NextInt32(variety)] : $"u{prng.NextInt32(many)} {Words[prng.NextInt32(Words.Length)]}")];
    }

    private static List<string> Changed(Prng prng, List<string> lines)
    {
        List<string> changed = [.. lines];
        for (var left = 1 + prng.NextInt32(10); left > 0; left--)
        {
            var at = prng.NextInt32(changed.Count + 1);
            var count = Math.Min(1 + prng.NextInt32(30), changed.Count - at);
            var part = changed.GetRange(at, count);
            switch (prng.NextInt32(6))
            {
                case 0:
                    changed.RemoveRange(at, count);
                    break;
                case 1:
                    changed.InsertRange(at, Lines(prng).Take(30));
                    break;
                case 2:
                    for (var i = at; i < at + count; i++) changed[i] = "  " + changed[i];
                    break;
                case 3:
                    for (var i = at; i < at + count; i++) changed[i] = changed[i].Trim();
                    break;
                case 4:
                    changed.RemoveRange(at, count);
                    changed.InsertRange(prng.NextInt32(changed.Count + 1), part);
                    break;
                default:
                    for (var i = at; i < at + count; i++) changed[i] += "!";
                    break;
            }
        }

        return changed;
    }
}
