using EdgeSync.InteropTests.Support;
using EdgeSync.Tests.Support;

namespace EdgeSync.InteropTests.History;

/// <summary>
/// Called as <c>fossil</c> in a checkout of a generated history, the commands that tell of it print what stock prints,
/// byte for byte.
/// </summary>
[ClassDataSource<GeneratedHistory>(Shared = SharedType.PerAssembly)]
public sealed class HistoryTests(GeneratedHistory histories)
{
    [Test]
    [Property("Fossil", "2.21")]
    [Arguments("timeline")]
    [Arguments("timeline -n 0")]
    [Arguments("timeline -n 5 -t ci -v")]
    [Arguments("timeline -n 30 -t w")]
    [Arguments("timeline -n 0 -t a -W 60")]
    [Arguments("timeline -n 10 -t e --offset 3")]
    [Arguments("timeline -n -15")]
    [Arguments("timeline before trunk -n 5")]
    [Arguments("timeline after root:trunk -n 5")]
    [Arguments("timeline descendants root:trunk -n 7")]
    [Arguments("timeline ancestors trunk -n 7")]
    [Arguments("timeline parents current -n 4")]
    [Arguments("timeline children prev")]
    [Arguments("timeline 2020-01-05")]
    [Arguments("timeline before 2020-01-05 -n 0")]
    [Arguments("timeline -n 0 -F %h|%H|%a|%d|%c|%b|%t|%p|%%|%x")]
    [Arguments("timeline -n 6 --oneline")]
    [Arguments("timeline -n 6 --medium")]
    [Arguments("timeline -n 6 --full")]
    [Arguments("timeline -n 0 -p src")]
    [Arguments("timeline -n 0 -p -dash")]
    [Arguments("timeline -n 0 -b trunk")]
    [Arguments("timeline -n 0 -c")]
    [Arguments("leaves")]
    [Arguments("leaves -a")]
    [Arguments("leaves -c")]
    [Arguments("leaves --bybranch -a")]
    [Arguments("leaves -m")]
    [Arguments("leaves -a -W 50")]
    [Arguments("descendants")]
    [Arguments("descendants root:trunk")]
    [Arguments("descendants prev -W 40")]
    [Arguments("branch")]
    [Arguments("branch list")]
    [Arguments("branch ls -a")]
    [Arguments("branch ls -c")]
    [Arguments("branch ls -t")]
    [Arguments("branch ls -r")]
    [Arguments("branch ls t*")]
    [Arguments("branch lsh")]
    [Arguments("branch lsh 2")]
    [Arguments("branch info trunk nosuch")]
    [Arguments("branch current")]
    [Arguments("tag list")]
    [Arguments("tag ls --raw")]
    [Arguments("tag list trunk")]
    [Arguments("tag ls --raw trunk")]
    [Arguments("tag ls -t singleton")]
    [Arguments("tag list --prefix sym-t")]
    [Arguments("tag find trunk")]
    [Arguments("tag find -t ci trunk")]
    [Arguments("tag find --raw sym-trunk")]
    [Arguments("tag find -t ci trunk -n 3")]
    [Arguments("info")]
    [Arguments("info trunk")]
    [Arguments("info root:trunk")]
    [Arguments("whatis trunk")]
    [Arguments("whatis tip prev")]
    [Arguments("whatis nosuch")]
    [Arguments("artifact tip")]
    [Arguments("blame nosuch")]
    [Arguments("finfo nosuch")]
    public void What_stock_says_of_a_history(string line)
    {
        using var bench = new Workbench("history");
        var checkout = bench.Open(histories.CopyOf("kinds", bench.Folder, "a.fossil"), "here");

        Same(bench, checkout, line.Split(' '));
    }

    /// <summary>The program's own command has stock's words, and an option for each.</summary>
    [Test]
    [Arguments("before trunk", "before trunk")]
    [Arguments("after root:trunk -n 5", "after root:trunk -n 5")]
    [Arguments("--before trunk -n 5", "before trunk -n 5")]
    [Arguments("--after 2020-01-05 -n 0", "after 2020-01-05 -n 0")]
    [Arguments("--descendants root:trunk -n 7", "descendants root:trunk -n 7")]
    [Arguments("par current -n 4", "parents current -n 4")]
    [Arguments("--ancestors trunk -n 7", "ancestors trunk -n 7")]
    [Arguments("--path src -n 0", "-p src -n 0")]
    [Arguments("-c -n 0", "-c -n 0")]
    [Arguments("--branch trunk --offset 3 -n 4", "-b trunk --offset 3 -n 4")]
    [Arguments("--offset 2 --type all -n 0", "--offset 2 -t a -n 0")]
    public void The_own_timeline_has_stocks_entries(string ours, string theirs)
    {
        using var bench = new Workbench("history");
        var checkout = bench.Open(histories.CopyOf("kinds", bench.Folder, "a.fossil"), "here");
        string[] theirWords = theirs.Contains("-t ", StringComparison.Ordinal)
            ? theirs.Split(' ') : [.. theirs.Split(' '), "-t", "ci"];

        var expected = checkout.Run(["timeline", .. theirWords, "-F", "%h %a %b %p"]).Output.Split('\n')
            .Where(line => line.Length > 0 && !line.StartsWith("+++", StringComparison.Ordinal)
                && !line.StartsWith("---", StringComparison.Ordinal));

        var actual = bench.Ours.RunIn(
            checkout.Folder, ["timeline", .. ours.Split(' '), "--format", "%h %a %b %p"]).Output.Split('\n');
        Assert.Equal(expected, actual[..^1]);
        Assert.NotEqual("", actual[0]);
    }

