using System.Text;
using EdgeSync.Fossil.Artifacts;
using EdgeSync.Storage.Crosslink;
using EdgeSync.Tests.Support;

namespace EdgeSync.IntegrationTests.Storage.Crosslink;

public sealed class FileSetTests
{
    [Test]
    public void Edits_do_what_they_do_to_a_sorted_map() => Property.Check(prng =>
    {
        var names = new NameTable();
        var map = new SortedDictionary<string, FileEntry>(StringComparer.Ordinal);
        var set = FileSet.Empty;
        for (var round = 0; round < 12; round++)
        {
            var edits = new SortedDictionary<string, FileEdit>(StringComparer.Ordinal);
            for (var i = prng.NextInt32(60); i > 0; i--)
            {
                var name = $"n{prng.NextInt32(300):d3}";
                var entry = new FileEntry(Number(names, name), 1 + prng.NextInt32(5), FilePermission.Regular);
                edits[name] = new FileEdit(entry, prng.Chance(0.4));
            }

            foreach (var (name, edit) in edits)
            {
                if (edit.IsRemoval) map.Remove(name);
                else map[name] = edit.Entry;
            }

            set = set.With([.. edits.Values], names);

            Assert.Equal(map.Count, set.Count);
            Assert.Equal(map.Values, Entries(set));
        }

        foreach (var name in Enumerable.Range(0, 300).Select(i => $"n{i:d3}"))
        {
            Assert.Equal(
                map.TryGetValue(name, out var expected), set.TryFind(Number(names, name), names, out var found));
            Assert.Equal(expected, found);
        }
    });

    [Test]
    public void Differences_are_those_of_two_maps_whether_chunks_are_shared_or_not() => Property.Check(prng =>
    {
        var names = new NameTable();
        var left = Random(prng, names);
        var right = prng.Chance(0.5) ? Random(prng, names) : Edited(left, prng, names);

        var found = FileSet.Differences(left, right, names).ToList();

        var leftMap = Entries(left).ToDictionary(entry => entry.Name);
        var rightMap = Entries(right).ToDictionary(entry => entry.Name);
        var expected = leftMap.Keys.Union(rightMap.Keys)
            .Select(name => (Left: Find(leftMap, name), Right: Find(rightMap, name)))
            .Where(pair => pair.Left is null || pair.Right is null || !pair.Left.Value.IsSameAs(pair.Right.Value))
            .OrderBy(
                pair => Encoding.UTF8.GetString(names.Name((pair.Left ?? pair.Right)!.Value.Name)),
                StringComparer.Ordinal);
        Assert.Equal(expected, found);
    });

    [Test]
    public void A_few_edits_leave_most_chunks_shared()
    {
        var names = new NameTable();
        var entries = Enumerable.Range(0, 5000)
            .Select(i => new FileEntry(Number(names, $"f{i:d5}"), 1, FilePermission.Regular));
        var before = FileSet.FromOrdered([.. entries]);

        var after = before.With(
            [new FileEdit(new FileEntry(Number(names, "f02500"), 2, FilePermission.Regular), false)], names);

        var steps = 0;
        var (l, r) = (before.Start(), after.Start());
        while (!l.IsAtEnd)
        {
            FileSet.Cursor.SkipShared(ref l, ref r);
            if (l.IsAtEnd) break;
            l.MoveNext();
            r.MoveNext();
            steps++;
        }

        Assert.InRange(steps, 1, 48);
    }

    private static FileEntry? Find(Dictionary<int, FileEntry> map, int name) =>
        map.TryGetValue(name, out var entry) ? entry : null;

    private static FileSet Random(EdgeSync.Primitives.Prng prng, NameTable names)
    {
        var map = new SortedDictionary<string, FileEntry>(StringComparer.Ordinal);
        for (var i = prng.NextInt32(200); i > 0; i--)
        {
            var name = $"n{prng.NextInt32(400):d3}";
            map[name] = new FileEntry(Number(names, name), 1 + prng.NextInt32(3), (FilePermission)prng.NextInt32(3));
        }

        return FileSet.FromOrdered([.. map.Values]);
    }

    private static FileSet Edited(FileSet set, EdgeSync.Primitives.Prng prng, NameTable names)
    {
        var edits = new SortedDictionary<string, FileEdit>(StringComparer.Ordinal);
        for (var i = prng.NextInt32(6); i > 0; i--)
        {
            var name = $"n{prng.NextInt32(400):d3}";
            edits[name] = new FileEdit(new FileEntry(Number(names, name), 9, FilePermission.Regular), prng.Chance(0.5));
        }

        return set.With([.. edits.Values], names);
    }

    private static List<FileEntry> Entries(FileSet set)
    {
        var entries = new List<FileEntry>();
        for (var cursor = set.Start(); !cursor.IsAtEnd; cursor.MoveNext()) entries.Add(cursor.Current);
        return entries;
    }

    private static int Number(NameTable names, string name) => names.NumberOf(Encoding.UTF8.GetBytes(name));
}
