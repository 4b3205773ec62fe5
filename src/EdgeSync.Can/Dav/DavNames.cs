using System.Buffers;
using System.Globalization;
using System.Text;
using EdgeSync.Can.Assets;

namespace EdgeSync.Can.Dav;

/// <summary>
/// Names of the tree. What cannot be in a segment of a path is written as a similar character, and what looks like that
/// already gets a quote in front, so that each name has one form and is read back exactly:
/// <code>
/// /  ／    \  ＼    control characters  ␀ ␁ … ␡    . and .. alone  ．  ．．
/// ‛ in front of one of these
/// </code>
/// In a folder, assets with the same name differ by their hash: <c>photo~1a2b3c4d.jpg</c>. The one that came first
/// has the plain name.
/// </summary>
public static class DavNames
{
    /// <summary>Bytes of a name that file systems take.</summary>
    public const int BytesMax = 240;

    private const char Quote = '\u201b', Slash = '\uff0f', Backslash = '\uff3c', Dot = '\uff0e';
    private const char ControlBase = '\u2400', Delete = '\u2421';
    private const int HashDigits = 8;

    private static readonly SearchValues<char> Digits = SearchValues.Create("0123456789abcdef");

    /// <summary>The segment that stands for a name.</summary>
    public static string Encode(string name)
    {
        ArgumentNullException.ThrowIfNull(name);
        if (name is "." or "..") return new string(Dot, name.Length);

        var text = new StringBuilder(name.Length);
        var isDots = IsDots(name);
        foreach (var c in name)
        {
            if (IsReplacement(c) || (isDots && c == Dot)) text.Append(Quote).Append(c);
            else text.Append(c switch
            {
                '/' => Slash,
                '\\' => Backslash,
                < ' ' => (char)(ControlBase + c),
                '\x7f' => Delete,
                _ => c,
            });
        }

        return text.ToString();
    }

    /// <summary>The name that a segment stands for.</summary>
    public static string Decode(string segment)
    {
        ArgumentNullException.ThrowIfNull(segment);
        if (IsDots(segment)) return new string('.', segment.Length);

        var text = new StringBuilder(segment.Length);
        for (var i = 0; i < segment.Length; i++)
        {
            var c = segment[i];
            if (c == Quote && i + 1 < segment.Length && (IsReplacement(segment[i + 1]) || segment[i + 1] == Dot))
                text.Append(segment[++i]);
            else text.Append(c switch
            {
                Slash => '/',
                Backslash => '\\',
                >= ControlBase and < (char)(ControlBase + ' ') => (char)(c - ControlBase),
                Delete => '\x7f',
                _ => c,
            });
        }

        return text.ToString();
    }

    /// <summary>The plain name of an asset in a folder; null: it has none to use, and its file's name stands.</summary>
    public static string? PlainOf(Asset asset)
    {
        ArgumentNullException.ThrowIfNull(asset);
        if (asset.Details.HumanFileName is not { Length: > 0 } name) return null;

        var segment = Encode(name);
        return Encoding.UTF8.GetByteCount(segment) > BytesMax ? null : segment;
    }

    /// <summary>The name of an asset in a folder.</summary>
    /// <param name="asset">In it.</param>
    /// <param name="hasEarlier">Another one of its name came before.</param>
    public static string Of(Asset asset, bool hasEarlier)
    {
        ArgumentNullException.ThrowIfNull(asset);
        if (PlainOf(asset) is not { } plain) return asset.FileName;

        // A plain name that looks like the name of another asset could be mistaken for it.
        var isDoubtful = TryParseSuffix(plain, out _) || AssetFileName.TryParse(plain, out _);
        return hasEarlier || isDoubtful ? WithSuffix(plain, asset.Hash) : plain;
    }

    /// <summary>The digits of the hash in a name with a suffix.</summary>
    public static bool TryParseSuffix(string segment, out string hashPrefix)
    {
        ArgumentNullException.ThrowIfNull(segment);
        hashPrefix = "";
        var end = EndOfStem(segment);
        var tilde = end - HashDigits - 1;
        if (tilde < 0 || segment[tilde] != '~'
            || segment.AsSpan(tilde + 1, HashDigits).ContainsAnyExcept(Digits)) return false;

        hashPrefix = segment.Substring(tilde + 1, HashDigits);
        return true;
    }

    /// <summary>A name with the beginning of the hash, before its extension.</summary>
    public static string WithSuffix(string segment, AssetHash hash)
    {
        ArgumentNullException.ThrowIfNull(segment);
        var end = EndOfStem(segment);
        return string.Create(
            CultureInfo.InvariantCulture, $"{segment.AsSpan(0, end)}~{hash.ToString().AsSpan(0, HashDigits)}")
            + segment[end..];
    }

    private static int EndOfStem(string segment) =>
        segment.LastIndexOf('.') is > 0 and var dot ? dot : segment.Length;

    private static bool IsDots(string text) => text is [Dot] or [Dot, Dot];

    private static bool IsReplacement(char c) =>
        c is Quote or Slash or Backslash or Delete or (>= ControlBase and < (char)(ControlBase + ' '));
}
