using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using EdgeSync.Fossil.Artifacts;
using EdgeSync.Primitives;
using EdgeSync.Tests.Support;

namespace EdgeSync.UnitTests.Fossil.Artifacts;

/// <summary>
/// Stock Fossil's own artifacts, and its verdicts on damaged ones. See the README beside the vectors.
/// </summary>
public sealed class ArtifactOracleTests
{
    private static readonly Instant Now = Instant.FromUnixSeconds(1_700_000_000);

    public static TheoryData<string> Specimens() =>
        [.. Vectors.List("fossil", "artifacts", "specimens").Select(p => Path.GetFileNameWithoutExtension(p)!)];

    private static byte[] Specimen(string name) => Vectors.Read("fossil", "artifacts", "specimens", name + ".txt");

    [Test]
    [MethodDataSource(nameof(Specimens))]
    public void Reads_what_stock_wrote_and_writes_the_same_bytes(string name)
    {
        var text = Specimen(name);

        Assert.True(ArtifactParser.TryParse(text, out var artifact, out var fault), fault.ToString());
        var written = ArtifactDraft.From(artifact).ToBytes();

        // Wrapped, reordered and date-only texts are read, but we write the plain form of today.
        if (name is "checkin-signed" or "technote-old-order" or "checkin-empty-parents")
            Assert.True(ArtifactParser.TryParse(written, out _));
        else
            Assert.Equal(Encoding.Latin1.GetString(text), Encoding.Latin1.GetString(written));
    }

    /// <summary>The writers of each kind, given the fields of a specimen, make its very bytes.</summary>
    [Test]
    [Arguments("cluster")]
    [Arguments("control-amend")]
    [Arguments("control-tag")]
    [Arguments("wiki-first")]
    [Arguments("wiki-second")]
    [Arguments("wiki-empty")]
    [Arguments("ticket-new")]
    [Arguments("ticket-change")]
    [Arguments("attachment")]
    [Arguments("attachment-removed")]
    [Arguments("technote")]
    [Arguments("technote-second")]
    [Arguments("forum-root")]
    [Arguments("forum-reply")]
    [Arguments("forum-edit")]
    [Arguments("forum-delete")]
    public void Makes_what_stock_made(string name)
    {
        Assert.True(ArtifactParser.TryParse(Specimen(name), out var said));
        var all = ArtifactDraft.From(said);
        var user = Encoding.UTF8.GetString(said.User);
        var parent = said.Parents.IsEmpty ? default : said.Parents[0];
        string Text(ReadOnlySpan<byte> text) => Encoding.UTF8.GetString(text);

        var made = said.Kind switch
        {
            ArtifactKind.Cluster => ArtifactDraft.Cluster([.. all.Members.Reverse()]),
            ArtifactKind.Control => ArtifactDraft.Control(said.Date, user, [.. all.Tags.Reverse()]),
            ArtifactKind.Wiki =>
                ArtifactDraft.Wiki(said.Date, user, Text(said.Title), all.Body, parent, Text(said.Mimetype)),
            ArtifactKind.Ticket =>
                ArtifactDraft.Ticket(said.Date, user, Text(said.TicketId), [.. all.Fields.Reverse()]),
            ArtifactKind.Attachment => ArtifactDraft.Attach(
                said.Date, user, Text(said.AttachmentName), Text(said.AttachmentTarget), said.AttachmentSource,
                Text(said.Comment)),
            ArtifactKind.Technote => ArtifactDraft.Technote(
                said.Date, user, said.TechnoteDate, Text(said.TechnoteId), all.Body, Text(said.Comment), parent,
                Text(said.Mimetype), [.. all.Tags.Reverse()]),
            // The product writes no forum posts; a draft can be one.
            _ => new ArtifactDraft
            {
                Date = said.Date,
                User = user,
                Body = all.Body,
                ThreadTitle = said.HasCard('H') ? (CardText)Text(said.ThreadTitle) : default,
                ThreadRoot = said.ThreadRoot,
                InReplyTo = said.InReplyTo,
                Parents = parent.IsEmpty ? [] : [parent],
                Mimetype = said.Mimetype.IsEmpty ? default : (CardText)Text(said.Mimetype),
            },
        };

        Assert.Equal(Encoding.Latin1.GetString(Specimen(name)), Encoding.Latin1.GetString(made.ToBytes()));
    }

    [Test]
    [MethodDataSource(nameof(Specimens))]
    public void Cut_anywhere_nothing_throws_and_nothing_is_accepted(string name)
    {
        var text = Specimen(name);

        foreach (var prefix in Splits.Prefixes(text))
        {
            var isAccepted = ArtifactParser.TryParse(prefix, out _, out var fault);

            // A signature may be cut off anywhere behind the artifact.
            if (isAccepted) Assert.Equal("checkin-signed", name);
            else Assert.NotEqual(ArtifactFaultKind.None, fault.Kind);
        }
    }

