using System.Globalization;
using System.Text.RegularExpressions;
using EdgeSync.Fossil.Markup;
using Markdig;
using Markdig.Extensions.EmphasisExtras;
using Markdig.Extensions.Footnotes;
using Markdig.Extensions.Tables;
using Markdig.Syntax;
using Markdig.Syntax.Inlines;

namespace EdgeSync.Node.Web.Pages.Markup;

/// <summary>
/// Reads Markdown as Fossil has it, by Markdig's parser: its syntax tree becomes a <see cref="MarkupDocument"/>. HTML
/// in it is text, and brackets that are no link of Markdown are links of Fossil (<see cref="WikiMarkup.TryLink"/>).
/// </summary>
internal sealed partial class MarkdownReader
{
    /// <summary>Characters that are read at most.</summary>
    public const int LengthMax = 256 * 1024;

    // The time for unfinished links grows with their number and the length: up to here it is below a second.
    private const long LinkWorkMax = 300_000_000;

    // Each is looked for in the whole text.
    private const int SpansMax = 200;

    // The end of a note is looked for so far.
    private const int NoteLengthMax = 2000;

    // A row is filled up to the longest one.
    private const int CellsMax = 20_000;

    private static readonly MarkdownPipeline Plain = new MarkdownPipelineBuilder().DisableHtml()
        .UseEmphasisExtras(EmphasisExtraOptions.Strikethrough).UseFootnotes().Build();

    private static readonly MarkdownPipeline WithTables = new MarkdownPipelineBuilder().DisableHtml()
        .UseEmphasisExtras(EmphasisExtraOptions.Strikethrough).UseFootnotes().UsePipeTables().Build();

    private readonly MarkupBuilder _builder = new();
    private readonly Footnotes _notes;

    private MarkdownReader(string text) => _notes = new Footnotes(text);

    /// <summary>The text as a document; null for one that is too long or too deep.</summary>
    public static MarkupDocument? Parse(string text)
    {
        if (text.Length > LengthMax || (long)text.AsSpan().Count('[') * text.Length > LinkWorkMax) return null;

        try
        {
            var document = Markdown.Parse(WithoutSpans(text), MayHaveTables(text) ? WithTables : Plain);
            var reader = new MarkdownReader(text);
            reader.Blocks(document, 0);
            reader._notes.Write(reader._builder, note => reader.Note(note));
            return reader._builder.Finish();
        }
        catch (ArgumentException)
        {
            // The parser's own limit of depth.
            return null;
        }
    }

    // [text][^label] is a reference behind a text; the parser would drop the text.
    private static string WithoutSpans(string text) => !text.Contains("][^", StringComparison.Ordinal) ? text
        : Span().Replace(
            text, m => text.Contains($"[^{m.Groups[2].Value}]:", StringComparison.Ordinal)
                ? $"{m.Groups[1].Value}[^{m.Groups[2].Value}]" : m.Value, SpansMax);

    [GeneratedRegex(@"\[([^\[\]\n]{1,500})\]\[\^([^\[\]\s]{1,100})\]", RegexOptions.CultureInvariant)]
    private static partial Regex Span();

    private static bool MayHaveTables(string text)
    {
        var (rows, columnsMax) = (0, 0);
        foreach (var line in text.AsSpan().EnumerateLines())
        {
            var columns = line.Count('|');
            if (columns == 0) continue;

            rows++;
            columnsMax = Math.Max(columnsMax, columns + 1);
        }

        return rows > 0 && (long)rows * columnsMax <= CellsMax;
    }

    private void Blocks(ContainerBlock blocks, int depth)
    {
        if (depth > MarkupBuilder.DepthMax) return;

        foreach (var block in blocks) Block(block, depth + 1);
    }

