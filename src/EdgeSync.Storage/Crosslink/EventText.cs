using System.Text;

namespace EdgeSync.Storage.Crosslink;

/// <summary>
/// Builds the sentences of the timeline. They hold bytes that need not be UTF-8, so they are built of Latin-1
/// characters, one a byte, and written back the same way.
/// </summary>
internal sealed class EventText(LinkSettings settings)
{
    private readonly StringBuilder _text = new();

    public int Length => _text.Length;

    public static string FromBytes(ReadOnlySpan<byte> text) => Encoding.Latin1.GetString(text);

    public EventText Add(string text)
    {
        _text.Append(text);
        return this;
    }

    public EventText Add(int number)
    {
        _text.Append(System.Globalization.CultureInfo.InvariantCulture, $"{number}");
        return this;
    }

    /// <summary>Text made safe for HTML, cut at a NUL.</summary>
    public EventText AddHtml(ReadOnlySpan<byte> text)
    {
        foreach (var c in text)
        {
            if (c == 0) break;
            _ = c switch
            {
                (byte)'<' => _text.Append("&lt;"),
                (byte)'>' => _text.Append("&gt;"),
                (byte)'&' => _text.Append("&amp;"),
                (byte)'"' => _text.Append("&quot;"),
                (byte)'\'' => _text.Append("&#39;"),
                _ => _text.Append((char)c),
            };
        }

        return this;
    }

    /// <summary>A hash, at display length.</summary>
    public EventText AddHash(string hash) => Add(Cut(hash, settings.HashDigits));

    /// <summary>A hash, at the length used in links.</summary>
    public EventText AddUrlHash(string hash) => Add(Cut(hash, settings.UrlHashDigits));

    /// <summary><c>[LONG|SHORT]</c>: a link to an artifact.</summary>
    public EventText AddLink(string hash) => Add("[").AddUrlHash(hash).Add("|").AddHash(hash).Add("]");

    public override string ToString() => _text.ToString();

    private static string Cut(string text, int length) => text.Length <= length ? text : text[..length];
}
