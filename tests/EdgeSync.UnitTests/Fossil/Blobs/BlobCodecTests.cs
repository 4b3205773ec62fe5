using EdgeSync.Fossil.Blobs;
using EdgeSync.Tests.Shared;

namespace EdgeSync.UnitTests.Fossil.Blobs;

public sealed class BlobCodecTests
{
    [Fact]
    public void Reads_the_empty_artifact_of_stock()
    {
        var blob = Convert.FromHexString("00000000789c030000000001");

        Assert.True(BlobCodec.TryDecode(Inflater.OfThisThread, blob, 0, out var content, out _));
        Assert.Empty(content);
    }

    [Fact]
    public void What_was_encoded_decodes() => Property.Check(prng =>
    {
        var content = prng.NextBytes(prng.NextInt32(3000));
        if (prng.Chance(0.7)) content.AsSpan().Replace((byte)0, (byte)1);
        if (prng.Chance(0.5)) content.AsSpan(content.Length / 2).Clear();

        var blob = BlobCodec.Encode(Deflater.OfThisThread, content);

        Assert.True(BlobCodec.TryDecode(Inflater.OfThisThread, blob, content.Length, out var back, out var fault), fault.ToString());
        Assert.Equal(content, back);
    });
}