    private void Block(Block block, int depth)
    {
        switch (block)
        {
            case HeadingBlock heading:
                var tag = MarkupTag.H1 + Math.Clamp(heading.Level, 1, 6) - 1;
                // A page of Fossil takes its title from the first heading.
                if (heading.Level == 1 && _builder.Title is null && heading.Inline is { } title && IsFirst(heading))
                    _builder.Title = TextOf(title, 0);
                else In(tag, () => Inlines(heading.Inline, depth));
                break;
            case ParagraphBlock paragraph:
                if (paragraph.Parent is ListItemBlock { Parent: ListBlock { IsLoose: false } })
                    Inlines(paragraph.Inline, depth);
                else In(MarkupTag.P, () => Inlines(paragraph.Inline, depth));
                break;
            case QuoteBlock quote:
                In(MarkupTag.Blockquote, () => Blocks(quote, depth));
                break;
            case ListBlock list:
                In(list.IsOrdered ? MarkupTag.Ol : MarkupTag.Ul, () => Blocks(list, depth), StartOf(list));
                break;
            case ListItemBlock item:
                In(MarkupTag.Li, () => Blocks(item, depth));
                break;
            case CodeBlock code:
                In(MarkupTag.Pre, () => _builder.Text(code.Lines.ToString()));
                break;
            case ThematicBreakBlock:
                _builder.Open(MarkupTag.Hr);
                break;
            case Table table:
                In(MarkupTag.Table, () => Rows(table, depth));
                break;
            case LinkReferenceDefinitionGroup or LinkReferenceDefinition or FootnoteGroup or Footnote:
                break;
            case LeafBlock leaf:
                In(MarkupTag.P, () => Inlines(leaf.Inline, depth));
                break;
            case ContainerBlock container:
                Blocks(container, depth);
                break;
        }
    }

    private void Rows(Table table, int depth)
    {
        foreach (var row in table.OfType<TableRow>())
        {
            In(MarkupTag.Tr, () =>
            {
                var column = 0;
                foreach (var cell in row.OfType<TableCell>())
                {
                    In(
                        row.IsHeader ? MarkupTag.Th : MarkupTag.Td, () => Cell(cell, depth + 1),
                        AlignOf(table, column++));
                }
            });
        }
    }

    private void Cell(TableCell cell, int depth)
    {
        if (cell is [ParagraphBlock only]) Inlines(only.Inline, depth);
        else Blocks(cell, depth);
    }

    private void Note(Footnote note)
    {
        if (note is [ParagraphBlock only]) Inlines(only.Inline, 1);
        else Blocks(note, 1);
    }

    private static KeyValuePair<MarkupAttribute, string>[] AlignOf(Table table, int column)
    {
        if (column >= table.ColumnDefinitions.Count) return [];

        var align = table.ColumnDefinitions[column].Alignment switch
        {
            TableColumnAlign.Left => "left",
            TableColumnAlign.Center => "center",
            TableColumnAlign.Right => "right",
            _ => null,
        };
        return align is null ? [] : [new(MarkupAttribute.Align, align)];
    }

    private static KeyValuePair<MarkupAttribute, string>[] StartOf(ListBlock list) =>
        list.IsOrdered && int.TryParse(
            list.OrderedStart, NumberStyles.None, CultureInfo.InvariantCulture, out var start)
            && start is > 1 and < 1_000_000
            ? [new(MarkupAttribute.Start, start.ToString(CultureInfo.InvariantCulture))] : [];

    private static bool IsFirst(Block block) => block.Parent is MarkdownDocument document && document[0] == block;

    private void Inlines(ContainerInline? inlines, int depth)
    {
        if (inlines is null || depth > MarkupBuilder.DepthMax) return;

        for (var inline = inlines.FirstChild; inline is not null; inline = inline.NextSibling)
        {
            if (inline is LiteralInline literal) inline = Literals(literal);
            else Inline(inline, depth + 1);
        }
    }

    // Brackets that the parser has tried as links stand in several literals.
    private LiteralInline Literals(LiteralInline first)
    {
        var text = first.Content.ToString();
        var last = first;
        if (first.NextSibling is LiteralInline)
        {
            var joined = new System.Text.StringBuilder(text);
            while (last.NextSibling is LiteralInline next)
            {
                joined.Append(next.Content.AsSpan());
                last = next;
            }

            text = joined.ToString();
        }

        for (var rest = text.AsSpan(); !rest.IsEmpty;)
        {
            var bracket = rest.IndexOfAny('[', '(');
            if (bracket < 0)
            {
                _builder.Text(rest);
                break;
            }

            _builder.Text(rest[..bracket]);
            rest = rest[bracket..];
            if (TryNote(rest, out var noted))
            {
                rest = rest[noted..];
            }
            else if (rest[0] == '[' && WikiMarkup.TryLink(rest, out var target, out var label, out var length))
            {
                _builder.OpenLink(target.ToString(), isBracket: true);
                _builder.Text(label);
                _builder.CloseLink();
                rest = rest[length..];
            }
            else
            {
                _builder.Text(rest[..1]);
                rest = rest[1..];
            }
        }

        return last;
    }