    [Test]
    public void Judges_every_damaged_specimen_as_stock_does()
    {
        var wrong = new StringBuilder();
        var count = 0;
        foreach (var row in File.ReadLines(Vectors.PathOf("fossil", "artifacts", "verdicts.tsv")))
        {
            var columns = row.Split('\t');
            var text = Edited(Specimen(columns[1]), columns[2], columns[3] == "1");

            var isAccepted = ArtifactParser.TryParse(
                text, out var artifact, out var fault, new ArtifactParserOptions(Now));

            // Stock counts a card only after it has looked at its order.
            var line = fault.Kind == ArtifactFaultKind.CardOrder ? fault.Line - 1 : fault.Line;
            var verdict = isAccepted ? "ok" : line.ToString(CultureInfo.InvariantCulture);
            if (verdict != columns[0])
                wrong.AppendLine(
                    CultureInfo.InvariantCulture,
                    $"{row}\n    stock {columns[0]}, ours {verdict} ({fault})\n    "
                        + $"{FossilText.Encode(Encoding.Latin1.GetString(text))}");
            if (isAccepted) TouchEverything(artifact);
            count++;
        }

        Assert.True(count > 1000);
        Assert.True(wrong.Length == 0, wrong.ToString());
    }

    [Test]
    public void Reads_dates_as_stock_s_SQLite_does()
    {
        var wrong = new StringBuilder();
        var count = 0;
        foreach (var row in File.ReadLines(Vectors.PathOf("fossil", "artifacts", "dates.tsv")))
        {
            var columns = row.Split('\t');
            var text = Uri.UnescapeDataString(columns[0]);

            var ours = DateText.TryParse(text, Now, out var date)
                ? (date.UnixMilliseconds + 210_866_760_000_000).ToString(CultureInfo.InvariantCulture)
                : "-";

            if (ours != columns[1])
                wrong.AppendLine(CultureInfo.InvariantCulture, $"'{text}': SQLite {columns[1]}, ours {ours}");
            count++;
        }

        Assert.True(count > 150);
        Assert.True(wrong.Length == 0, wrong.ToString());
    }

    [Test]
    public void No_input_throws()
    {
        var specimens = Vectors.List("fossil", "artifacts", "specimens").Select(File.ReadAllBytes).ToArray();
        Property.Check(
            prng =>
            {
                var text = (byte[])prng.Pick<byte[]>(specimens).Clone();
                for (var changes = prng.NextInt32(1, 6); changes > 0; changes--)
                {
                    var at = prng.NextInt32(text.Length);
                    text = prng.NextInt32(4) switch
                    {
                        0 => [.. text[..at], (byte)prng.NextInt32(256), .. text[at..]],
                        1 => [.. text[..at], .. text[Math.Min(text.Length, at + prng.NextInt32(40))..], (byte)'\n'],
                        2 => [.. text[..at], .. text[prng.NextInt32(text.Length)..]],
                        _ => [
                            .. text[..at], prng.Pick(" \n\0\\*+-/ABCDEFGHIJKLMNPQRTUWZ"u8), .. text[(at + 1)..],
                            (byte)'\n'],
                    };
                }

                if (ArtifactParser.TryParse(
                    text, out var artifact, out var fault, new ArtifactParserOptions(Now, SkipsChecksum: true)))
                    TouchEverything(artifact);
                else
                    Assert.InRange(fault.Offset, 0, text.Length);
            },
            runs: 3000);
    }

    /// <summary>Reads every property, so that a slot that points outside would show.</summary>
    private static void TouchEverything(Artifact artifact)
    {
        _ = artifact.ToString();
        var again = ArtifactDraft.From(artifact).ToBytes();
        Assert.NotEmpty(again);
        _ = artifact.ChecksummedText.Length + artifact.ZCard.Length;
        foreach (var file in artifact.Files) Assert.Equal(file.IsDeleted, file.Id.IsEmpty);
    }

    private static byte[] Edited(byte[] text, string edits, bool isChecksumFixed)
    {
        foreach (var edit in edits.Split(';', StringSplitOptions.RemoveEmptyEntries))
        {
            var parts = edit.Split(',');
            var offset = int.Parse(parts[0], CultureInfo.InvariantCulture);
            var deleted = int.Parse(parts[1], CultureInfo.InvariantCulture);
            text = [
                .. text[..offset], .. Convert.FromHexString(parts[2]),
                .. text[Math.Min(text.Length, offset + deleted)..]];
        }

        if (isChecksumFixed && text.Length >= 35 && text[^35] == 'Z' && text[^34] == ' ')
            Encoding.ASCII.GetBytes(Convert.ToHexStringLower(MD5.HashData(text.AsSpan(0, text.Length - 35))))
            .CopyTo(text, text.Length - 33);
        return text;
    }
}
