using System.Text;
using EdgeSync.Fossil.Artifacts;
using EdgeSync.Primitives;
using EdgeSync.Tests.Support;

namespace EdgeSync.UnitTests.Fossil.Artifacts;

public sealed class ArtifactDraftTests
{
    private static readonly Instant Date = Instant.FromUnixMilliseconds(1_704_931_200_123);

    [Test]
    public void What_is_written_reads_back_the_same() => Property.Check(
        prng =>
        {
            var draft = RandomDraft(prng);

            var text = draft.ToBytes();
            Assert.True(
                ArtifactParser.TryParse(text, out var artifact, out var fault),
                $"{fault}\n{Encoding.Latin1.GetString(text)}");

            Assert.Equal(text, ArtifactDraft.From(artifact).ToBytes());
            Assert.Equal(draft.Files.Count, artifact.Files.Count);
            for (var i = 0; i < draft.Files.Count; i++)
            {
                Assert.Equal(draft.Files[i].Name.Span, artifact.Files[i].Name);
                Assert.Equal(draft.Files[i].OldName.Span, artifact.Files[i].OldName);
                Assert.Equal(draft.Files[i].Permission, artifact.Files[i].Permission);
                Assert.Equal(draft.Files[i].Id, artifact.Files[i].Id);
                Assert.Equal(i, artifact.Files.Find(draft.Files[i].Name.Span));
            }

            Assert.Equal(draft.Comment.Bytes, artifact.Comment);
            Assert.Equal(draft.Body.Bytes, artifact.Body);
            Assert.Equal(draft.Members.Order(), artifact.Members.ToArray());
            Assert.Equal(draft.Parents, artifact.Parents.ToArray());
            Assert.Equal(draft.Tags.Count, artifact.Tags.Count);
            if (draft.Date is not null) Assert.Equal(Date, artifact.Date);
        },
        runs: 500);

    [Test]
    public void A_delta_manifest_and_its_baseline_give_the_full_list() => Property.Check(
        prng =>
        {
            var before = Files(prng, prng.NextInt32(0, 30));
            var after = before.Where(_ => prng.Chance(0.8)).Concat(Files(prng, prng.NextInt32(0, 5)))
                .Select(f => prng.Chance(0.2) ? f with { Permission = FilePermission.Executable } : f)
                .DistinctBy(f => Encoding.Latin1.GetString(f.Name.Span)).ToList();
            after.Sort(ArtifactDraft.FileOrder);

            var baseline = Parse(new ArtifactDraft { Comment = "base", Date = Date, Files = before, User = "u" });
            var delta = Parse(new ArtifactDraft
            {
                Baseline = RandomId(prng),
                Comment = "delta",
                Date = Date,
                Files = DeltaManifest.Difference(baseline, after),
                User = "u",
            });

            var index = 0;
            foreach (var file in new ManifestFiles(delta, baseline))
            {
                Assert.Equal(after[index].Name.Span, file.Name);
                Assert.Equal(after[index].Id, file.Id);
                Assert.Equal(after[index].Permission, file.Permission);
                index++;
            }

            Assert.Equal(after.Count, index);
        });

    [Test]
    [Arguments(1000, 1, true)]
    [Arguments(1000, 52, true)]
    [Arguments(1000, 54, false)]
    [Arguments(4, 0, true)]
    [Arguments(3, 0, false)]
    public void A_delta_manifest_pays_when_it_is_short(int full, int delta, bool pays) =>
        Assert.Equal(pays, DeltaManifest.Pays(full, delta));

    [Test]
    public void Repository_checksum_is_stock_s()
    {
        // What make-specimens.sh puts into the first check-in with files.
        static string ContentOf(string name) => name switch
        {
            "a b.txt" => "a\tb",
            "a!.txt" => "1\n",
            "hello.txt" => "hello\n",
            "link" => "hello.txt",
            "run.sh" => "x\n",
            "src/main.c" => "int main;\n",
            _ => Path.GetFileNameWithoutExtension(name) + "\n",
        };

        Assert.True(
            ArtifactParser.TryParse(
                Vectors.Read("fossil", "artifacts", "specimens", "checkin-files.txt"), out var checkIn));
        var checksum = new RepositoryChecksum();
        foreach (var file in checkIn.Files)
        {
            var content = Encoding.UTF8.GetBytes(ContentOf(Encoding.UTF8.GetString(file.Name)));
            checksum.Begin(file.Name, content.Length);
            checksum.Append(content.AsSpan(0, 1));
            checksum.Append(content.AsSpan(1));
        }

        Assert.Equal(checkIn.RepositoryChecksum, checksum.Finish());
        Assert.Equal(RepositoryChecksum.OfNothing, checksum.Finish());
    }

