using System.Buffers;
using System.Text;
using EdgeSync.Fossil.Artifacts;
using EdgeSync.Fossil.Blobs;
using EdgeSync.Fossil.Delta;
using EdgeSync.Fossil.Xfer;
using EdgeSync.Primitives;
using EdgeSync.Tests.Support;

namespace EdgeSync.UnitTests.Fuzz;

/// <summary>
/// No bytes make a parser throw, hang, or take more than its limit. A short run is here; <c>scripts/dev.sh fuzz</c>
/// runs many more of the same, with new seeds.
/// </summary>
public sealed class FuzzTests
{
    private const int SizeMax = 1 << 20;

    private static readonly Instant Now = Instant.FromUnixSeconds(1_700_000_000);

    private static readonly byte[][] Artifacts = Corpus("artifact");
    private static readonly byte[][] Deltas = Corpus("delta");
    private static readonly byte[][] Messages = Corpus("xfer");

    [Test]
    public void Artifacts_never_throw() => Property.Check(
        prng =>
        {
            var good = prng.Pick<byte[]>(Artifacts);
            Visit(
                prng.Chance(0.3) ? Mutation.OfBytes(
                    prng, good, Artifacts) : Mutation.OfArtifact(prng, good, Artifacts));
        },
        runs: 12_000);

    /// <summary>The text around a signature is not parsed, so a signed one may lose its end.</summary>
    [Test]
    public void A_truncated_artifact_is_rejected() => Assert.All(
        Artifacts.Where(good => good[0] != '-'), good => Assert.All(
        Splits.Prefixes(good),
        prefix => Assert.False(ArtifactParser.TryParse(prefix, out _, new ArtifactParserOptions(Now)))));

    [Test]
    public void Deltas_never_throw() => Property.Check(
        prng =>
        {
            var source = prng.NextBytes(prng.NextInt32(400));
            var delta = Mutation.OfBytes(prng, prng.Pick<byte[]>(Deltas), Deltas);

            // Whatever can be applied has the announced size, and nothing is taken for one that announces too much.
            if (DeltaApplier.TryApply(source, delta, SizeMax, out var target, out _, verifyChecksum: prng.Chance(0.5)))
            {
                Assert.True(DeltaReader.TryReadTargetSize(delta, out var size));
                Assert.Equal(size, target.Length);
            }
        },
        runs: 16_000);

    [Test]
    public void Blobs_never_throw() => Property.Check(
        prng =>
        {
            using var deflater = new Deflater();
            var content = prng.Pick<byte[]>(Artifacts);
            var blob = Mutation.OfBytes(prng, BlobCodec.Encode(deflater, content), []);

            if (BlobCodec.TryDecode(Inflater.OfThisThread, blob, SizeMax, out var decoded, out _))
                Assert.True(decoded.Length <= SizeMax);
        },
        runs: 6000);

    [Test]
    public void Frames_never_throw() => Property.Check(
        prng =>
        {
            var output = new ArrayBufferWriter<byte>();
            XferFrame.Encode(XferEncoding.Zlib, prng.Pick<byte[]>(Messages), output);
            var body = Mutation.OfBytes(prng, output.WrittenSpan.ToArray(), Messages);

            if (XferFrame.TryDecode(XferEncoding.Zlib, body, SizeMax, out var message) == XferFrameFault.None)
                Assert.True(message.Length <= SizeMax);
        },
        runs: 6000);

    /// <summary>A body that stopped short must not pass for a shorter message.</summary>
    [Test]
    public void A_cut_frame_is_damaged() => Assert.All(Messages, message =>
    {
        var output = new ArrayBufferWriter<byte>();
        XferFrame.Encode(XferEncoding.Zlib, message, output);
        Assert.All(
            Splits.Prefixes(output.WrittenSpan.ToArray()).Skip(1),
            cut => Assert.Equal(XferFrameFault.Damaged, XferFrame.TryDecode(XferEncoding.Zlib, cut, SizeMax, out _)));
    });

    /// <summary>A message in one piece and the same in any pieces give the same cards up to the same fault.</summary>
    [Test]
    public void Messages_read_alike_whole_and_in_pieces() => Property.Check(
        prng =>
        {
            var message = Mutation.OfBytes(prng, prng.Pick<byte[]>(Messages), Messages);
            var limits = new XferLimits(LineBytesMax: 4096, PayloadBytesMax: SizeMax);

            Assert.Equal(ReadWhole(message, limits), ReadPieces(prng, message, limits));
        },
        runs: 6000);

    [Test]
    public void Texts_and_dates_never_throw() => Property.Check(
        prng =>
        {
            var text = Mutation.OfBytes(prng, Encoding.UTF8.GetBytes(@"2024-01-11T10:20:30.250Z a\sb\\c\n"), Artifacts);

            _ = DateText.TryParse(text, Now, out _);
            XferText.Decode(text);
            PathName.IsSimple(text);
            PathName.IsSimpleStrict(text);
            PathName.IsReserved(text);
            WikiName.IsWellFormed(text);
            _ = ArtifactId.TryParse(text, out _);

            // Encoding is never ambiguous: what was encoded decodes to itself.
            var encoded = new ArrayBufferWriter<byte>();
            FossilText.Encode(text, encoded);
            Assert.Equal(text, FossilText.Decode(encoded.WrittenSpan));
        },
        runs: 8000);

