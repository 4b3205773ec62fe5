using System.Buffers;
using System.Buffers.Binary;
using System.IO.Compression;
using EdgeSync.Fossil.Blobs;
using EdgeSync.Primitives;
using EdgeSync.Tests.Support;

namespace EdgeSync.UnitTests.Fossil.Blobs;

public sealed class BlobCodecTests
{
    private const int SizeMax = 1 << 20;

    public static TheoryData<string> Names() =>
        [.. Vectors.List("fossil", "blob").Where(p => p.EndsWith(".blob", StringComparison.Ordinal))
            .Select(p => Path.GetFileNameWithoutExtension(p))];

    [Test]
    [MethodDataSource(nameof(Names))]
    public void Reads_what_stock_wrote(string name)
    {
        var content = Vectors.Read("fossil", "blob", name + ".content");
        var blob = Vectors.Read("fossil", "blob", name + ".blob");

        Assert.True(BlobCodec.TryDecode(Inflater.OfThisThread, blob, content.Length, out var made, out _));
        Assert.Equal(content, made);
    }

    [Test]
    [MethodDataSource(nameof(Names))]
    public void A_blob_cut_anywhere_is_refused_or_decodes_to_itself(string name)
    {
        var blob = Vectors.Read("fossil", "blob", name + ".blob");

        foreach (var prefix in Splits.Prefixes(blob))
        {
            var isSound = BlobCodec.TryDecode(Inflater.OfThisThread, prefix, SizeMax, out var made, out var fault);
            Assert.Equal(prefix.Length <= 4, isSound);
            if (isSound) Assert.Equal(prefix, made);
            else Assert.Equal(BlobFault.Truncated, fault);
        }
    }

    [Test]
    [Arguments(+1)]
    [Arguments(+900_000)]
    public void Accepts_a_size_that_is_too_large_as_stock_does(int lie)
    {
        var (content, blob) = Lie(lie);

        Assert.True(BlobCodec.TryDecode(Inflater.OfThisThread, blob, SizeMax, out var made, out _));
        Assert.Equal(content, made);
    }

    [Test]
    [Arguments(-1)]
    [Arguments(-2999)]
    [Arguments(-3000)]
    public void Refuses_a_size_that_is_too_small(int lie)
    {
        var (_, blob) = Lie(lie);

        Assert.False(BlobCodec.TryDecode(Inflater.OfThisThread, blob, SizeMax, out _, out var fault));
        Assert.Equal(BlobFault.LongerThanAnnounced, fault);
    }

    [Test]
    [Arguments(SizeMax + 1)]
    [Arguments(int.MaxValue)]
    [Arguments(int.MinValue)]
    [Arguments(-1)]
    public void A_size_over_the_limit_costs_nothing(int size)
    {
        var (_, blob) = Lie(0);
        BinaryPrimitives.WriteInt32BigEndian(blob, size);
        var before = GC.GetAllocatedBytesForCurrentThread();

        Assert.False(BlobCodec.TryDecode(Inflater.OfThisThread, blob, SizeMax, out _, out var fault));

        Assert.Equal(BlobFault.OverLimit, fault);
        Assert.True(GC.GetAllocatedBytesForCurrentThread() - before < 1000);
    }

    [Test]
    public void A_size_that_the_stream_cannot_reach_costs_little()
    {
        var (_, blob) = Lie(0);
        BinaryPrimitives.WriteInt32BigEndian(blob, int.MaxValue - 100);
        var before = GC.GetAllocatedBytesForCurrentThread();

        Assert.True(BlobCodec.TryDecode(Inflater.OfThisThread, blob, int.MaxValue, out _, out _));

        Assert.True(GC.GetAllocatedBytesForCurrentThread() - before < 5_000_000);
    }

    [Test]
    public void What_was_encoded_decodes_here_and_in_the_framework() => Property.Check(prng =>
    {
        var content = Draw(prng);
        var written = new ArrayBufferWriter<byte>();

        var blob = BlobCodec.Encode(Deflater.OfThisThread, content);
        BlobCodec.Encode(Deflater.OfThisThread, content, written);

        Assert.Equal(content, Decode(blob));
        Assert.Equal(content, Decode(written.WrittenSpan));
        using var stream = new ZLibStream(new MemoryStream(blob, 4, blob.Length - 4), CompressionMode.Decompress);
        using var theirs = new MemoryStream();
        stream.CopyTo(theirs);
        Assert.Equal(content, theirs.ToArray());
    });

    [Test]
    public void Decodes_in_pieces_of_any_size() => Property.Check(prng =>
    {
        var content = Draw(prng);
        var format = prng.Pick<DeflateFormat>([DeflateFormat.Zlib, DeflateFormat.Gzip, DeflateFormat.Raw]);
        using var deflater = new Deflater(level: prng.NextInt32(1, 10), format);
        var packed = new ArrayBufferWriter<byte>();
        deflater.Deflate(content, packed);
        var input = packed.WrittenSpan;
        var made = new List<byte>();
        using var inflater = new Inflater();

        inflater.Reset(format);
        var room = new byte[400];
        for (var status = OperationStatus.NeedMoreData; status != OperationStatus.Done;)
        {
            var piece = input[..Math.Min(input.Length, prng.NextInt32(1, 300))];
            status = inflater.Inflate(piece, room.AsSpan(0, prng.NextInt32(1, 400)), out var consumed, out var written);
            Assert.NotEqual(OperationStatus.InvalidData, status);
            made.AddRange(room.AsSpan(0, written));
            input = input[consumed..];
        }

        Assert.Equal(content, made);
        Assert.True(input.IsEmpty);
    });

    // Also the fuzz target.
    [Test]
    public void No_damage_throws_or_goes_past_the_limit() => Property.Check(prng =>
    {
        var content = Draw(prng);
        var blob = BlobCodec.Encode(Deflater.OfThisThread, content);
        for (var mutations = prng.NextInt32(1, 4); mutations > 0; mutations--)
            blob[prng.NextInt32(blob.Length)] = (byte)prng.NextInt32(256);

        var isSound = BlobCodec.TryDecode(Inflater.OfThisThread, blob, 4000, out var made, out var fault);

        Assert.Equal(isSound, fault == BlobFault.None);
        Assert.InRange(made.Length, 0, 4000);
        Assert.Equal("hello"u8, Decode(BlobCodec.Encode(Deflater.OfThisThread, "hello"u8)));
    }, runs: 1000);

    private static (byte[] Content, byte[] Blob) Lie(int difference)
    {
        var content = new byte[3000];
        content.AsSpan(1000).Fill(7);
        var blob = BlobCodec.Encode(Deflater.OfThisThread, content);
        BinaryPrimitives.WriteInt32BigEndian(blob, content.Length + difference);
        return (content, blob);
    }

    private static byte[] Decode(ReadOnlySpan<byte> blob)
    {
        Assert.True(BlobCodec.TryDecode(Inflater.OfThisThread, blob, SizeMax, out var made, out var fault), $"{fault}");
        return made;
    }

    private static byte[] Draw(Prng prng)
    {
        var content = prng.NextBytes(prng.NextInt32(3000));
        if (prng.Chance(0.6)) for (var i = 0; i < content.Length; i++) content[i] = (byte)('a' + (content[i] % 5));
        if (prng.Chance(0.3)) content.AsSpan(content.Length / 2).Clear();
        return content;
    }
}