    [Test]
    public void Names_of_a_manifest_walk_in_order_of_decoded_bytes()
    {
        FileDraft[] files = [
            .. new[] { "a b", "a!", "a.b", "a/b", "ab" }.Select(n => new FileDraft(Encoding.UTF8.GetBytes(n), Id(7)))];

        var artifact = Parse(new ArtifactDraft { Comment = "c", Date = Date, Files = files, User = "u" });

        Assert.True(artifact.Files[0].CompareName(artifact.Files[1]) < 0);
        Assert.True(new ManifestFiles(artifact).TryFind("a b"u8, out var found));
        Assert.Equal(Id(7), found.Id);
        Assert.False(new ManifestFiles(artifact).TryFind("a c"u8, out _));
    }

    private static Artifact Parse(ArtifactDraft draft)
    {
        Assert.True(ArtifactParser.TryParse(draft.ToBytes(), out var artifact, out var fault), fault.ToString());
        return artifact;
    }

    private static ArtifactDraft RandomDraft(Prng prng)
    {
        var body = prng.NextBytes(prng.NextInt32(60)).Select(b => b == 0 ? (byte)'a' : b).ToArray();
        return prng.NextInt32(7) switch
        {
            0 => ArtifactDraft.Cluster([.. Ids(prng, prng.NextInt32(1, 40)).Distinct()]),
            1 => ArtifactDraft.Control(Date, Word(prng) + "u", Tags(prng, isSelfAllowed: false)),
            2 => ArtifactDraft.Wiki(
                Date, Word(prng) + "u", "Page " + prng.NextInt32(9), body, prng.Chance(0.5) ? RandomId(prng) : default,
                "text/plain"),
            3 =>
                ArtifactDraft.Ticket(
                    Date, Word(prng) + "u", prng.Fork().NextBytes(20).Aggregate("", (t, b) => t + b.ToString("x2")),
                [
                    .. Enumerable.Range(0, prng.NextInt32(1, 6)).Select(
                        i => new FieldDraft((prng.Chance(0.3) ? "+" : "") + "f" + i, Word(prng)))]),
            4 =>
                ArtifactDraft.Attach(
                    Date, Word(prng) + "u", "a b.txt", "Some Page", prng.Chance(0.5) ? RandomId(prng) : default,
                    prng.Chance(0.5) ? Word(prng) : null),
            5 =>
                ArtifactDraft.Technote(Date, Word(prng) + "u", Date, RandomId(prng).ToString(), body, Word(prng) + "x"),
            _ => new ArtifactDraft
            {
                Comment = ArtifactDraft.CheckInComment(Word(prng)),
                Date = Date,
                Files = Files(prng, prng.NextInt32(40)),
                Parents = Ids(prng, prng.NextInt32(3)),
                Cherrypicks = [
                    .. Ids(prng, prng.NextInt32(3)).Select(
                        id => new CherrypickCard(id, prng.Chance(0.5), prng.Chance(0.3) ? RandomId(prng) : default))],
                RepositoryChecksum = prng.Chance(0.5) ? CardText.Of(RepositoryChecksum.OfNothing) : default,
                Tags = Tags(prng, isSelfAllowed: true),
                User = Word(prng) + "u",
            },
        };
    }

    private static TagDraft[] Tags(Prng prng, bool isSelfAllowed) =>
        [.. Enumerable.Range(0, prng.NextInt32(1, 5)).Select(i => new TagDraft(
            prng.Pick<TagAction>([TagAction.Cancel, TagAction.Single, TagAction.Propagating]),
            "sym-" + Word(prng) + i,
            isSelfAllowed && prng.Chance(0.5) ? default : RandomId(prng),
            prng.Chance(0.5) ? default : (CardText)Word(prng)))];

    private static List<FileDraft> Files(Prng prng, int count)
    {
        var files = Enumerable.Range(0, count)
            .Select(_ => new FileDraft(
                FileName(prng),
                RandomId(prng),
                (FilePermission)prng.NextInt32(3),
                prng.Chance(0.1) ? FileName(prng) : default(ReadOnlyMemory<byte>)))
            .DistinctBy(f => Encoding.Latin1.GetString(f.Name.Span)).ToList();
        files.Sort(ArtifactDraft.FileOrder);
        return files;
    }

    private static byte[] FileName(Prng prng)
    {
        var letters = " !.abcABC-\\\n\t\xe4\xff"u8;
        var name = new byte[prng.NextInt32(1, 9)];
        foreach (ref var b in name.AsSpan()) b = prng.Pick(letters);
        return [.. "d/"u8, (byte)'x', .. name];
    }

    private static string Word(Prng prng)
    {
        var letters = "abc \n\t\\äöü€\r\v\f*+-".AsSpan();
        var word = new char[prng.NextInt32(12)];
        foreach (ref var c in word.AsSpan()) c = prng.Pick(letters);
        return new string(word);
    }

    private static ArtifactId RandomId(Prng prng) => ArtifactId.FromHash(prng.NextBytes(prng.Chance(0.3) ? 20 : 32));

    private static ArtifactId Id(byte value) => ArtifactId.FromHash([.. Enumerable.Repeat(value, 32)]);

    private static ArtifactId[] Ids(Prng prng, int count) =>
        [.. Enumerable.Range(0, count).Select(_ => RandomId(prng))];
}
