namespace EdgeSync.Primitives;

/// <summary>Computes the artifact name of bytes that arrive in pieces. After <see cref="Finish"/> it is ready for the
/// next text.</summary>
public sealed class ArtifactHasher
{
    private readonly BlockHasher<Sha1Blocks<uint, Word32>>? _sha1;
    private readonly BlockHasher<Sha3Blocks<ulong, Word64>>? _sha3;

    /// <exception cref="ArgumentOutOfRangeException">Neither SHA1 nor SHA3-256.</exception>
    public ArtifactHasher(HashKind kind)
    {
        Kind = kind;
        if (kind == HashKind.Sha1) _sha1 = new BlockHasher<Sha1Blocks<uint, Word32>>();
        else if (kind == HashKind.Sha3) _sha3 = new BlockHasher<Sha3Blocks<ulong, Word64>>();
        else throw new ArgumentOutOfRangeException(nameof(kind), kind, "Only SHA1 and SHA3-256 name artifacts.");
    }

    public HashKind Kind { get; }

    public void Append(ReadOnlySpan<byte> piece)
    {
        _sha1?.Append(piece);
        _sha3?.Append(piece);
    }

    /// <summary>The name of all pieces since the last call.</summary>
    public ArtifactId Finish()
    {
        Span<byte> hash = stackalloc byte[32];
        _sha1?.Finish(hash);
        _sha3?.Finish(hash);
        return ArtifactId.FromHash(hash[..(int)Kind]);
    }
}
