using System.Text;
using EdgeSync.Fossil.Markup;
using EdgeSync.Tests.Support;

namespace EdgeSync.UnitTests.Fossil.Markup;

/// <summary>Fossil's wiki markup: what becomes which element, and that nothing else becomes one.</summary>
public sealed class WikiMarkupTests
{
    private static readonly string[] Pieces =
        [
            "\n", "\n\n", "  *  ", "  #  ", "\t*\t", "  ", "word", "[", "]", "|", "[Page]", "[a|b]", "<b>", "</b>",
            "<p>", "</p>", "<ul>", "<li>", "</li>", "</ul>", "<table>", "<tr>", "<td>", "</td>", "</tr>", "</table>",
            "<pre>", "</pre>", "<verbatim>", "</verbatim>", "<nowiki>", "</nowiki>", "<a href='x'>", "</a>",
            "<img src=x>", "<hr>", "<h1>", "</h1>", "<blockquote>", "</blockquote>",
            "<script>", "<!--", "-->", "<", ">", "&amp;", "&", "&#60;",
            "<dl>", "<dt>", "<dd>", "<title>", "</title>", "é", "\0", "<div title=\"", "\">",
        ];

    [Test]
    [Arguments("one\ntwo\n\nthree", "<p>one\ntwo\n</p><p>three</p>")]
    [Arguments("  *  one\n  *  two\n\nafter", "<ul><li>one\n</li><li>two\n</li></ul><p>after</p>")]
    [Arguments("  #  one\n  *  two", "<ol><li>one\n</li></ol><ul><li>two</li></ul>")]
    [Arguments("\t*\tone", "<ul><li>one</li></ul>")]
    [Arguments(" * one", "<p>* one</p>")]
    [Arguments("  indented\n\nnot", "<blockquote><p>indented\n</p></blockquote><p>not</p>")]
    [Arguments("a [Page] b", "<p>a [link Page]Page[/link] b</p>")]
    [Arguments("[Page | its <name>]", "<p>[link Page]its &lt;name&gt;[/link]</p>")]
    [Arguments("[not closed\n]", "<p>[not closed\n]</p>")]
    [Arguments("<b>bold</b> <i>it", "<p><b>bold</b> <i>it</i></p>")]
    [Arguments("<b>over</p> here</b>", "<p><b>over</b></p><p>here</p>")]
    [Arguments("<a href=\"http://x/?a=1&amp;b=2\">x</a>", "<p>[link http://x/?a=1&amp;b=2]x[/link]</p>")]
    [Arguments("<script>alert(1)</script>", "<p>&lt;script&gt;alert(1)&lt;/script&gt;</p>")]
    [Arguments("<b onclick=\"x\" style='y' title=t>z</b>", "<p><b title=\"t\">z</b></p>")]
    [Arguments("<td>alone</td>", "<p>alone</p>")]
    [Arguments(
        "<table><tr><td align=center colspan=2>x<tr><th>y</table>",
        "<table><tr><td align=\"center\" colspan=\"2\">x</td></tr><tr><th>y</th></tr></table>")]
    [Arguments("<verbatim>[x] <b>\n  *  y</verbatim>", "<pre>[x] &lt;b&gt;\n  *  y</pre>")]
    [Arguments("in <verbatim><b></verbatim>", "<p>in <code>&lt;b&gt;</code></p>")]
    [Arguments("<nowiki>[x]</nowiki> [y]", "<p>[x] [link y]y[/link]</p>")]
    [Arguments("&lt;b&gt; &amp; &nosuch; & x", "<p>&lt;b&gt; &amp; &amp;nosuch; &amp; x</p>")]
    [Arguments("a<!-- <b> -->b", "<p>ab</p>")]
    [Arguments("<h2>Head</h2>text", "<h2>Head</h2><p>text</p>")]
    [Arguments("<img src=\"/uv/a.png\" alt='A'>", "<p>[image /uv/a.png A]</p>")]
    [Arguments("", "")]
    public void A_text_has_the_elements_of_stock(string text, string expected) =>
        Assert.Equal(expected, Shown(WikiMarkup.Parse(text)));

