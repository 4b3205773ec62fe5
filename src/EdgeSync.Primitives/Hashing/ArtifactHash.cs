using System.Security.Cryptography;

namespace EdgeSync.Primitives;

/// <summary>Names bytes: SHA1 or SHA3-256 (FIPS 180-4, FIPS 202).</summary>
public static class ArtifactHash
{
    /// <summary>The name of <paramref name="content"/> under <paramref name="kind"/>.</summary>
    public static ArtifactId Compute(HashKind kind, ReadOnlySpan<byte> content)
    {
        Span<byte> hash = stackalloc byte[32];
        var size = kind switch
        {
            HashKind.Sha1 => SHA1.HashData(content, hash),
            HashKind.Sha3 => SHA3_256.HashData(content, hash),
            _ => throw new ArgumentOutOfRangeException(nameof(kind), kind, "Only SHA1 and SHA3-256 name artifacts."),
        };
        return ArtifactId.FromHash(hash[..size]);
    }

    /// <summary>True if <paramref name="content"/> is what <paramref name="id"/> names.</summary>
    public static bool Matches(ArtifactId id, ReadOnlySpan<byte> content) =>
        !id.IsEmpty && Compute(id.Kind, content) == id;
}
