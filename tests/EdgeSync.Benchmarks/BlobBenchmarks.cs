using System.IO.Compression;
using BenchmarkDotNet.Attributes;
using EdgeSync.Fossil.Blobs;
using EdgeSync.Primitives;

namespace EdgeSync.Benchmarks;

/// <summary>
/// Blob codec against the framework's stream: small texts (most are deltas of some hundred bytes) and large.
/// </summary>
[MemoryDiagnoser]
public class BlobBenchmarks
{
    private byte[] _content = [];
    private byte[] _blob = [];
    private byte[] _room = [];

    [Params(300, 5_000, 150_000)]
    public int Size { get; set; }

    [GlobalSetup]
    public void SetUp()
    {
        _content = Samples.Source(new Prng(1), Size);
        _blob = BlobCodec.Encode(Deflater.OfThisThread, _content);
        _room = new byte[BlobCodec.GetEncodedLengthMax(_content.Length)];
    }

    [Benchmark]
    public bool Decode() => BlobCodec.TryDecode(Inflater.OfThisThread, _blob, _room, out _, out _);

    [Benchmark]
    public int DecodeByStream()
    {
        using var stream = new ZLibStream(new MemoryStream(_blob, 4, _blob.Length - 4), CompressionMode.Decompress);
        return stream.ReadAtLeast(_room, _content.Length);
    }

    [Benchmark]
    public int Encode() => BlobCodec.Encode(Deflater.OfThisThread, _content, _room);

    [Benchmark]
    public long EncodeByStream()
    {
        using var target = new MemoryStream(_room);
        using (var stream = new ZLibStream(target, CompressionLevel.Optimal, leaveOpen: true)) stream.Write(_content);
        return target.Position;
    }
}