    // (^note), or [text](^note) with blanks, which Markdown does not take for a link.
    private bool TryNote(ReadOnlySpan<char> text, out int length)
    {
        length = 0;
        var from = 0;
        if (text[0] == '[')
        {
            from = text[..Math.Min(text.Length, NoteLengthMax)].IndexOf(']') + 1;
            if (from == 0) return false;
        }

        if (!text[from..].StartsWith("(^")) return false;

        var depth = 0;
        for (var i = from; i < Math.Min(text.Length, from + NoteLengthMax); i++)
        {
            depth += text[i] switch { '(' => 1, ')' => -1, _ => 0 };
            if (depth > 0) continue;

            var note = text[(from + 2)..i].Trim();
            if (note.IsEmpty) return false;

            if (from > 0) _builder.Text(text[1..(from - 1)]);
            if (!_notes.TryAdd(_builder, note.ToString())) _builder.Text(text[from..(i + 1)]);
            length = i + 1;
            return true;
        }

        return false;
    }

    private void Inline(Inline inline, int depth)
    {
        switch (inline)
        {
            case CodeInline code:
                In(MarkupTag.Code, () => _builder.Text(code.Content));
                break;
            case EmphasisInline emphasis:
                var tag = emphasis.DelimiterChar == '~' ? MarkupTag.Del
                    : emphasis.DelimiterCount >= 2 ? MarkupTag.Strong : MarkupTag.Em;
                In(tag, () => Inlines(emphasis, depth));
                break;
            case LinkInline { IsImage: true } image:
                _builder.Image(image.Url ?? "", TextOf(image, 0));
                break;
            case FootnoteLink { IsBackLink: true }:
                break;
            case FootnoteLink reference:
                if (!_notes.TryAdd(_builder, reference.Footnote)) _builder.Text("[^]");
                break;
            case LinkInline { Url: ['^', _, ..] note } link:
                Inlines(link, depth);
                if (!_notes.TryAdd(_builder, note[1..])) _builder.Text($"(^{note[1..]})");
                break;
            case LinkInline link:
                _builder.OpenLink(link.Url ?? "");
                Inlines(link, depth);
                _builder.CloseLink();
                break;
            case AutolinkInline auto:
                _builder.OpenLink(auto.IsEmail ? "mailto:" + auto.Url : auto.Url);
                _builder.Text(auto.Url);
                _builder.CloseLink();
                break;
            case LineBreakInline { IsHard: true }:
                _builder.Open(MarkupTag.Br);
                break;
            case LineBreakInline:
                _builder.Text("\n");
                break;
            case HtmlEntityInline entity:
                _builder.Text(entity.Transcoded.AsSpan());
                break;
            case DelimiterInline delimiter:
                _builder.Text(delimiter.ToLiteral());
                Inlines(delimiter, depth);
                break;
            case ContainerInline container:
                Inlines(container, depth);
                break;
        }
    }

    private static string TextOf(ContainerInline inlines, int depth)
    {
        if (depth > MarkupBuilder.DepthMax) return "";

        var text = new System.Text.StringBuilder();
        foreach (var inline in inlines)
        {
            switch (inline)
            {
                case LiteralInline literal: text.Append(literal.Content.AsSpan()); break;
                case CodeInline code: text.Append(code.Content); break;
                case HtmlEntityInline entity: text.Append(entity.Transcoded.AsSpan()); break;
                case LineBreakInline: text.Append(' '); break;
                case ContainerInline container: text.Append(TextOf(container, depth + 1)); break;
            }
        }

        return text.ToString();
    }

    private void In(
        MarkupTag tag, Action content, params IReadOnlyList<KeyValuePair<MarkupAttribute, string>> attributes)
    {
        var isOpen = _builder.Open(tag, attributes);
        content();
        if (isOpen) _builder.Close(tag);
    }
}
