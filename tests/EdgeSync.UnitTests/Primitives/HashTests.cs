using System.Runtime.Intrinsics;
using System.Security.Cryptography;
using System.Text;
using EdgeSync.Primitives;
using EdgeSync.Tests.Support;

namespace EdgeSync.UnitTests.Primitives;

/// <summary>Our hash functions against published vectors and against the framework's.</summary>
public sealed class HashTests
{
    // FIPS 180-4 and 202 examples, RFC 1321 §A.5.
    [Test]
    [Arguments("abc", "a9993e364706816aba3e25717850c26c9cd0d89d")]
    [Arguments("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", "84983e441c3bd26ebaae4aa1f95129e5e54670f1")]
    [Arguments("abc", "3a985da74fe225b2045c172d6bd390bd855f086e3e9d525b46bfe24511431532")]
    [Arguments(
        "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
        "41c0dba2a9d6240849100376a8235e2c82e1b9998a999e21db32dd97496d3376")]
    public void Names_the_published_examples(string text, string name)
    {
        var id = ArtifactId.Parse(name);

        Assert.Equal(id, ArtifactHash.Compute(id.Kind, Encoding.ASCII.GetBytes(text)));
        Assert.True(ArtifactHash.Matches(id, Encoding.ASCII.GetBytes(text)));
        Assert.False(ArtifactHash.Matches(id, "abd"u8));
    }

    [Test]
    [Arguments("", "d41d8cd98f00b204e9800998ecf8427e")]
    [Arguments("message digest", "f96b697d7cb7938d525a2f31aaf161d0")]
    [Arguments(
        "12345678901234567890123456789012345678901234567890123456789012345678901234567890",
        "57edf4a22be3c955ac49da2e2107b67a")]
    public void Digests_the_published_examples(string text, string hex)
    {
        var digest = Md5Hasher.Compute(Encoding.ASCII.GetBytes(text));

        Assert.Equal(hex, digest.ToString());
        Assert.True(Md5Digest.TryParse(Encoding.ASCII.GetBytes(hex), out var parsed));
        Assert.Equal(digest, parsed);
        Assert.False(Md5Digest.TryParse(Encoding.ASCII.GetBytes(hex[1..]), out _));
    }

    [Test]
    public void A_million_letters()
    {
        var text = new byte[1_000_000];
        text.AsSpan().Fill((byte)'a');

        Assert.Equal("34aa973cd4c4daa4f61eeb2bdbad27316534016f", ArtifactHash.Compute(HashKind.Sha1, text).ToString());
        Assert.Equal(
            "5c8875ae474a3634ba4fd55ec85bffd661f32aca75c6d699d0cdcb6c115891c1",
            ArtifactHash.Compute(HashKind.Sha3, text).ToString());
        Assert.Equal("7707d6ae4e027c70eea2a935c2296f21", Md5Hasher.Compute(text).ToString());
    }

    [Test]
    public void Agrees_with_the_framework_at_every_length()
    {
        var text = new Prng(5).NextBytes(300);
        for (var length = 0; length <= text.Length; length++)
        {
            var content = text.AsSpan(0, length);
            Assert.Equal(ArtifactId.FromHash(SHA1.HashData(content)), ArtifactHash.Compute(HashKind.Sha1, content));
            Assert.Equal(ArtifactId.FromHash(SHA3_256.HashData(content)), ArtifactHash.Compute(HashKind.Sha3, content));
            Assert.Equal(Md5Digest.FromHash(MD5.HashData(content)), Md5Hasher.Compute(content));
        }
    }

    [Test]
    public void Pieces_of_any_size_give_the_same() => Property.Check(prng =>
    {
        var text = prng.NextBytes(prng.NextInt32(2000));
        var sha1 = new ArtifactHasher(HashKind.Sha1);
        var sha3 = new ArtifactHasher(HashKind.Sha3);
        var md5 = new Md5Hasher();
        for (var again = 0; again < 2; again++)
        {
            for (var rest = text.AsSpan(); !rest.IsEmpty;)
            {
                var piece = rest[..Math.Min(rest.Length, prng.NextInt32(300))];
                sha1.Append(piece);
                sha3.Append(piece);
                md5.Append(piece);
                rest = rest[piece.Length..];
            }

            Assert.Equal(ArtifactHash.Compute(HashKind.Sha1, text), sha1.Finish());
            Assert.Equal(ArtifactHash.Compute(HashKind.Sha3, text), sha3.Finish());
            Assert.Equal(Md5Hasher.Compute(text), md5.Finish());
        }
    }, runs: 100);

    [Test]
    [Arguments(HashKind.Sha1)]
    [Arguments(HashKind.Sha3)]
    public void A_batch_gives_what_one_by_one_gives(HashKind kind) => Property.Check(prng =>
    {
        var messages = Draw(prng);
        var ids = new ArtifactId[messages.Length];

        HashBatch.Compute(kind, messages, ids);

        for (var i = 0; i < messages.Length; i++) Assert.Equal(ArtifactHash.Compute(kind, messages[i].Span), ids[i]);
    });

    [Test]
    public void A_batch_of_md5_gives_what_one_by_one_gives() => Property.Check(prng =>
    {
        var messages = Draw(prng);
        var digests = new Md5Digest[messages.Length];

        HashBatch.ComputeMd5(messages, digests);

        for (var i = 0; i < messages.Length; i++) Assert.Equal(Md5Hasher.Compute(messages[i].Span), digests[i]);
    });

    // The width that this machine would not choose is tried too, in software if need be.
    [Test]
    public void Every_width_agrees() => Property.Check(prng =>
    {
        var messages = Draw(prng);

        Check<Sha1Blocks<uint, Word32>, Sha1Blocks<Vector128<uint>, Words32x4>>(messages);
        Check<Sha1Blocks<uint, Word32>, Sha1Blocks<Vector256<uint>, Words32x8>>(messages);
        Check<Md5Blocks<uint, Word32>, Md5Blocks<Vector128<uint>, Words32x4>>(messages);
        Check<Md5Blocks<uint, Word32>, Md5Blocks<Vector256<uint>, Words32x8>>(messages);
        Check<Sha3Blocks<ulong, Word64>, Sha3Blocks<Vector128<ulong>, Words64x2>>(messages);
        Check<Sha3Blocks<ulong, Word64>, Sha3Blocks<Vector256<ulong>, Words64x4>>(messages);
    }, runs: 60);

    private static void Check<TOne, TMany>(ReadOnlyMemory<byte>[] messages)
        where TOne : IBlockHash
        where TMany : IBlockHash
    {
        var expected = new byte[messages.Length * TOne.DigestSize];
        var digests = new byte[expected.Length];

        LaneScheduler<TOne>.Run(messages, expected);
        LaneScheduler<TMany>.Run(messages, digests);

        Assert.Equal(expected, digests);
    }

    private static ReadOnlyMemory<byte>[] Draw(Prng prng)
    {
        var messages = new ReadOnlyMemory<byte>[prng.NextInt32(40)];
        var sizeMax = prng.Pick<int>([2, 70, 300, 5000]);
        foreach (ref var message in messages.AsSpan())
        {
            var start = prng.NextInt32(3);
            message = prng.NextBytes(start + prng.NextInt32(sizeMax)).AsMemory(start);
        }

        return messages;
    }
}
