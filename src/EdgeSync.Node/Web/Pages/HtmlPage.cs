using System.Runtime.CompilerServices;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Unicode;

namespace EdgeSync.Node.Web.Pages;

/// <summary>
/// HTML under construction. Literal parts are markup, holes are text and always encoded, so that nothing that comes
/// from a repository or a request can become markup: text is added in no other way.
/// </summary>
internal sealed class HtmlPage
{
    // Letters of all scripts stand as they are.
    private static readonly HtmlEncoder Encoder = HtmlEncoder.Create(UnicodeRanges.All);

    private readonly StringBuilder _text = new();

    /// <summary>
    /// Adds markup, with its holes encoded; a hole that is an <see cref="HtmlPage"/> is markup already.
    /// </summary>
    public HtmlPage Add([InterpolatedStringHandlerArgument("")] Markup markup)
    {
        _ = markup;
        return this;
    }

    public override string ToString() => _text.ToString();

    /// <summary>What the compiler makes of an interpolated string that is added.</summary>
    [InterpolatedStringHandler]
    internal readonly ref struct Markup
    {
        private readonly StringBuilder _text;

        public Markup(int literalLength, int formattedCount, HtmlPage page)
        {
            (_text, _) = (page._text, formattedCount);
            _text.EnsureCapacity(_text.Length + literalLength);
        }

        public void AppendLiteral(string markup) => _text.Append(markup);

        public void AppendFormatted(HtmlPage markup) => _text.Append(markup._text);

        public void AppendFormatted(string? text) => Append(text);

        public void AppendFormatted(ReadOnlySpan<char> text) => Append(text);

        public void AppendFormatted(int number) => _text.Append(number);

        public void AppendFormatted(long number) => _text.Append(number);

        // Control characters belong in no document; encoded ones neither.
        private void Append(ReadOnlySpan<char> text)
        {
            var clean = text.ContainsAnyInRange('\0', '\x1f') || text.Contains('\x7f')
                ? string.Create(text.Length, text, static (target, source) =>
                {
                    for (var i = 0; i < source.Length; i++)
                        target[i] = char.IsControl(source[i]) && source[i] is not ('\n' or '\t') ? '\ufffd' : source[i];
                })
                : text.ToString();
            _text.Append(Encoder.Encode(clean));
        }
    }
}
