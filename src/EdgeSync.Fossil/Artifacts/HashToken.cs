using System.Buffers;
using System.Runtime.Intrinsics;
using EdgeSync.Primitives;

namespace EdgeSync.Fossil.Artifacts;

/// <summary>
/// A hash inside a card: 40 or 64 hex digits. Stock accepts upper case here (and then never finds the artifact).
/// Differs from Fossil: we read an upper-case name as the lower-case one, which is what the user meant.
/// </summary>
internal static class HashToken
{
    private static readonly SearchValues<byte> Digits = SearchValues.Create("0123456789abcdefABCDEF"u8);

    public static bool IsHex(ReadOnlySpan<byte> text) => !text.ContainsAnyExcept(Digits);

    public static bool IsHash(ReadOnlySpan<byte> text) => text.Length is 40 or 64 && AreHashDigits(text);

    /// <summary>Such a name means the same artifact, but differs where stock compares texts.</summary>
    public static bool HasUpperCase(ReadOnlySpan<byte> text) => text.ContainsAnyInRange((byte)'A', (byte)'F');

    /// <summary>Hex digits, 16 at a time. A manifest is mostly this. Needs 16 bytes or more.</summary>
    private static bool AreHashDigits(ReadOnlySpan<byte> text)
    {
        var bad = Vector128<byte>.Zero;
        for (var i = 0; i <= text.Length - 16; i += 16) bad |= NonDigits(Vector128.Create(text.Slice(i, 16)));
        bad |= NonDigits(Vector128.Create(text[^16..]));
        return bad == Vector128<byte>.Zero;
    }

    private static Vector128<byte> NonDigits(Vector128<byte> text)
    {
        var isNoDigit = Vector128.GreaterThan(text - Vector128.Create((byte)'0'), Vector128.Create((byte)9));
        var isNoLetter = Vector128.GreaterThan(
            (text | Vector128.Create((byte)0x20)) - Vector128.Create((byte)'a'), Vector128.Create((byte)5));
        return isNoDigit & isNoLetter;
    }

    /// <summary>
    /// The length of a hash at the front of <paramref name="text"/> with a space or newline after it: 64,
    /// 40, or 0 for anything else.
    /// </summary>
    public static int LengthAtFront(ReadOnlySpan<byte> text)
    {
        if (text.Length > 64 && text[64] is (byte)'\n' or (byte)' ' && AreHashDigits(text[..64])) return 64;
        if (text.Length > 40 && text[40] is (byte)'\n' or (byte)' ' && AreHashDigits(text[..40])) return 40;
        return 0;
    }

    public static bool TryParse(ReadOnlySpan<byte> text, out ArtifactId id)
    {
        if (ArtifactId.TryParse(text, out id)) return true;
        if (!IsHash(text)) return false;

        Span<byte> lower = stackalloc byte[ArtifactId.HexLengthMax];
        lower = lower[..text.Length];
        for (var i = 0; i < text.Length; i++)
            lower[i] = text[i] is >= (byte)'A' and <= (byte)'F' ? (byte)(text[i] | 0x20) : text[i];
        return ArtifactId.TryParse(lower, out id);
    }
}
