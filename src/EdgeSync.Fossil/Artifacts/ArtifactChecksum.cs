using EdgeSync.Primitives;

namespace EdgeSync.Fossil.Artifacts;

/// <summary>
/// The MD5 of Z and R cards, as 32 lower-case hex digits. It detects accidents, not attacks.
/// </summary>
public static class ArtifactChecksum
{
    public const int HexLength = 32;

    public static void WriteHex(ReadOnlySpan<byte> text, Span<byte> target) => Md5Hasher.Compute(text).WriteHex(target);

    public static bool Matches(ReadOnlySpan<byte> text, ReadOnlySpan<byte> hex)
    {
        Span<byte> expected = stackalloc byte[HexLength];
        WriteHex(text, expected);
        return hex.SequenceEqual(expected);
    }
}
