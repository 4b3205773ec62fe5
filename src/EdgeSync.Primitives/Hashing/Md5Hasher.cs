namespace EdgeSync.Primitives;

/// <summary>MD5 of bytes that come in pieces. After <see cref="Finish"/> it is ready for the next text.</summary>
public sealed class Md5Hasher
{
    [ThreadStatic]
    private static Md5Hasher? _ofThisThread;

    private readonly BlockHasher<Md5Blocks<uint, Word32>> _hasher = new();

    /// <summary>The digest of one whole text.</summary>
    public static Md5Digest Compute(ReadOnlySpan<byte> content)
    {
        var hasher = _ofThisThread ??= new Md5Hasher();
        hasher.Append(content);
        return hasher.Finish();
    }

    public void Append(ReadOnlySpan<byte> piece) => _hasher.Append(piece);

    /// <summary>The digest of all pieces since the last call.</summary>
    public Md5Digest Finish()
    {
        Span<byte> hash = stackalloc byte[16];
        _hasher.Finish(hash);
        return Md5Digest.FromHash(hash);
    }
}
