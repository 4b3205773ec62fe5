using EdgeSync.Fossil.Markup;
using EdgeSync.Node.Web.Pages.Markup;

namespace EdgeSync.IntegrationTests.Net.Pages;

/// <summary>Markdown of pages: which elements it has, and that its length and depth are bounded.</summary>
public sealed class MarkdownReaderTests
{
    [Test]
    [Arguments("a *b* **c** `d` ~~e~~", "P Em Strong Code Del")]
    [Arguments("text\n\n# H\n\n## I", "P H1 H2")]
    [Arguments("- a\n- b\n\n1. c", "Ul Li Li Ol Li")]
    [Arguments("> q\n\n---\n\n    code", "Blockquote P Hr Pre")]
    [Arguments("|a|b|\n|-|:-:|\n|c|d|", "Table Tr Th Th Tr Td Td")]
    [Arguments("<b>x</b> <script>y</script>", "P")]
    public void A_text_has_its_elements(string text, string tags) => Assert.Equal(tags, string.Join(
        ' ', MarkdownReader.Parse(text)!.Events.Where(e => e.Kind == MarkupEventKind.Open).Select(e => e.Tag)));

    [Test]
    [Arguments("[label](/path)", "/path", false)]
    [Arguments("see [Page]", "Page", true)]
    [Arguments("see [0123abcd]", "0123abcd", true)]
    [Arguments("<https://x.example>", "https://x.example", false)]
    [Arguments("[a][b]\n\n[b]: /c", "/c", false)]
    public void Links_are_those_of_Markdown_and_of_Fossil(string text, string target, bool isBracket)
    {
        var link = MarkdownReader.Parse(text)!.Events.Single(e => e.Kind == MarkupEventKind.OpenLink);

        Assert.Equal((target, isBracket), (link.Text, link.IsBracket));
    }

    /// <summary>As stock's: by a label, or with the note in its place; numbered as they come.</summary>
    [Test]
    [Arguments("a[^1] b[^x] c[^1]\n\n[^x]: two\n[^1]: one", "a1 b2 c1", "one ↩", "two ↩")]
    [Arguments("a(^one) b(^two (and more))", "a1 b2", "one ↩", "two (and more) ↩")]
    [Arguments("see [this](^one) and [that](^two words)", "see this1 and that2", "one ↩", "two words ↩")]
    [Arguments("a [span][^n]\n\n[^n]: *one*", "a span1", "one ↩")]
    [Arguments("a[^1]\n\n[^1]: one[^2]\n[^2]: two[^1]", "a1", "one2 ↩", "two1 ↩")]
    [Arguments("a (^ ) (^open", "a (^ ) (^open")]
    [Arguments("`a(^code)`", "a(^code)")]
    public void Footnotes_stand_at_the_end(string text, string first, params string[] notes)
    {
        var texts = new List<string> { "" };
        foreach (var part in MarkdownReader.Parse(text)!.Events)
        {
            if (part.Kind == MarkupEventKind.Open && part.Tag == MarkupTag.Li) texts.Add("");
            if (part.Kind == MarkupEventKind.Text) texts[^1] += part.Text;
        }

        Assert.Equal([first, .. notes], texts);
        var ids = MarkdownReader.Parse(text)!.Events.SelectMany(e => e.Attributes)
            .Where(a => a.Key == MarkupAttribute.Id).Select(a => a.Value).ToList();
        Assert.Equal(ids.Distinct().Count(), ids.Count);
        foreach (var link in MarkdownReader.Parse(text)!.Events.Where(e => e.Kind == MarkupEventKind.OpenLink))
            Assert.Contains(link.Text[1..], ids);
    }

    [Test]
    public void The_first_heading_is_the_title() =>
        Assert.Equal("The *title*", MarkdownReader.Parse("# The `*title*`\n\ntext")!.Title);

    [Test]
    [Arguments(">")]
    [Arguments("- ")]
    [Arguments("[")]
    [Arguments("![")]
    [Arguments("*a **b ")]
    [Arguments("`")]
    [Arguments("|a")]
    [Arguments("|\n")]
    [Arguments("(<")]
    [Arguments("[a](")]
    [Arguments("[a]: b\n")]
    [Arguments("\\")]
    [Arguments("~~a")]
    [Arguments("&amp;")]
    [Arguments("1. ")]
    [Arguments("_")]
    [Arguments("<a ")]
    [Arguments("(^")]
    [Arguments("[a](^")]
    [Arguments("(^a)")]
    [Arguments("[^1]")]
    [Arguments("[^1]: a\n")]
    [Arguments("[a][^b]")]
    [Arguments("a[^1]\n\n[^1]: b\n\n")]
    public void Repeated_without_end_it_is_bounded(string piece)
    {
        var text = string.Concat(Enumerable.Repeat(piece, MarkdownReader.LengthMax / piece.Length));

        var document = MarkdownReader.Parse(text);

        Assert.True(document is null || document.Events.Count < 300_000);
        Assert.Null(MarkdownReader.Parse(text + new string('x', MarkdownReader.LengthMax)));
    }
}
