using System.Text;
using EdgeSync.Fossil.Merge;
using EdgeSync.InteropTests.Support;
using EdgeSync.Primitives;
using EdgeSync.Storage;
using EdgeSync.Storage.Checkout;
using EdgeSync.Tests.Support;

namespace EdgeSync.InteropTests.Checkout;

/// <summary>Many merges: those of a generated history beside stock, and texts beside <c>git merge-file</c>.</summary>
[ClassDataSource<GeneratedHistory>(Shared = SharedType.PerAssembly)]
[System.Runtime.Versioning.UnsupportedOSPlatform("windows")]
public sealed class MergeHistoryTests(GeneratedHistory history)
{
    private const int MergesMin = 3;

    /// <summary>Each merge of the history is made again from its parents, by both programs.</summary>
    [Test]
    [Property("Fossil", "2.21")]
    public void Every_merge_of_a_history_is_stocks()
    {
        using var bench = new Workbench("merges");

        var (made, merges) = Redo(bench, history.CopyOf("kinds", bench.Folder, "r.fossil"), mergesMax: int.MaxValue);

        Assert.True(made >= MergesMin, $"{made} merges of {merges} were made");
    }

    /// <summary>
    /// A real history, given from outside: <c>scripts/dev.sh merges GIT_DIR [COUNT]</c>, so many merges evenly spread.
    /// </summary>
    [Test, Explicit, Property("Merges", "yes")]
    public void Merges_of_a_real_history_are_stocks()
    {
        var real = Environment.GetEnvironmentVariable("EDGESYNC_REAL_GIT");
        Skip.When(string.IsNullOrEmpty(real), "EDGESYNC_REAL_GIT names no git directory");
        using var bench = new Workbench("merges");
        new ProgramStart("/bin/sh")
        {
            Arguments =
            [
                "-c",
                """git --git-dir "$1" fast-export --signed-tags=strip $(git --git-dir "$1" symbolic-ref HEAD) >"$2" """,
                "-", real!, bench["stream"],
            ],
            Timeout = TimeSpan.FromMinutes(30),
        }.Run().MustSucceed();
        bench.Ours.Run("repo", "import", "--git", bench["r.fossil"], bench["stream"]);
        File.Delete(bench["stream"]);

        var (made, merges) = Redo(
            bench, bench["r.fossil"],
            int.Parse(
                Environment.GetEnvironmentVariable("EDGESYNC_REAL_MERGES") ?? "200",
                System.Globalization.CultureInfo.InvariantCulture));

        Assert.True(made >= MergesMin, $"{made} merges of {merges} were made");
    }

    private static (int Made, int Merges) Redo(Workbench bench, string repository, int mergesMax)
    {
        bench.Stock.Run("settings", "autosync", "off", "-R", repository);
        bench.Stock.Run("settings", "allow-symlinks", "on", "-R", repository);
        var theirs = bench.Open(repository, "theirs");
        var folder = bench.Folder.Folder("ours");
        bench.Ours.RunIn(folder, "open", repository);
        var ours = new StockCheckout(bench.Stock, folder);
        var merges = CheckoutBench.RowsOf(
            repository,
            """
            SELECT p.uuid, m.uuid FROM plink a JOIN plink b ON a.cid=b.cid JOIN blob p ON p.rid=a.pid
              JOIN blob m ON m.rid=b.pid
             WHERE a.isprim AND NOT b.isprim AND p.size>=0 AND m.size>=0 ORDER BY a.cid, b.pid
            """);
        var stride = Math.Max(1, merges.Length / mergesMax);

        var made = 0;
        using var checkout = WorkingCheckout.Open(
            CheckoutFinder.Find(folder)!, path => Repository.Open(path, RepositoryOptions.ReadOnly));
        foreach (var merge in merges.Where((_, i) => i % stride == 0))
        {
            var (parent, merged) = (merge.Split('|')[0], merge.Split('|')[1]);
            theirs.Run("update", parent);
            Update(checkout, parent);
            var isMade = theirs.Try("merge", merged, "--force").ExitCode == 0;
            if (isMade) made++;

            Assert.Equal(isMade, TryMerge(checkout, merged));
            MustMatch();
            theirs.Run("revert");
            CheckoutRevert.Run(checkout, [], RecordId.None, "revert");
            MustMatch();
        }

        return (made, merges.Length);

        // Stock's revert leaves empty folders.
        void MustMatch()
        {
            Assert.Equal(CheckoutBench.FileRows(theirs), CheckoutBench.FileRows(ours));
            Assert.Equal(
                CheckoutBench.FilesOf(theirs.Folder).FindAll(f => !f.EndsWith('/')),
                CheckoutBench.FilesOf(ours.Folder).FindAll(f => !f.EndsWith('/')));
        }
    }

