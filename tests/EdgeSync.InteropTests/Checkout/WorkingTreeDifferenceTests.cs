using EdgeSync.Primitives;
using EdgeSync.Tests.Support;

namespace EdgeSync.InteropTests.Checkout;

/// <summary>
/// Random work on two equal checkouts, one by stock and one by us: after each command the same files and rows, in the
/// end the same manifests and derived tables.
/// </summary>
[System.Runtime.Versioning.UnsupportedOSPlatform("windows")]
public sealed class WorkingTreeDifferenceTests
{
    private const int Steps = 22;

    [Test]
    public void Random_work_leaves_equal_trees_and_tables() => Property.Check(Work, runs: 1);

    /// <summary>A commit that is refused, and a file that is missing in an update.</summary>
    [Test]
    [Arguments(5000)]
    public void Earlier_differences_stay_mended(int seed) => Work(new Prng((ulong)seed));

    private static void Work(Prng prng)
    {
        using var pair = new CheckoutPair();
        var work = new Worker(pair, prng);
        for (var i = 0; i < Steps && !work.HasDiverged; i++) work.Step(i);
        if (work.HasDiverged) return;

        work.Commit(Steps);
        pair.Bench.Ours.MustBeIntact(pair.Bench["ours/r.fossil"]);
        pair.Bench.Stock.MustBeIntact(pair.Bench["ours/r.fossil"]);
        foreach (var sql in (string[])[
            "SELECT uuid FROM blob ORDER BY uuid",
            "SELECT type,mtime,user,comment,bgcolor,brief FROM event ORDER BY mtime,type,comment",
            "SELECT c.uuid,p.uuid,isprim FROM plink JOIN blob c ON c.rid=cid JOIN blob p ON p.rid=pid ORDER BY 1,2",
            """
            SELECT m.uuid,f.uuid,n.name,o.name,mperm,isaux FROM mlink JOIN blob m ON m.rid=mid
              LEFT JOIN blob f ON f.rid=fid JOIN filename n ON n.fnid=mlink.fnid LEFT JOIN filename o ON o.fnid=pfnid
             ORDER BY 1,3,6,2,4
            """,
            "SELECT tagname,tagtype,value,uuid FROM tagxref JOIN tag USING(tagid) JOIN blob USING(rid) ORDER BY 1,4",
            "SELECT uuid FROM leaf JOIN blob USING(rid) ORDER BY 1"])
            Assert.Equal(
                CheckoutBench.RowsOf(pair.Bench["theirs/r.fossil"], sql),
                CheckoutBench.RowsOf(pair.Bench["ours/r.fossil"], sql));
    }

    private sealed class Worker(CheckoutPair pair, Prng prng)
    {
        private readonly List<string> _branches = ["trunk"];
        private readonly List<string> _done = [];
        private int _files;

        /// <summary>
        /// The two now differ by intent: Fossil 2.26 and later merge files without a common ancestor, which 2.21 and
        /// ours warn of; and stock copies an untracked file aside that has the content which is written over it.
        /// </summary>
        public bool HasDiverged { get; private set; }

        public void Step(int step)
        {
            switch (prng.NextInt32(0, 12))
            {
                case 0:
                    Add();
                    break;
                case 1:
                    Edit();
                    break;
                case 2:
                    Remove();
                    break;
                case 3:
                    Rename();
                    break;
                case 4 or 5:
                    Commit(step, isBranch: prng.NextInt32(0, 2) == 0);
                    Update(step);
                    break;
                case 6 or 7:
                    Commit(step);
                    Merge();
                    break;
                case 8:
                    Delete();
                    break;
                case 9:
                    // Edits go with it, and may come back.
                    Update(step);
                    TakeBack();
                    break;
                case 10:
                    Both("clean");
                    break;
                default:
                    Revert();
                    break;
            }
        }

        public void Commit(int step, bool isBranch = false)
        {
            var name = $"branch{step}";
            Both(
                [
                    "commit", "-m", $"step {step}", "--date-override", $"2024-04-{step + 1:00}", "--no-warnings",
                    "--allow-empty", "--allow-fork", "--allow-conflict",
                    .. isBranch ? ["--branch", name] : Array.Empty<string>(),
                ]);
            if (isBranch) _branches.Add(name);
        }