    [Test]
    public void Every_file_with_its_versions_and_the_check_in_of_each_line()
    {
        using var bench = new Workbench("history");
        var checkout = bench.Open(histories.CopyOf("kinds", bench.Folder, "a.fossil"), "here");
        var files = checkout.Run("ls").Output.Split('\n', StringSplitOptions.RemoveEmptyEntries)
            .Where(f => f[0] != '-').ToList();
        Assert.NotEmpty(files);

        foreach (var file in files.Where((_, i) => i % 3 == 0))
        {
            Same(bench, checkout, "annotate", file);
            Same(bench, checkout, "finfo", file);
        }

        var some = files[files.Count / 2];
        foreach (var words in (string[][])[
            ["blame", some], ["praise", "-l", some], ["annotate", "--filevers", some], ["blame", "-n", "2", some],
            ["blame", "-w", some], ["annotate", "-r", "root:trunk", some], ["finfo", "-b", some],
                ["finfo", "-n", "2", some],
            ["finfo", "--offset", "1", some], ["finfo", "-W", "60", some], ["finfo", "-p", some], ["cat", some],
            ["cat", some, "-r", "tip"]])
            Same(bench, checkout, words);
    }

    [Test]
    public void A_file_with_many_versions()
    {
        using var bench = new Workbench("history");
        var repository = bench.NewRepository("a.fossil");
        var checkout = bench.Open(repository, "here");
        string[] lines = [.. Enumerable.Range(0, 40).Select(i => $"line {i}")];
        for (var version = 0; version < 30; version++)
        {
            lines[version * 7 % lines.Length] = $"changed {version}";
            checkout.Write("f", string.Join('\n', lines) + "\n").Commit($"version {version}");
        }

        Same(bench, checkout, "blame", "-n", "none", "f");
        var own = bench.Ours.Run("annotate", "f", "-R", repository).Output.Split('\n');
        Assert.Equal(lines.Length, own.Length - 1);
        Assert.EndsWith($" | {lines[0]}", own[0], StringComparison.Ordinal);
    }

    [Test]
    public void Tags_are_added_and_cancelled_as_stock_does()
    {
        using var bench = new Workbench("history");
        var repository = bench.NewRepository("a.fossil");
        var checkout = bench.Open(repository, "here").Write("f", "1\n").Commit("first");

        bench.Ours.RunAsFossil(checkout.Folder, "tag", "add", "release", "current");
        bench.Ours.RunAsFossil(checkout.Folder, "tag", "add", "--raw", "bgcolor", "current", "red");
        Same(bench, checkout, "tag", "list", "current");
        bench.Ours.RunAsFossil(checkout.Folder, "tag", "cancel", "release", "current");
        Same(bench, checkout, "tag", "list", "current");
        bench.MustBeSound(repository);
    }

    [Test]
    [Property("Fossil", "2.21")]
    [Arguments("nosuchcommand")]
    [Arguments("st")]
    [Arguments("diff --nosuchoption")]
    [Arguments("timeline descendants 2020-01-01")]
    [Arguments("leaves -W 3")]
    public void What_stock_refuses(string line)
    {
        using var bench = new Workbench("history");
        var checkout = bench.Open(histories.CopyOf("kinds", bench.Folder, "a.fossil"), "here");
        var (theirs, ours) = (
            checkout.Try(line.Split(' ')), bench.Ours.TryAsFossil(checkout.Folder, line.Split(' ')));

        // Stock names itself as it was called, and writes some of this to stdout.
        Assert.Equal(
            (theirs.ExitCode, theirs.Text.Replace(StockFossil.Program!, "fossil", StringComparison.Ordinal)),
            (ours.ExitCode, ours.Text));
    }

    private static void Same(Workbench bench, StockCheckout checkout, params string[] words)
    {
        var (theirs, ours) = (checkout.Try(words), bench.Ours.TryAsFossil(checkout.Folder, words));

        Assert.Equal(theirs.Output, ours.Output);
        Assert.Equal(theirs.OutputBytes, ours.OutputBytes);
        Assert.Equal(theirs.ExitCode, ours.ExitCode);
    }
}