    [Test]
    public void A_title_is_taken_from_the_text()
    {
        var document = WikiMarkup.Parse("<title>My &amp; page</title>\ntext");

        Assert.Equal("My & page", document.Title);
        Assert.Equal("<p>text</p>", Shown(document));
    }

    [Test]
    [Arguments("<div>")]
    [Arguments("<ul><li>")]
    [Arguments("<b>")]
    [Arguments("<table><tr><td>")]
    [Arguments("  *  x\n")]
    [Arguments("[x]")]
    [Arguments("<!--")]
    [Arguments("[")]
    [Arguments("<")]
    [Arguments("&")]
    public void Repeated_without_end_it_is_bounded(string piece)
    {
        var text = string.Concat(Enumerable.Repeat(piece, 300_000 / piece.Length));

        var document = WikiMarkup.Parse(text);

        Assert.True(DepthOf(document) <= MarkupBuilder.DepthMax);
        Assert.True(document.Events.Count < 250_000);
    }

    [Test]
    public void Whatever_is_read_all_elements_end_in_order()
    {
        Property.Check(
            prng =>
            {
                var text = new StringBuilder();
                for (var i = prng.NextInt32(40); i >= 0; i--) text.Append(Pieces[prng.NextInt32(Pieces.Length)]);

                for (var cut = 0; cut <= text.Length; cut += 1 + (text.Length / 20))
                    RequireBalanced(WikiMarkup.Parse(text.ToString(0, cut)));
            },
            runs: 400);
    }

    private static void RequireBalanced(MarkupDocument document)
    {
        var open = new Stack<MarkupTag>();
        var linkDepth = -1;
        foreach (var part in document.Events)
        {
            switch (part.Kind)
            {
                case MarkupEventKind.Open when part.Tag is not (MarkupTag.Br or MarkupTag.Hr or MarkupTag.Col):
                    open.Push(part.Tag);
                    break;
                case MarkupEventKind.Close:
                    Assert.NotEqual(linkDepth, open.Count);
                    Assert.Equal(part.Tag, open.Pop());
                    break;
                case MarkupEventKind.OpenLink:
                    Assert.Equal(-1, linkDepth);
                    linkDepth = open.Count;
                    break;
                case MarkupEventKind.CloseLink:
                    Assert.Equal(linkDepth, open.Count);
                    linkDepth = -1;
                    break;
                case MarkupEventKind.Text:
                    Assert.NotEmpty(open);
                    break;
            }
        }

        Assert.Empty(open);
        Assert.Equal(-1, linkDepth);
    }

    private static int DepthOf(MarkupDocument document)
    {
        var (depth, max) = (0, 0);
        foreach (var part in document.Events)
        {
            if (part.Kind == MarkupEventKind.Open && part.Tag is not (MarkupTag.Br or MarkupTag.Hr or MarkupTag.Col))
                max = Math.Max(max, ++depth);
            else if (part.Kind == MarkupEventKind.Close) depth--;
        }

        return max;
    }

    private static string Shown(MarkupDocument document)
    {
        var text = new StringBuilder();
        foreach (var part in document.Events)
        {
            var name = part.Tag.ToString().ToLowerInvariant();
            text.Append(part.Kind switch
            {
                MarkupEventKind.Text => System.Net.WebUtility.HtmlEncode(part.Text),
                MarkupEventKind.Open => $"<{name}{string.Concat(
                    part.Attributes.Select(a => $" {a.Key.ToString().ToLowerInvariant()}=\"{a.Value}\""))}>",
                MarkupEventKind.Close => $"</{name}>",
                MarkupEventKind.OpenLink => $"[link {System.Net.WebUtility.HtmlEncode(part.Text)}]",
                MarkupEventKind.CloseLink => "[/link]",
                _ => $"[image {part.Text} {part.Label}]",
            });
        }

        return text.ToString();
    }
}
