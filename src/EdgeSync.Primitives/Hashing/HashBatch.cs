using System.Buffers;
using System.Runtime.Intrinsics;

namespace EdgeSync.Primitives;

/// <summary>
/// Hashes many independent texts at once. A hash is a chain of steps that wait for each other, so one text leaves most
/// of a processor idle; several texts side by side, one in each lane of its vector registers, fill it.
/// <para>
/// MB/s on one core of an AMD EPYC (Zen 4), texts of 150 kB, one at a time → batch with SSE or NEON → batch with AVX2:
/// SHA3-256 400 → 620 → 1270, MD5 690 → 2000 → 4000, SHA1 350 → 1200 → 2900. The published binary serves every x64
/// processor and takes SSE, unless it was published for AVX2.
/// </para>
/// </summary>
public static class HashBatch
{
    /// <summary>Names every message; <paramref name="results"/> is as long as <paramref name="messages"/>.</summary>
    public static void Compute(
        HashKind kind, ReadOnlySpan<ReadOnlyMemory<byte>> messages, Span<ArtifactId> results)
    {
        Invariant.Require(messages.Length == results.Length);
        if (messages.Length < 2 || !Vector128.IsHardwareAccelerated)
        {
            for (var i = 0; i < messages.Length; i++) results[i] = ArtifactHash.Compute(kind, messages[i].Span);
            return;
        }

        var size = (int)kind;
        var rented = ArrayPool<byte>.Shared.Rent(messages.Length * size);
        if (kind == HashKind.Sha1) RunSha1(messages, rented);
        else if (kind == HashKind.Sha3) RunSha3(messages, rented);
        else throw new ArgumentOutOfRangeException(nameof(kind), kind, "Only SHA1 and SHA3-256 name artifacts.");

        for (var i = 0; i < results.Length; i++) results[i] = ArtifactId.FromHash(rented.AsSpan(i * size, size));
        ArrayPool<byte>.Shared.Return(rented);
    }

    /// <summary>
    /// The MD5 of every message; <paramref name="results"/> is as long as <paramref name="messages"/>.
    /// </summary>
    public static void ComputeMd5(ReadOnlySpan<ReadOnlyMemory<byte>> messages, Span<Md5Digest> results)
    {
        Invariant.Require(messages.Length == results.Length);
        if (messages.Length < 2 || !Vector128.IsHardwareAccelerated)
        {
            for (var i = 0; i < messages.Length; i++) results[i] = Md5Hasher.Compute(messages[i].Span);
            return;
        }

        var rented = ArrayPool<byte>.Shared.Rent(messages.Length * 16);
        if (Vector256.IsHardwareAccelerated && messages.Length > Words32x4.Count)
            LaneScheduler<Md5Blocks<Vector256<uint>, Words32x8>>.Run(messages, rented);
        else LaneScheduler<Md5Blocks<Vector128<uint>, Words32x4>>.Run(messages, rented);

        for (var i = 0; i < results.Length; i++) results[i] = Md5Digest.FromHash(rented.AsSpan(i * 16, 16));
        ArrayPool<byte>.Shared.Return(rented);
    }

    private static void RunSha1(ReadOnlySpan<ReadOnlyMemory<byte>> messages, Span<byte> digests)
    {
        if (Vector256.IsHardwareAccelerated && messages.Length > Words32x4.Count)
            LaneScheduler<Sha1Blocks<Vector256<uint>, Words32x8>>.Run(messages, digests);
        else LaneScheduler<Sha1Blocks<Vector128<uint>, Words32x4>>.Run(messages, digests);
    }

    private static void RunSha3(ReadOnlySpan<ReadOnlyMemory<byte>> messages, Span<byte> digests)
    {
        if (Vector256.IsHardwareAccelerated && messages.Length > Words64x2.Count)
            LaneScheduler<Sha3Blocks<Vector256<ulong>, Words64x4>>.Run(messages, digests);
        else LaneScheduler<Sha3Blocks<Vector128<ulong>, Words64x2>>.Run(messages, digests);
    }
}
