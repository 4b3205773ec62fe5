using EdgeSync.Fossil.Glob;

namespace EdgeSync.UnitTests.Fossil.Glob;

public sealed class NameGlobTests
{
    [Theory]
    [InlineData("*.o", "a.o", true)]
    [InlineData("*.o", "deep/down/a.o", true)]
    [InlineData("*.o", "a.od", false)]
    [InlineData("build", "build/x/y.txt", true)]
    [InlineData("build/", "build/x", true)]
    [InlineData("build", "rebuild/x", false)]
    [InlineData("*/build", "x/build/y", true)]
    [InlineData("a?c", "abc", true)]
    [InlineData("a?c", "ac", false)]
    [InlineData("[a-c]x", "bx", true)]
    [InlineData("[^a-c]x", "bx", false)]
    [InlineData("[]]x", "]x", true)]
    [InlineData("[a", "a", false)]
    [InlineData("a*b*c", "aXbYbZc", true)]
    [InlineData("a*b*c", "aXcYb", false)]
    [InlineData("*.tmp, *.bak\n*~", "x/y~", true)]
    [InlineData("", "anything", false)]
    public void A_glob_fits(string globs, string path, bool fits) => Assert.Equal(fits, new NameGlob(globs).Matches(path));

    [Fact]
    public void Many_stars_cost_no_more_than_the_product()
    {
        var glob = new NameGlob(string.Concat(Enumerable.Repeat("*a", 200)) + "b");

        Assert.False(glob.Matches(new string('a', 5000)));
    }
}
