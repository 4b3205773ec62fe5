using System.Buffers;
using EdgeSync.Primitives;

namespace EdgeSync.Fossil.Artifacts;

/// <summary>
/// A hash inside a card: 40 or 64 hex digits. Stock accepts upper case here (and then never finds the artifact).
/// Differs from Fossil: we read an upper-case name as the lower-case one, which is what its writer meant.
/// </summary>
internal static class HashToken
{
    private static readonly SearchValues<byte> Digits = SearchValues.Create("0123456789abcdefABCDEF"u8);

    public static bool IsHex(ReadOnlySpan<byte> text) => !text.ContainsAnyExcept(Digits);

    public static bool IsHash(ReadOnlySpan<byte> text) => text.Length is 40 or 64 && IsHex(text);

    public static bool TryParse(ReadOnlySpan<byte> text, out ArtifactId id)
    {
        if (ArtifactId.TryParse(text, out id)) return true;
        if (!IsHash(text)) return false;

        Span<byte> lower = stackalloc byte[ArtifactId.HexLengthMax];
        lower = lower[..text.Length];
        for (var i = 0; i < text.Length; i++) lower[i] = text[i] is >= (byte)'A' and <= (byte)'F' ? (byte)(text[i] | 0x20) : text[i];
        return ArtifactId.TryParse(lower, out id);
    }
}
