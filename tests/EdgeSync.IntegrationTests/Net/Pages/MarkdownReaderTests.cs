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
    public void Repeated_without_end_it_is_bounded(string piece)
    {
        var text = string.Concat(Enumerable.Repeat(piece, MarkdownReader.LengthMax / piece.Length));

        var document = MarkdownReader.Parse(text);

        Assert.True(document is null || document.Events.Count < 300_000);
        Assert.Null(MarkdownReader.Parse(text + new string('x', MarkdownReader.LengthMax)));
    }
}
