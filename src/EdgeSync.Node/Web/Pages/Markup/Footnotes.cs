using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using EdgeSync.Fossil.Markup;
using Markdig.Extensions.Footnotes;

namespace EdgeSync.Node.Web.Pages.Markup;

/// <summary>
/// The footnotes of a text, numbered as they are first referred to: <c>[^label]</c> with its definition, and
/// <c>(^the note itself)</c>. A reference leads to the note in the list at the end, and back.
/// </summary>
// Spec: footnotes in markdown.c of stock.
internal sealed class Footnotes
{
    private const int NotesMax = 1000;

    // Several texts of a page have notes of their own.
    private readonly string _prefix;
    private readonly List<(Footnote? Note, string Text)> _notes = [];
    private readonly Dictionary<Footnote, int> _numbers = [];

    public Footnotes(string text) =>
        _prefix = "fn" + Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text)).AsSpan(0, 4));

    /// <summary>A note that is written where it is referred to; false: there are too many, it stays text.</summary>
    public bool TryAdd(MarkupBuilder builder, string text)
    {
        if (_notes.Count >= NotesMax) return false;

        _notes.Add((null, text));
        Refer(builder, _notes.Count, isFirst: true);
        return true;
    }

    /// <summary>A reference to a note that is defined elsewhere.</summary>
    public bool TryAdd(MarkupBuilder builder, Footnote note)
    {
        var isFirst = !_numbers.TryGetValue(note, out var number);
        if (isFirst)
        {
            if (_notes.Count >= NotesMax) return false;

            _notes.Add((note, ""));
            _numbers[note] = number = _notes.Count;
        }

        Refer(builder, number, isFirst);
        return true;
    }

    /// <summary>The list of all notes, also of those that only notes refer to.</summary>
    /// <param name="content">Writes a note that is defined.</param>
    public void Write(MarkupBuilder builder, Action<Footnote> content)
    {
        if (_notes.Count == 0) return;

        builder.CloseAll();
        builder.Open(MarkupTag.Hr);
        if (!builder.Open(MarkupTag.Ol)) return;

        for (var i = 0; i < _notes.Count; i++)
        {
            if (!builder.Open(MarkupTag.Li, Id("", i + 1))) break;

            if (_notes[i].Note is { } note) content(note);
            else builder.Text(_notes[i].Text);
            builder.Text(" ");
            builder.OpenLink($"#{Id("r", i + 1)[0].Value}");
            builder.Text("↩");
            builder.CloseLink();
            builder.Close(MarkupTag.Li);
        }

        builder.Close(MarkupTag.Ol);
    }

    private void Refer(MarkupBuilder builder, int number, bool isFirst)
    {
        if (!builder.Open(MarkupTag.Sup, isFirst ? Id("r", number) : [])) return;

        builder.OpenLink($"#{Id("", number)[0].Value}");
        builder.Text(number.ToString(CultureInfo.InvariantCulture));
        builder.CloseLink();
        builder.Close(MarkupTag.Sup);
    }

    private KeyValuePair<MarkupAttribute, string>[] Id(string kind, int number) =>
        [new(MarkupAttribute.Id, string.Create(CultureInfo.InvariantCulture, $"{_prefix}-{kind}{number}"))];
}
