using System.Text;
using EdgeSync.Fossil.Artifacts;
using EdgeSync.Primitives;
using EdgeSync.Storage.Crosslink;
using EdgeSync.Storage.Crosslink.Rebuild;
using EdgeSync.Tests.Support;

namespace EdgeSync.IntegrationTests.Storage.Crosslink;

/// <summary>Reading by difference must agree with the whole parser, for good texts and for damaged ones.</summary>
public sealed class CheckInReaderTests
{
    private static readonly string[] _spoilers =
        [
            "F zz\n", "F a 1234\n", "F \\s 11\n", "X y\n", "F b/../c 1111111111111111111111111111111111111111\n",
            "F f5\0 1111111111111111111111111111111111111111\n", "\n", "D 2020-01-01\n"];

    [Test]
    public void Finds_the_files_that_the_parser_finds() => Property.Check(prng =>
    {
        var names = new NameTable();
        var reader = new CheckInReader(names, default);
        var files = new SortedDictionary<string, string>(StringComparer.Ordinal);
        for (var step = 0; step < 25; step++)
        {
            for (var edits = prng.NextInt32(step == 0 ? 80 : 6); edits > 0; edits--) Edit(files, prng, withNul: true);
            var text = Write(files, prng, step);
            if (prng.Chance(0.25)) text = Spoil(text, prng);

            var options = new ArtifactParserOptions(SkipsChecksum: true);
            var isArtifact = ArtifactParser.TryParse(text, out var expected, options);
            Assert.Equal(isArtifact, reader.TryRead(text, out var artifact, out var found));
            if (!isArtifact) continue;

            Assert.Equal(expected.Kind, artifact.Kind);
            if (expected.Kind != ArtifactKind.CheckIn) continue;
            MustBeEqual(CheckInFiles.From(expected, names), found!);
            Assert.True(artifact.Comment.SequenceEqual(expected.Comment));
            Assert.True(artifact.Parents.SequenceEqual(expected.Parents));
            Assert.Equal(expected.Tags.Count, artifact.Tags.Count);
        }
    });

    [Test]
    public void Parses_a_history_whole_only_once()
    {
        var reader = new CheckInReader(new NameTable(), default);
        var prng = new Prng(5);
        var files = new SortedDictionary<string, string>(StringComparer.Ordinal);
        for (var i = 0; i < 200; i++) Edit(files, prng);
        for (var step = 0; step < 50; step++)
        {
            Edit(files, prng);
            Assert.True(reader.TryRead(Write(files, prng, step), out _, out var found));
            Assert.Equal(files.Count, found!.Own.Count);
        }

        Assert.Equal(1, reader.WholeCount);
    }

    private static void MustBeEqual(CheckInFiles expected, CheckInFiles found)
    {
        Assert.Equal(Entries(expected.Own), Entries(found.Own));
        Assert.Equal(expected.Renames.OrderBy(rename => rename.Name), found.Renames.OrderBy(rename => rename.Name));
        Assert.Equal(expected.JulianDay, found.JulianDay);
    }

    private static List<FileEntry> Entries(FileSet set)
    {
        var entries = new List<FileEntry>();
        for (var cursor = set.Start(); !cursor.IsAtEnd; cursor.MoveNext()) entries.Add(cursor.Current);
        return entries;
    }

    private static void Edit(SortedDictionary<string, string> files, Prng prng, bool withNul = false)
    {
        var name = prng.Pick<string>(["dir/", "a b/", "", "x!", "ü/"]) + $"f{prng.NextInt32(120)}"
            // R12: a name ends there
            + (withNul && prng.Chance(0.05) ? "\0" + prng.Pick<string>(["", "x", "\0", " "]) : "");
        if (prng.Chance(0.2))
        {
            files.Remove(name);
            return;
        }

        var hash = Convert.ToHexStringLower(prng.NextBytes(20));
        files[name] = hash + prng.Pick<string>(["", "", "", " x", " l", " w old/name", " x a\\sb"]);
    }

    private static byte[] Write(SortedDictionary<string, string> files, Prng prng, int step)
    {
        var text = new StringBuilder($"C step\\s{step}\nD 2024-01-01T00:00:{step:d2}.000\n");
        foreach (var (name, rest) in files.OrderBy(file => Encoding.UTF8.GetBytes(file.Key), ByteOrder.Instance))
            text.Append("F ").Append(FossilText.Encode(name)).Append(' ').Append(rest).Append('\n');
        if (prng.Chance(0.8)) text.Append("P ").Append(Convert.ToHexStringLower(prng.NextBytes(20))).Append('\n');
        if (prng.Chance(0.2)) text.Append("T *branch * b\nT *sym-b *\n");
        text.Append("U tester\nZ 00000000000000000000000000000000\n");
        return Encoding.UTF8.GetBytes(text.ToString());
    }

    private static byte[] Spoil(byte[] text, Prng prng)
    {
        if (prng.Chance(0.5))
        {
            var spoiled = (byte[])text.Clone();
            spoiled[prng.NextInt32(text.Length)] = prng.NextBytes(1)[0];
            return spoiled;
        }

        var lines = Encoding.UTF8.GetString(text).Split('\n').Select(line => line + "\n").ToList();
        lines.RemoveAt(lines.Count - 1);
        var at = prng.NextInt32(lines.Count);
        switch (prng.NextInt32(3))
        {
            case 0:
                lines.Insert(at, lines[at]);
                break;
            case 1:
                (lines[at], lines[at / 2]) = (lines[at / 2], lines[at]);
                break;
            default:
                lines.Insert(at, prng.Pick<string>(_spoilers));
                break;
        }

        return Encoding.UTF8.GetBytes(string.Concat(lines));
    }

    private sealed class ByteOrder : IComparer<byte[]>
    {
        public static readonly ByteOrder Instance = new();

        public int Compare(byte[]? x, byte[]? y) => x.AsSpan().SequenceCompareTo(y);
    }
}
