using EdgeSync.Fossil.Glob;

namespace EdgeSync.UnitTests.Fossil.Glob;

public sealed class NameGlobTests
{
    [Test]
    [Arguments("*.o", "a.o", true)]
    [Arguments("*.o", "deep/down/a.o", true)]
    [Arguments("*.o", "a.od", false)]
    [Arguments("build", "build/x/y.txt", true)]
    [Arguments("build/", "build/x", true)]
    [Arguments("build", "rebuild/x", false)]
    [Arguments("*/build", "x/build/y", true)]
    [Arguments("a?c", "abc", true)]
    [Arguments("a?c", "ac", false)]
    [Arguments("[a-c]x", "bx", true)]
    [Arguments("[^a-c]x", "bx", false)]
    [Arguments("[]]x", "]x", true)]
    [Arguments("[a", "a", false)]
    [Arguments("a*b*c", "aXbYbZc", true)]
    [Arguments("a*b*c", "aXcYb", false)]
    [Arguments("*.tmp, *.bak\n*~", "x/y~", true)]
    [Arguments("*.tmp *.bak", "x/y.bak", true)]
    [Arguments("'my file' \"o,p\"", "my file", true)]
    [Arguments("'my file' \"o,p\"", "o,p", true)]
    [Arguments("'my file'", "file", false)]
    [Arguments("", "anything", false)]
    public void A_glob_fits(string globs, string path, bool fits) =>
        Assert.Equal(fits, new NameGlob(globs).Matches(path));

    [Test]
    public void Many_stars_cost_no_more_than_the_product()
    {
        var glob = new NameGlob(string.Concat(Enumerable.Repeat("*a", 200)) + "b");

        Assert.False(glob.Matches(new string('a', 5000)));
    }
}
