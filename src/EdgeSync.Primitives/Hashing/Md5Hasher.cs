using System.Security.Cryptography;

namespace EdgeSync.Primitives;

/// <summary>MD5 of bytes that come in pieces. After <see cref="Finish"/> it is ready for the next text.</summary>
public sealed class Md5Hasher : IDisposable
{
    private readonly IncrementalHash _hash = IncrementalHash.CreateHash(HashAlgorithmName.MD5);

    /// <summary>The digest of one whole text.</summary>
    public static Md5Digest Compute(ReadOnlySpan<byte> content)
    {
        Span<byte> hash = stackalloc byte[16];
        MD5.HashData(content, hash);
        return Md5Digest.FromHash(hash);
    }

    public void Append(ReadOnlySpan<byte> piece) => _hash.AppendData(piece);

    /// <summary>The digest of all pieces since the last call.</summary>
    public Md5Digest Finish()
    {
        Span<byte> hash = stackalloc byte[16];
        _hash.GetHashAndReset(hash);
        return Md5Digest.FromHash(hash);
    }

    /// <inheritdoc/>
    public void Dispose() => _hash.Dispose();
}