    /// <summary>
    /// What git merges without a conflict is merged here too, with the same text; Fossil also joins changes of
    /// neighbouring lines, which git marks.
    /// </summary>
    [Test]
    public void Texts_that_git_merges_are_merged_the_same()
    {
        using var folder = new TemporaryFolder("merge-file");
        var (clean, conflicts) = (0, 0);
        Property.Check(
            prng =>
            {
                var ancestor = Enumerable.Range(0, prng.NextInt32(5, 60)).Select(i => $"line {i}").ToList();
                var (local, other) = (Edited(prng, ancestor, "here"), Edited(prng, ancestor, "there"));
                foreach (var (name, lines) in (ReadOnlySpan<(string, List<string>)>)[
                    ("l", local), ("a", ancestor), ("o", other)])
                    File.WriteAllText(folder[name], Text(lines));
                var git = new ProgramStart("git")
                {
                    Arguments = ["merge-file", "-p", folder["l"], folder["a"], folder["o"]],
                    Folder = folder.Path,
                }.Run();

                var merged = ThreeWayMerge.Merge(Bytes(ancestor), Bytes(local), Bytes(other))!;

                if (git.ExitCode != 0) conflicts++;
                else
                {
                    clean++;
                    Assert.Equal(0, merged.Conflicts);
                    Assert.Equal(git.Output, Encoding.UTF8.GetString(merged.Content.Span));
                }
            },
            runs: 60);

        Assert.True(clean > 10 && conflicts > 10, $"{clean} without and {conflicts} with a conflict");
    }

    private static void Update(WorkingCheckout checkout, string version) =>
        CheckoutUpdate.Run(checkout, new CheckoutUpdateOptions
        {
            CommandLine = "update",
            Target = checkout.Repository.Names.ResolveCheckin(version),
        });

    private static bool TryMerge(WorkingCheckout checkout, string version)
    {
        try
        {
            CheckoutMerge.Run(checkout, new CheckoutMergeOptions
            {
                CommandLine = "merge",
                Version = checkout.Repository.Names.ResolveCheckin(version),
                IsForced = true,
            });
            return true;
        }
        catch (EdgeSyncException)
        {
            return false;
        }
    }

    private static List<string> Edited(Prng prng, List<string> lines, string word)
    {
        var edited = lines.ToList();
        for (var i = prng.NextInt32(1, 4); i > 0 && edited.Count > 0; i--)
        {
            var at = prng.NextInt32(0, edited.Count);
            switch (prng.NextInt32(0, 3))
            {
                case 0:
                    edited.RemoveAt(at);
                    break;
                case 1:
                    edited[at] = $"{word} {i}";
                    break;
                default:
                    edited.Insert(at, $"{word} new {i}");
                    break;
            }
        }

        return edited;
    }

    private static string Text(List<string> lines) => string.Concat(lines.Select(l => l + "\n"));

    private static byte[] Bytes(List<string> lines) => Encoding.UTF8.GetBytes(Text(lines));
}
