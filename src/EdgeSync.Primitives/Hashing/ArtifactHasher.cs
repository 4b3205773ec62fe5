using System.Security.Cryptography;

namespace EdgeSync.Primitives;

/// <summary>Names bytes that come in pieces. After <see cref="Finish"/> it is ready for the next text.</summary>
public sealed class ArtifactHasher(HashKind kind) : IDisposable
{
    private readonly IncrementalHash _hash =
        IncrementalHash.CreateHash(kind == HashKind.Sha1 ? HashAlgorithmName.SHA1 : HashAlgorithmName.SHA3_256);

    public HashKind Kind => kind;

    public void Append(ReadOnlySpan<byte> piece) => _hash.AppendData(piece);

    /// <summary>The name of all pieces since the last call.</summary>
    public ArtifactId Finish()
    {
        Span<byte> hash = stackalloc byte[32];
        return ArtifactId.FromHash(hash[.._hash.GetHashAndReset(hash)]);
    }

    /// <inheritdoc/>
    public void Dispose() => _hash.Dispose();
}