    private static byte[][] Corpus(string name) => [.. Vectors.List("fuzz", name).Select(File.ReadAllBytes)];

    /// <summary>Parses, and touches all that the parser hands out.</summary>
    private static void Visit(byte[] text)
    {
        if (!ArtifactParser.TryParse(text, out var artifact, new ArtifactParserOptions(Now))) return;

        var seen = artifact.Comment.Length + artifact.User.Length + artifact.Mimetype.Length + artifact.Body.Length
            + artifact.Title.Length
            + artifact.AttachmentName.Length + artifact.AttachmentTarget.Length + artifact.TicketId.Length
                + artifact.TechnoteId.Length
            + artifact.ThreadTitle.Length + artifact.Parents.Length + artifact.Members.Length
                + artifact.Cherrypicks.Length
            + artifact.RepositoryChecksum.Length + artifact.ZCard.Length + artifact.ToString().Length;
        foreach (var file in artifact.Files)
            seen += file.Name.Length + file.OldName.Length + file.HashText.Length + file.Id.HexLength;
        foreach (var tag in artifact.Tags)
            seen += tag.Name.Length + tag.Value.Length + (int)tag.Action + tag.Target.HexLength;
        foreach (var field in artifact.Fields) seen += field.Name.Length + field.Value.Length;
        Assert.True(seen > 0);
        Assert.True(artifact.Files.Count == 0 || artifact.Files.Find(artifact.Files[0].Name) == 0);
    }

    private static List<string> ReadWhole(byte[] message, XferLimits limits)
    {
        var cards = new List<string>();
        var reader = new XferReader(message, isFinal: true, limits);
        OperationStatus status;
        while ((status = reader.TryRead(out var card)) == OperationStatus.Done) cards.Add(Describe(card));
        cards.Add(status.ToString());
        return cards;
    }

    private static List<string> ReadPieces(Prng prng, byte[] message, XferLimits limits)
    {
        var cards = new List<string>();
        using var stream = new XferStream(limits);
        var arrived = 0;
        var taken = 0;
        while (true)
        {
            var input = InPieces(prng, message.AsMemory(taken, arrived - taken));
            var isFinal = arrived == message.Length;
            var status = stream.TryRead(input, isFinal, out var card, out var consumed);
            if (status == OperationStatus.Done)
            {
                cards.Add(Describe(card));
                taken += (int)input.Slice(0, consumed).Length;
            }
            else if (status == OperationStatus.NeedMoreData && !isFinal)
            {
                arrived = Math.Min(message.Length, arrived + prng.NextInt32(1, 300));
            }
            else
            {
                cards.Add(status.ToString());
                return cards;
            }
        }
    }

    private static ReadOnlySequence<byte> InPieces(Prng prng, ReadOnlyMemory<byte> bytes)
    {
        var pieces = new List<ReadOnlyMemory<byte>>();
        for (var at = 0; at < bytes.Length;)
        {
            var size = Math.Min(bytes.Length - at, prng.NextInt32(1, 200));
            pieces.Add(bytes.Slice(at, size));
            at += size;
        }

        return Splits.Join([.. pieces]);
    }

    private static string Describe(XferCard card)
    {
        var known =
            (IGotCard.TryParse(card, out var igot) ? igot.ToString() : "")
            + (GimmeCard.TryParse(card, out var gimme) ? gimme.ToString() : "")
            + (EdgeSync.Fossil.Xfer.FileCard.TryParse(card, out var file) ? file.ToString() : "")
            + (CFileCard.TryParse(card, out var cfile) ? cfile.ToString() : "")
            + (LoginCard.TryParse(card, out var login) ? login.User : "")
            + (ProjectCard.TryParse(card, out var project) ? project.ToString() : "")
            + (CloneCard.TryParse(card, out var clone) ? clone.ToString() : "")
            + (CloneSeqnoCard.TryParse(card, out var seqno) ? seqno.ToString() : "")
            + (ConfigCard.TryParse(card, out var config) ? Convert.ToHexString(config.Body) : "")
            + (TextCard.TryParse(card, out var text) ? text.ToString() : "")
            + (UvIGotCard.TryParse(card, out var uvIGot) ? uvIGot.ToString() : "")
            + (UvGimmeCard.TryParse(card, out var uvGimme) ? uvGimme.ToString() : "")
            + (UvFileCard.TryParse(card, out var uvFile) ? uvFile.ToString() : "")
            + (SchemaCard.TryParse(card, out var schema) ? schema.Table + schema.Hash : "")
            + (XIGotCard.TryParse(card, out var xigot) ? xigot.ToString() : "")
            + (XGimmeCard.TryParse(card, out var xgimme) ? xgimme.ToString() : "")
            + (RowCard.TryParse(card, out var row) ? row.Table + row.KeyHash : "");
        return $"{card.Kind} {card.Count} {Convert.ToHexString(card.Line)} {Convert.ToHexString(card.Payload)} {known}";
    }
}
