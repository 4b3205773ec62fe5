namespace EdgeSync.Primitives;

/// <summary>Computes artifact names: SHA1 or SHA3-256 (FIPS 180-4, FIPS 202).</summary>
// Own code rather than the framework's, which calls OpenSSL on Linux: loading that costs 3 to 7 ms and 5 MB at the
// start of every command, and a machine without it could not even list files. Many texts at once go through HashBatch,
// which is faster than both.
public static class ArtifactHash
{
    [ThreadStatic]
    private static BlockHasher<Sha1Blocks<uint, Word32>>? _sha1;

    [ThreadStatic]
    private static BlockHasher<Sha3Blocks<ulong, Word64>>? _sha3;

    /// <summary>The name of <paramref name="content"/> under <paramref name="kind"/>.</summary>
    public static ArtifactId Compute(HashKind kind, ReadOnlySpan<byte> content)
    {
        Span<byte> hash = stackalloc byte[32];
        switch (kind)
        {
            case HashKind.Sha1:
                _sha1 ??= new BlockHasher<Sha1Blocks<uint, Word32>>();
                _sha1.Append(content);
                _sha1.Finish(hash);
                return ArtifactId.FromHash(hash[..20]);
            case HashKind.Sha3:
                _sha3 ??= new BlockHasher<Sha3Blocks<ulong, Word64>>();
                _sha3.Append(content);
                _sha3.Finish(hash);
                return ArtifactId.FromHash(hash);
            default:
                throw new ArgumentOutOfRangeException(nameof(kind), kind, "Only SHA1 and SHA3-256 name artifacts.");
        }
    }

    /// <summary>True if <paramref name="content"/> is what <paramref name="id"/> names.</summary>
    public static bool Matches(ArtifactId id, ReadOnlySpan<byte> content) =>
        !id.IsEmpty && Compute(id.Kind, content) == id;
}
