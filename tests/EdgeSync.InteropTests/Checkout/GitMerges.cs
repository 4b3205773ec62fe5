using System.Globalization;
using System.Text;
using EdgeSync.Tests.Support;

namespace EdgeSync.InteropTests.Checkout;

/// <summary>A file that both sides of a merge have changed, by the names of its contents in git.</summary>
/// <param name="Made">What the merge commit has; null when it has no such file.</param>
internal sealed record GitMergedFile(
    string Merge, string Path, string Ancestor, string Local, string Other, string? Made);

/// <summary>The merges behind a git repository's HEAD, with the contents of files that both sides changed.</summary>
/// <param name="folder">The git directory.</param>
internal sealed class GitMerges(string folder)
{
    private const int BatchFiles = 200;

    /// <summary>Merges with two parents that were looked at.</summary>
    public int Merges { get; private set; }

    /// <summary>Merges that were left out: more than two parents, or not exactly one common ancestor.</summary>
    public int LeftOut { get; private set; }

    /// <summary>The files, newest merge first, each combination of contents once.</summary>
    /// <param name="mergesMax">No more merges than these.</param>
    public List<GitMergedFile> Files(int mergesMax)
    {
        var merges = new List<(string Merge, string Ancestor, string Local, string Other)>();
        foreach (var line in Lines(Run([], "log", "HEAD", "--merges", "--format=%H %P")))
        {
            if (merges.Count == mergesMax) break;

            var words = line.Split(' ');
            var ancestors = words.Length == 3 ? Lines(Run([], "merge-base", "--all", words[1], words[2])) : [];
            if (ancestors is [var only]) merges.Add((words[0], only, words[1], words[2]));
            else LeftOut++;
        }

        Merges = merges.Count;
        var changes = Changes(merges.SelectMany(m => (string[])[
            $"{m.Local} {m.Ancestor}", $"{m.Other} {m.Ancestor}", $"{m.Merge} {m.Ancestor}"]));
        var files = new List<GitMergedFile>();
        var seen = new HashSet<(string, string, string)>();
        for (var i = 0; i < merges.Count; i++)
        {
            var (local, other, made) = (changes[3 * i], changes[(3 * i) + 1], changes[(3 * i) + 2]);
            foreach (var (path, here) in local)
            {
                if (!other.TryGetValue(path, out var there) || !here.IsEdit || !there.IsEdit || here.New == there.New
                    || !seen.Add((here.Old, here.New, there.New))) continue;

                var result = !made.TryGetValue(path, out var change) ? here.Old : change.IsGone ? null : change.New;
                files.Add(new GitMergedFile(merges[i].Merge, path, here.Old, here.New, there.New, result));
            }
        }

        return files;
    }

    /// <summary>The files with the contents of ancestor, local and other.</summary>
    public IEnumerable<(GitMergedFile File, byte[][] Contents)> WithContents(IReadOnlyList<GitMergedFile> files)
    {
        foreach (var batch in files.Chunk(BatchFiles))
        {
            var names = batch.SelectMany(f => (string[])[f.Ancestor, f.Local, f.Other]).Distinct().ToList();
            var contents = Contents(names);
            foreach (var file in batch)
                yield return (file, [contents[file.Ancestor], contents[file.Local], contents[file.Other]]);
        }
    }

    // One list a pair of commits: what the first has changed since the second.
    private List<Dictionary<string, Change>> Changes(IEnumerable<string> pairs)
    {
        var lists = new List<Dictionary<string, Change>>();
        var input = Encoding.ASCII.GetBytes(string.Concat(pairs.Select(p => p + "\n")));
        foreach (var line in Lines(Run(input, "diff-tree", "--stdin", "-r", "--no-renames", "--always", "--raw")))
        {
            if (line[0] != ':')
            {
                lists.Add(new Dictionary<string, Change>(StringComparer.Ordinal));
                continue;
            }

            var tab = line.IndexOf('\t', StringComparison.Ordinal);
            var words = line[1..tab].Split(' ');
            lists[^1][line[(tab + 1)..]] = new Change(words[0], words[1], words[2], words[3]);
        }

        return lists;
    }

    private Dictionary<string, byte[]> Contents(List<string> names)
    {
        var contents = new Dictionary<string, byte[]>(StringComparer.Ordinal);
        var input = Encoding.ASCII.GetBytes(string.Concat(names.Select(n => n + "\n")));
        var output = Run(input, "cat-file", "--batch").AsSpan();
        foreach (var name in names)
        {
            var end = output.IndexOf((byte)'\n');
            var size = int.Parse(
                Encoding.ASCII.GetString(output[..end]).Split(' ')[2], CultureInfo.InvariantCulture);
            contents[name] = output.Slice(end + 1, size).ToArray();
            output = output[(end + size + 2)..];
        }

        return contents;
    }

    private byte[] Run(byte[] input, params string[] arguments) => new ProgramStart("git")
    {
        Arguments = ["--git-dir", folder, .. arguments],
        Input = input,
        Timeout = TimeSpan.FromMinutes(10),
    }.Run().MustSucceed().OutputBytes;

    private static string[] Lines(byte[] output) =>
        Encoding.UTF8.GetString(output).Split('\n', StringSplitOptions.RemoveEmptyEntries);

    private readonly record struct Change(string OldMode, string NewMode, string Old, string New)
    {
        public bool IsGone => NewMode == "000000";

        /// <summary>A regular file before and after.</summary>
        public bool IsEdit => OldMode.StartsWith("100", StringComparison.Ordinal)
            && NewMode.StartsWith("100", StringComparison.Ordinal) && Old != New;
    }
}
