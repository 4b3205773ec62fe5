using EdgeSync.Node.Web.Pages;
using EdgeSync.Tests.Support;

namespace EdgeSync.IntegrationTests.Net.Pages;

/// <summary>Colours of source code: what has one, and that the text stays the same.</summary>
public sealed class CodeColoursTests
{
    private static readonly string[] Pieces =
        ["if", " ", "\"", "'", "\\", "/*", "*/", "//", "#", "--", "12", "word", "<b>", "&", "é", "\t", "(", "_x1"];

    [Test]
    [Arguments("a.cs", "return 12; // end", "<span class=\"k\">return</span> <span class=\"n\">12</span>; "
        + "<span class=\"c\">// end</span>")]
    [Arguments("a.c", "x = \"a\\\"b\" + c;", "x = <span class=\"s\">&quot;a\\&quot;b&quot;</span> &#x2B; c;")]
    [Arguments("a.py", "def f(): # x", "<span class=\"k\">def</span> f(): <span class=\"c\"># x</span>")]
    [Arguments("a.sql", "SELECT x -- y", "<span class=\"k\">SELECT</span> x <span class=\"c\">-- y</span>")]
    [Arguments("a.cs", "<script>", "&lt;script&gt;")]
    [Arguments("a.txt", "return 12;", "return 12;")]
    [Arguments("a.cs", "returns", "returns")]
    public void A_line_has_its_colours(string name, string line, string expected)
    {
        var isComment = false;

        Assert.Equal(expected, Shown(name, line, ref isComment));
    }

    [Test]
    public void A_comment_goes_on_over_lines()
    {
        var isComment = false;

        Assert.Equal("x <span class=\"c\">/* a</span>", Shown("a.c", "x /* a", ref isComment));
        Assert.Equal("<span class=\"c\">if</span>", Shown("a.c", "if", ref isComment));
        Assert.Equal("<span class=\"c\">b */</span> y", Shown("a.c", "b */ y", ref isComment));
        Assert.False(isComment);
    }

    [Test]
    public void Colours_change_no_text() => Property.Check(prng =>
    {
        var line = string.Concat(
            Enumerable.Range(0, prng.NextInt32(30)).Select(_ => Pieces[prng.NextInt32(Pieces.Length)]));
        var isComment = prng.NextInt32(4) == 0;
        var name = prng.NextInt32(3) switch { 0 => "a.c", 1 => "a.sh", _ => "a.sql" };
        if (name == "a.sh") isComment = false;

        var html = Shown(name, line, ref isComment);
        var text = System.Text.RegularExpressions.Regex.Replace(html, "</?span[^>]*>", "");

        Assert.Equal(line, System.Net.WebUtility.HtmlDecode(text));
    });

    private static string Shown(string name, string line, ref bool isComment)
    {
        var html = new HtmlPage();
        CodeColours.Write(html, line, CodeColours.For(name), ref isComment);
        return html.ToString();
    }
}
