using System.Text;
using System.Text.RegularExpressions;
using EdgeSync.Storage.Crosslink.Links;
using EdgeSync.Tests.Support;

namespace EdgeSync.IntegrationTests.Storage.Crosslink;

public sealed partial class LinkScannerTests
{
    private static readonly string[] _wikiPieces =
    [
        "[abcd]", "[/info/0123456789]", "[ABCDEF12|label]", "[not a hash]", "[abc]", "[deadbeef |x]", "[", "]",
            "<verbatim>",
        "</verbatim>", "<nowiki>", "</nowiki>", "<b>", "</b>", "<unknown [cafe01]>", "<a href='[cafe02]'>", "<", ">",
            "\n", "\n\n",
        "  *  ", "  #  item ", " ", "&amp;", "&", "text", "<verbatim id=x>", "</verbatim id=x>", "<!-- [cafe03] -->",
            "<div id='q'>",
        "</div id='q'>", "[c0ffee\nc0ffee]", "[1234|a|b]", "[/info/12345]", "<pre>",
            "[0123456789012345678901234567890123456789]",
        "<verbatim type=\"pikchr\">", "<p class='x'>", "''", "\"", "[[feedbeef]]",
    ];

    private static readonly string[] _markdownPieces =
    [
        "[x](abcd12)", "[x](/info/0123456789)", "[x](<beef01>)", "[x](cafe01 \"title\")", "[x]( cafe02 )", "[id]",
            "[x][id]", "[id][]",
        "\n[id]: dead01\n", "\n  [other]: <dead02> 'title'\n", "[other]", "![img](cafe03)", "`[x](cafe04)`",
            "```\n[x](cafe05)\n```\n",
        "\n    [x](cafe06)\n", "\n> [x](cafe07)\n", "\n* [x](cafe08)\n", "\n1. [x](cafe09)\n   more [y](cafe10)\n",
            "*[x](cafe11)*",
        "**bold**", "\n# [x](cafe12)\n", "\n[x](cafe13)\n===\n",
            "\n| a | [x](cafe14) |\n|---|---|\n| `|` | [y](cafe15) |\n", "<b>",
        "<a href=\"[x](cafe16)\">", "<!-- [x](cafe17) -->", "\\[x](cafe18)", "[a [b](cafe19) c](cafe20)", "[^note]",
        "\n[^note]: see [x](cafe21)\n", "(^inline [x](cafe22))", "[x](^spanned [y](cafe23))", "\n\n", "\n", " ", "text",
        "\n<pre>\n[x](cafe24)\n</pre>\n\n",
        "\n---\n", "[x](cafe\\25)", "[x] (cafe26)", "[x](cafe27", "\n- - -\n", "`", "\n+ a\n\n  [x](cafe28)\n",
    ];

    [Test]
    public void Takes_hashes_of_four_to_sixty_four_digits_in_lower_case()
    {
        var found = new List<string>();

        WikiLinks.Scan("[ABCD] [abc] [/info/DEADBEEF|label] [x] [12345 | y]"u8, htmlOnly: false, found.Add);

        Assert.Equal(["abcd", "deadbeef", "12345"], found);
    }

    [Test]
    public void Finds_in_wiki_text_what_stock_finds() => Compare(_wikiPieces, "", text =>
    {
        var found = new SortedSet<string>(StringComparer.Ordinal);
        WikiLinks.Scan(text, htmlOnly: false, target => found.Add(target));
        return found;
    });

    [Test]
    public void Finds_in_markdown_what_stock_finds() => Compare(_markdownPieces, "text/x-markdown", text =>
    {
        var found = new SortedSet<string>(StringComparer.Ordinal);
        MarkdownLinks.Scan(text, target => found.Add(target));
        return found;
    });

    [Test]
    public void No_text_makes_the_scanners_throw_or_hang() => Property.Check(prng =>
    {
        var text = new List<byte>();
        for (var i = prng.NextInt32(60); i > 0; i--)
        {
            if (prng.Chance(0.2)) text.AddRange(prng.NextBytes(prng.NextInt32(5)));
            else
                text.AddRange(
                    Encoding.UTF8.GetBytes(prng.Pick<string>(prng.Chance(0.5) ? _wikiPieces : _markdownPieces)));
        }

        byte[] bytes = [.. text];
        WikiLinks.Scan(bytes, htmlOnly: prng.Chance(0.3), _ => { });
        MarkdownLinks.Scan(bytes, _ => { });
        Assert.Equal(text.Count, bytes.Length);
    });

    private static void Compare(string[] pieces, string mimetype, Func<byte[], SortedSet<string>> find)
    {
        StockFossil.SkipWhenMissing();
        using var folder = new TemporaryFolder("links");
        var stock = new StockFossil(folder);
        Property.Check(
            prng =>
            {
                var text = new StringBuilder();
                for (var i = 1 + prng.NextInt32(14); i > 0; i--) text.Append(prng.Pick<string>(pieces));
                var file = folder.Write("text", text.ToString());
                string[] options = mimetype.Length == 0 ? [] : ["--mimetype", mimetype];

                var printed = stock.Run(["test-backlinks", "1", "1", .. options, file]).Text;

                var expected = new SortedSet<string>(StringComparer.Ordinal);
                foreach (Match match in Target().Matches(printed)) expected.Add(match.Groups[1].Value);
                var found = find(Encoding.UTF8.GetBytes(text.ToString()));
                Assert.True(
                    expected.SetEquals(found),
                    $"stock {string.Join(',', expected)}, ours {string.Join(',', found)}, of:\n{text}");
            },
            runs: 100);
    }

    [GeneratedRegex("target='([0-9a-f]+)'")]
    private static partial Regex Target();
}
