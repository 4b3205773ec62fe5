using System.Buffers;
using System.Text;
using EdgeSync.Fossil.Xfer;
using EdgeSync.Primitives;
using EdgeSync.Tests.Support;

namespace EdgeSync.UnitTests.Fossil.Xfer;

public class XferWriterTests
{
    private static readonly ArtifactId A = ArtifactId.Parse(new string('1', 40));
    private static readonly ArtifactId B = ArtifactId.Parse(new string('2', 64));

    [Test]
    public void Writes_cards_as_the_protocol_spells_them()
    {
        var output = new ArrayBufferWriter<byte>();
        var writer = new XferWriter(output);
        writer.IGot(A, isPrivate: true);
        writer.Gimme(B);
        writer.File(A, B, isPrivate: true, "xyz"u8);
        writer.CFile(A, default, 10, isPrivate: false, "x\n"u8);
        writer.CFile(A, B, 10, isPrivate: false, "x"u8);
        writer.Clone(1, 5);
        writer.Clone(3, 5);
        writer.UvFile("a", 7, default, default);
        writer.UvFile("b", 7, A, "q"u8);
        writer.UvIGot("c", 8, default, 0);
        writer.Config("/config"u8, "body"u8);
        writer.Error("bad command: ", "a\n"u8);
        writer.Pragma("uv-hash"u8, A);
        writer.Comment("end"u8);

        Assert.Equal(
            $"igot {A} 1\ngimme {B}\nprivate\nfile {A} {B} 3\nxyzcfile {A} 10 2\nx\ncfile {A} {B} 10 "
                + $"1\nx\nclone\nclone 3 5\n"
            + $"uvfile a 7 - 0 1\nuvfile b 7 {A} 1 0\nquvigot c 8 - 0\nconfig /config 4\nbody\n"
            + $"error bad\\scommand:\\sa\\n\npragma uv-hash {A}\n# end\n",
            Encoding.UTF8.GetString(output.WrittenSpan));
        Assert.Equal(output.WrittenCount, writer.BytesWritten);
    }

    [Test]
    public void Text_survives_whatever_it_contains()
    {
        Property.Check(prng =>
        {
            var text = new string(
                [.. Enumerable.Range(0, prng.NextInt32(30)).Select(_ => (char)prng.NextInt32(0, 0x250))]);
            var output = new ArrayBufferWriter<byte>();
            new XferWriter(output).Message("x" + text);

            var reader = new XferReader(output.WrittenSpan);
            Assert.Equal(OperationStatus.Done, reader.TryRead(out var card));
            Assert.True(TextCard.TryParse(card, out var message));
            Assert.Equal("x" + text, message.Text);
        });
    }
}
