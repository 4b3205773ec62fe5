using System.Security.Cryptography;
using BenchmarkDotNet.Attributes;
using EdgeSync.Primitives;

namespace EdgeSync.Benchmarks;

/// <summary>64 texts: one by one, as a batch, and by the framework (OpenSSL on Linux).</summary>
public class HashBenchmarks
{
    private const int Count = 64;

    private readonly ReadOnlyMemory<byte>[] _texts = new ReadOnlyMemory<byte>[Count];
    private readonly ArtifactId[] _ids = new ArtifactId[Count];
    private readonly Md5Digest[] _digests = new Md5Digest[Count];
    private readonly byte[] _hash = new byte[32];

    [Params(600, 150_000)]
    public int Size { get; set; }

    [GlobalSetup]
    public void SetUp()
    {
        var prng = new Prng(1);
        foreach (ref var text in _texts.AsSpan()) text = prng.NextBytes(Size);
    }

    [Benchmark]
    public void Sha3OneByOne()
    {
        for (var i = 0; i < Count; i++) _ids[i] = ArtifactHash.Compute(HashKind.Sha3, _texts[i].Span);
    }

    [Benchmark]
    public void Sha3Batch() => HashBatch.Compute(HashKind.Sha3, _texts, _ids);

    [Benchmark]
    public void Sha3OfFramework()
    {
        foreach (var text in _texts) SHA3_256.HashData(text.Span, _hash);
    }

    [Benchmark]
    public void Sha1OneByOne()
    {
        for (var i = 0; i < Count; i++) _ids[i] = ArtifactHash.Compute(HashKind.Sha1, _texts[i].Span);
    }

    [Benchmark]
    public void Sha1Batch() => HashBatch.Compute(HashKind.Sha1, _texts, _ids);

    [Benchmark]
    public void Sha1OfFramework()
    {
        foreach (var text in _texts) SHA1.HashData(text.Span, _hash);
    }

    [Benchmark]
    public void Md5OneByOne()
    {
        for (var i = 0; i < Count; i++) _digests[i] = Md5Hasher.Compute(_texts[i].Span);
    }

    [Benchmark]
    public void Md5Batch() => HashBatch.ComputeMd5(_texts, _digests);

    [Benchmark]
    public void Md5OfFramework()
    {
        foreach (var text in _texts) MD5.HashData(text.Span, _hash);
    }
}
