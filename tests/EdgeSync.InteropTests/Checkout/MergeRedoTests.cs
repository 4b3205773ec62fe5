using System.Globalization;
using System.Text;
using EdgeSync.Fossil.Merge;
using EdgeSync.InteropTests.Support;
using EdgeSync.Tests.Support;

namespace EdgeSync.InteropTests.Checkout;

/// <summary>
/// Merges of a git history made again: each file that both sides have changed is merged by us, by stock's
/// <c>3-way-merge</c> and by <c>git merge-file</c>. Ours is stock's, byte for byte; how often git comes to another
/// result is counted.
/// </summary>
[ClassDataSource<GeneratedHistory>(Shared = SharedType.PerAssembly)]
[System.Runtime.Versioning.UnsupportedOSPlatform("windows")]
public sealed class MergeRedoTests(GeneratedHistory history)
{
    private const int SampleMerges = 30;
    private const int SampleFiles = 40;

    [Test]
    [Property("Fossil", "2.21")]
    public void Merges_of_a_generated_history()
    {
        using var bench = new Workbench("redo");
        bench.Ours.Run("repo", "export", "--git", history.History, "-o", bench["stream"]);
        var git = bench.Folder.Folder("git");
        Git(git, [], "init", "--bare", "--quiet", "--initial-branch=trunk", ".");
        Git(git, File.ReadAllBytes(bench["stream"]), "fast-import", "--quiet");

        var tally = Redo(bench, git, SampleMerges, SampleFiles);

        Assert.Equal(0, tally.UnlikeStock);
        Assert.True(tally.Files >= SampleFiles / 2 && tally.Clean > 0, tally.ToString());
    }

    /// <summary>
    /// A real history, given from outside: <c>scripts/dev.sh merges GIT_DIR</c>. The table goes into
    /// <c>EDGESYNC_MERGE_REPORT</c>.
    /// </summary>
    [Test, Explicit, Property("Merges", "yes")]
    public void Merges_of_a_real_history()
    {
        var real = Environment.GetEnvironmentVariable("EDGESYNC_REAL_GIT");
        Skip.When(string.IsNullOrEmpty(real), "EDGESYNC_REAL_GIT names no git directory");
        using var bench = new Workbench("redo");

        var tally = Redo(bench, real!, int.MaxValue, int.MaxValue);

        if (Environment.GetEnvironmentVariable("EDGESYNC_MERGE_REPORT") is { Length: > 0 } report)
            File.WriteAllText(report, tally.ToString());
        Assert.True(tally.Files > 0 && tally.UnlikeStock == 0, tally.ToString());
    }

    private static Tally Redo(Workbench bench, string folder, int mergesMax, int filesMax)
    {
        var merges = new GitMerges(folder);
        var files = merges.Files(mergesMax);
        var tally = new Tally();
        foreach (var (file, contents) in merges.WithContents([.. files.Take(filesMax)]))
            tally.Add(file, ResultOf(bench, contents));
        tally.Merges = merges.Merges;
        tally.LeftOut = merges.LeftOut;
        return tally;
    }

    private static Result ResultOf(Workbench bench, byte[][] contents)
    {
        var (ancestor, local, other, output) = (bench["ancestor"], bench["local"], bench["other"], bench["output"]);
        File.WriteAllBytes(ancestor, contents[0]);
        File.WriteAllBytes(local, contents[1]);
        File.WriteAllBytes(other, contents[2]);
        var stock = bench.Stock.Run("3-way-merge", ancestor, local, other, output);
        var git = new ProgramStart("git") { Arguments = ["merge-file", "-p", local, ancestor, other] }.Run();
        var words = stock.Errors.Split(' ');
        var conflicts = words is ["WARNING:", var number, ..]
            ? int.Parse(number, CultureInfo.InvariantCulture) : 0;
        return new Result(
            ThreeWayMerge.Merge(contents[0], contents[1], contents[2]), File.ReadAllBytes(output), conflicts,
            git.ExitCode == 0 ? git.OutputBytes : null);
    }

    private static void Git(string folder, byte[] input, params string[] arguments) =>
        new ProgramStart("git") { Arguments = arguments, Folder = folder, Input = input }.Run().MustSucceed();

    /// <param name="Ours">Null when it is no text.</param>
    /// <param name="Git">Null with a conflict.</param>
    private sealed record Result(MergedText? Ours, byte[] Stock, int StockConflicts, byte[]? Git);

    private sealed class Tally
    {
        private readonly List<string> _unlikeStock = [];
        private int _binary;
        private int _bothConflict;
        private int _gitConflict;
        private int _ourConflict;
        private int _same;
        private int _other;
        private int _madeByBoth;
        private int _madeByUs;
        private int _madeByGit;

        public int Merges { get; set; }

        public int LeftOut { get; set; }

        public int Files { get; private set; }

        public int Clean => _same + _other + _gitConflict;

        public int UnlikeStock => _unlikeStock.Count;

        public void Add(GitMergedFile file, Result result)
        {
            Files++;
            if (result.Ours is not { } ours)
            {
                _binary++;
                if (result.Stock.Length > 0) _unlikeStock.Add($"{file}: a text to stock");
                return;
            }

            if (ours.Conflicts != result.StockConflicts || !ours.Content.Span.SequenceEqual(result.Stock))
                _unlikeStock.Add($"{file}: {ours.Conflicts} conflicts, stock {result.StockConflicts}");
            Compare(ours, result.Git);
            var (byUs, byGit) = (
                ours.Conflicts == 0 && NameOf(ours.Content.Span) == file.Made,
                result.Git is { } text && NameOf(text) == file.Made);
            if (byUs && byGit) _madeByBoth++;
            else if (byUs) _madeByUs++;
            else if (byGit) _madeByGit++;
        }

        public override string ToString()
        {
            var text = new StringBuilder();
            Line("merges with one common ancestor", Merges);
            Line("merges left out", LeftOut);
            Line("files that both sides changed", Files);
            Line("no texts", _binary);
            Line("like stock, byte for byte", Files - UnlikeStock);
            Line("without a conflict here and in git, same text", _same);
            Line("without a conflict here and in git, other text", _other);
            Line("conflict here and in git", _bothConflict);
            Line("conflict in git only", _gitConflict);
            Line("conflict here only", _ourConflict);
            Line("what was committed: made by both", _madeByBoth);
            Line("what was committed: made here only", _madeByUs);
            Line("what was committed: made by git only", _madeByGit);
            foreach (var file in _unlikeStock.Take(20)) text.Append(file).Append('\n');
            return text.ToString();

            void Line(string what, int count) =>
                text.Append(CultureInfo.InvariantCulture, $"{count,8}  {what}\n");
        }

        private void Compare(MergedText ours, byte[]? git)
        {
            if (ours.Conflicts > 0 && git is null) _bothConflict++;
            else if (ours.Conflicts > 0) _ourConflict++;
            else if (git is null) _gitConflict++;
            else if (ours.Content.Span.SequenceEqual(git)) _same++;
            else _other++;
        }

        // As git names a content.
        private static string NameOf(ReadOnlySpan<byte> content)
        {
            var head = Encoding.ASCII.GetBytes($"blob {content.Length}\0");
#pragma warning disable CA5350 // the name that git gives it
            return Convert.ToHexStringLower(
                System.Security.Cryptography.SHA1.HashData([.. head, .. content]));
#pragma warning restore CA5350
        }
    }
}
