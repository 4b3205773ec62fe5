using System.Buffers;
using System.Buffers.Binary;
using System.Text;
using EdgeSync.Fossil.Xfer;
using EdgeSync.Tests.Support;

namespace EdgeSync.UnitTests.Fossil.Xfer;

public class XferFrameTests
{
    [Test]
    [Arguments(XferEncoding.Plain)]
    [Arguments(XferEncoding.Zlib)]
    public void The_front_of_a_body_is_the_front_of_the_message(XferEncoding encoding) => Property.Check(
        prng =>
        {
            byte[] message = [
                .. "file "u8, .. prng.NextBytes(prng.NextInt32(1, 20_000)), .. new byte[prng.NextInt32(20_000)]];
            var body = new ArrayBufferWriter<byte>();
            XferFrame.Encode(encoding, message, body);
            var cut = prng.NextInt32(body.WrittenCount);

            var front = XferFrame.DecodeFront(encoding, body.WrittenMemory[..cut], 1 << 20);

            Assert.True(message.AsSpan().StartsWith(front.Span));
            Assert.True(front.Length >= Math.Min(message.Length / 2, cut - 1000), $"{front.Length} B of {cut}");
            XferFrame.DecodeFront(encoding, prng.NextBytes(prng.NextInt32(100)), 1 << 20);
        });

    private const int SizeMax = 1 << 20;

    [Test]
    public void Reads_the_request_of_a_stock_client()
    {
        var fault = XferFrame.TryDecode(
            XferEncoding.Zlib, Vectors.Read("fossil", "xfer", "exact-clone.request"), SizeMax, out var message);

        Assert.Equal(XferFrameFault.None, fault);
        Assert.Equal(
            "pragma client-version 22100 20230226 192424\nclone 3 1\n# 2D6B9A8A5F0AD9D6099AF9AC5456BF2CF8C32A24\n",
            Encoding.ASCII.GetString(message.Span));
    }

    [Test]
    public void Reads_what_it_wrote()
    {
        Property.Check(prng =>
        {
            var message = prng.NextBytes(prng.NextInt32(5000));
            var output = new ArrayBufferWriter<byte>();
            var encoding = prng.Chance(0.5) ? XferEncoding.Plain : XferEncoding.Zlib;
            if (encoding == XferEncoding.Zlib && message.Length == 0) message = [1];
            XferFrame.Encode(encoding, message, output);

            Assert.Equal(
                XferFrameFault.None, XferFrame.TryDecode(encoding, output.WrittenMemory, SizeMax, out var back));
            Assert.True(message.AsSpan().SequenceEqual(back.Span));
        });
    }

    [Test]
    public void Takes_plain_text_under_the_compressed_type()
    {
        var fault = XferFrame.TryDecode(XferEncoding.Zlib, "pull a b\n"u8.ToArray(), SizeMax, out var message);

        Assert.Equal(XferFrameFault.None, fault);
        Assert.Equal("pull a b\n", Encoding.ASCII.GetString(message.Span));
    }

    [Test]
    public void An_empty_body_is_an_empty_message()
    {
        Assert.Equal(XferFrameFault.None, XferFrame.TryDecode(XferEncoding.Zlib, default, SizeMax, out var message));
        Assert.True(message.IsEmpty);
    }

    [Test]
    public void Refuses_a_declared_size_over_the_limit()
    {
        var body = Encode(new byte[SizeMax + 1]);

        Assert.Equal(XferFrameFault.TooLarge, XferFrame.TryDecode(XferEncoding.Zlib, body, SizeMax, out _));
    }

    [Test]
    public void Refuses_more_bytes_than_declared()
    {
        var body = Encode(new byte[5000]);
        BinaryPrimitives.WriteUInt32BigEndian(body, 4999);

        Assert.Equal(XferFrameFault.Damaged, XferFrame.TryDecode(XferEncoding.Zlib, body, SizeMax, out _));
    }

    [Test]
    public void Accepts_fewer_bytes_than_declared_as_stock_does()
    {
        var body = Encode(Encoding.ASCII.GetBytes("igot\n"));
        BinaryPrimitives.WriteUInt32BigEndian(body, 50);

        Assert.Equal(XferFrameFault.None, XferFrame.TryDecode(XferEncoding.Zlib, body, SizeMax, out var message));
        Assert.Equal(5, message.Length);
    }

    [Test]
    public void Refuses_a_small_body_that_declares_what_it_cannot_hold()
    {
        var body = Encode(Encoding.ASCII.GetBytes("igot\n"));
        BinaryPrimitives.WriteUInt32BigEndian(body, 1_000_000);

        Assert.Equal(XferFrameFault.Damaged, XferFrame.TryDecode(XferEncoding.Zlib, body, SizeMax, out _));
    }

    [Test]
    public void No_body_makes_it_throw()
    {
        var good = Encode(Encoding.ASCII.GetBytes(string.Join('\n', Enumerable.Range(0, 200))));
        Property.Check(prng =>
        {
            var body = (byte[])good.Clone();
            for (var i = prng.NextInt32(1, 6); i > 0; i--)
                body[prng.NextInt32(body.Length)] ^= (byte)prng.NextInt32(1, 256);
            XferFrame.TryDecode(XferEncoding.Zlib, body.AsMemory(0, prng.NextInt32(body.Length + 1)), SizeMax, out _);
        });
    }

    private static byte[] Encode(byte[] message)
    {
        var output = new ArrayBufferWriter<byte>();
        XferFrame.Encode(XferEncoding.Zlib, message, output);
        return output.WrittenSpan.ToArray();
    }
}