        // Stock's update takes a new name back that is not committed yet; ours keeps it.
        private void Update(int step)
        {
            if (CheckoutBench.Rows(pair.Theirs, "SELECT 1 FROM vfile WHERE origname!=pathname").Length > 0)
                Commit(step);
            Both("update", Any(_branches));
        }

        private void Merge()
        {
            var kind = prng.NextInt32(0, 5);
            string[] words = kind switch
            {
                0 => ["merge", Any(_branches), "--cherrypick"],
                1 => ["merge", Any(_branches), "--integrate"],
                2 => ["merge", Any(_branches), "--backout"],
                _ => ["merge", Any(_branches)],
            };
            Both(words);
            TakeBack();
        }

        private void TakeBack()
        {
            if (prng.NextInt32(0, 3) != 0) return;

            Both("undo");
            if (prng.NextInt32(0, 2) == 0) Both("redo");
        }

        // Removed by hand, as are files that merges left.
        private void Delete()
        {
            if (AnyTracked() is not { } name) return;

            pair.Each(c => File.Delete(c[name]));
            Both("addremove");
        }

        private void Revert()
        {
            if (AnyTracked() is { } name && prng.NextInt32(0, 2) == 0) Both("revert", name);
            else Both("revert");
        }

        private void Add()
        {
            var name = $"{Any(["", "x/", "x/y/"])}new{_files++}.txt";
            pair.Each(c => c.Write(name, Text()));
            Both("add", name);

            string Text() => string.Concat(Enumerable.Range(0, 8).Select(i => $"{name} {i}\n"));
        }

        private void Edit()
        {
            if (AnyTracked() is not { } name) return;

            var (line, word) = (prng.NextInt32(0, 8), $"edit {prng.NextInt32(0, 1000)}");
            pair.Each(c =>
            {
                if (!File.Exists(c[name])) return;

                var lines = File.ReadAllLines(c[name]).ToList();
                if (line < lines.Count) lines[line] = word;
                else lines.Add(word);
                c.Write(name, string.Concat(lines.Select(l => l + "\n")));
            });
        }

        private void Remove()
        {
            if (AnyTracked() is not { } name) return;

            // Stock's update copies what it then writes again, where the file was left.
            Both("rm", "--soft", name);
            pair.Each(c => File.Delete(c[name]));
        }

        private void Rename()
        {
            if (AnyTracked() is { } name) Both("mv", "--hard", name, $"moved{_files++}.txt");
        }

        private string? AnyTracked()
        {
            var names = CheckoutBench.Rows(
                pair.Theirs,
                "SELECT pathname FROM vfile WHERE NOT deleted AND pathname NOT LIKE '%overwritten%' ORDER BY pathname");
            return names.Length == 0 ? null : names[prng.NextInt32(0, names.Length)];
        }

        private string Any(List<string> words) => words[prng.NextInt32(0, words.Count)];

        private static bool Overwrites(ProgramResult result) =>
            result.Output.Contains("overwrites an unmanaged file", StringComparison.Ordinal);

        // Both succeed or both fail, and leave the same.
        private void Both(params string[] words)
        {
            if (HasDiverged) return;

            _done.Add(string.Join(' ', words));
            var (theirs, ours) = (pair.Theirs.Try(words), pair.Try(words));
            HasDiverged = (StockFossil.Release >= new Version(2, 26)
                    && ours.Errors.Contains("no common ancestor", StringComparison.Ordinal))
                || (Overwrites(theirs) && !Overwrites(ours));
            if (HasDiverged) return;

            try
            {
                Assert.Equal(theirs.ExitCode == 0, ours.ExitCode == 0);
                CheckoutBench.MustBeEqual(pair.Theirs, pair.Ours, isOneRepository: false, hasFolders: false);
            }
            catch (Exception e)
            {
                throw new Xunit.Sdk.XunitException(
                    $"{string.Join("\n", _done)}\nstock: {theirs.Output}{theirs.Errors}\nours: {ours.Output}"
                        + $"{ours.Errors}\n{e}");
            }
        }
    }
}
