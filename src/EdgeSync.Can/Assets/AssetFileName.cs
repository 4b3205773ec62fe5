using System.Globalization;
using System.Text;

namespace EdgeSync.Can.Assets;

/// <summary>
/// The name of an asset's file, fixed when the asset is stored:
/// <code>
/// {timestamp, 13 digits}_{hash, 64 digits}[_{tags}].{extension}
/// </code>
/// Only the timestamp and the hash are read back; tags and extension are for people. What users supply becomes letters,
/// digits and dashes, so that a name is never a path.
/// </summary>
public readonly record struct AssetFileName(long TimestampMs, AssetHash Hash)
{
    /// <summary>Of the part with the tags.</summary>
    public const int TagsBytesMax = 100;

    private const int ExtensionLengthMax = 16;
    private const int DigitCount = 13;

    /// <summary>The latest moment that a name can hold.</summary>
    public const long TimestampMax = 9_999_999_999_999;

    /// <summary>Whether a moment can be that of an asset.</summary>
    public static bool IsTimestamp(long timestampMs) => timestampMs is >= 0 and <= TimestampMax;

    /// <param name="timestampMs">Unix milliseconds.</param>
    /// <param name="hash">The identity.</param>
    /// <param name="tags">In stored order.</param>
    /// <param name="humanFileName">Gives the extension; null: the MIME type does.</param>
    /// <param name="mimeType">Gives it otherwise.</param>
    public static string Create(
        long timestampMs, AssetHash hash, IReadOnlyList<string> tags, string? humanFileName, string mimeType)
    {
        ArgumentNullException.ThrowIfNull(tags);
        var name = new StringBuilder(timestampMs.ToString("D13", CultureInfo.InvariantCulture));
        name.Append('_').Append(hash);
        var part = TagsPart(tags);
        if (part.Length > 0) name.Append('_').Append(part);
        return name.Append('.').Append(ExtensionOf(humanFileName) ?? MimeTypes.ExtensionOf(mimeType)).ToString();
    }

    /// <summary>Reads a name; false for the name of anything else.</summary>
    public static bool TryParse(ReadOnlySpan<char> name, out AssetFileName parsed)
    {
        parsed = default;
        const int Begin = DigitCount + 1;
        const int End = Begin + AssetHash.TextLength;
        if (name.Length < End + 2 || name[DigitCount] != '_' || name[End] is not ('_' or '.')) return false;
        if (name[..DigitCount].ContainsAnyExceptInRange('0', '9')) return false;
        if (!AssetHash.TryParse(name[Begin..End], out var hash)) return false;
        if (name[End..].LastIndexOf('.') is var dot && (dot < 0 || dot == name.Length - End - 1)) return false;

        parsed = new AssetFileName(long.Parse(name[..DigitCount], CultureInfo.InvariantCulture), hash);
        return true;
    }

    /// <summary>The extension of a supplied file name, without the dot; null when it has none to use.</summary>
    public static string? ExtensionOf(string? humanFileName)
    {
        if (humanFileName is null) return null;

        var dot = humanFileName.LastIndexOf('.');
        if (dot < 0 || humanFileName.Length - dot - 1 is 0 or > ExtensionLengthMax) return null;

        var extension = humanFileName[(dot + 1)..];
        return extension.All(char.IsAsciiLetterOrDigit) ? extension : null;
    }

    private static string TagsPart(IReadOnlyList<string> tags)
    {
        var part = new StringBuilder();
        foreach (var tag in tags)
        {
            if (part.Length > 0) part.Append('_');
            foreach (var rune in tag.EnumerateRunes())
                part.Append(rune.IsAscii && (char.IsAsciiLetterOrDigit((char)rune.Value) || rune.Value == '-')
                    ? (char)rune.Value : '-');
            if (part.Length >= TagsBytesMax) break;
        }

        return part.ToString(0, Math.Min(part.Length, TagsBytesMax));
    }
}
