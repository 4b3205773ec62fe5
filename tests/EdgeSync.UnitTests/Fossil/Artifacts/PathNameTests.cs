using System.Text;
using EdgeSync.Fossil.Artifacts;

namespace EdgeSync.UnitTests.Fossil.Artifacts;

public sealed class PathNameTests
{
    [Theory]
    [InlineData("a", true, true)]
    [InlineData("a/b.c/d e", true, true)]
    [InlineData(".a/..b/c...", true, true)]
    [InlineData("\u00e4/\u4e16", true, true)]
    [InlineData("a\\b", true, false)]
    [InlineData("\U0001F600", true, false)]
    [InlineData("\ue000", true, false)]
    [InlineData("\ufdd0", true, false)]
    [InlineData("\ufffe", true, false)]
    [InlineData("", false, false)]
    [InlineData("/a", false, false)]
    [InlineData("a/", false, false)]
    [InlineData("a//b", false, false)]
    [InlineData(".", false, false)]
    [InlineData("..", false, false)]
    [InlineData("./a", false, false)]
    [InlineData("a/../b", false, false)]
    [InlineData("a/.", false, false)]
    public void Names_that_may_be_read_and_names_that_may_be_added(string name, bool mayBeRead, bool mayBeAdded)
    {
        var bytes = Encoding.UTF8.GetBytes(name);

        Assert.Equal(mayBeRead, PathName.IsSimple(bytes));
        Assert.Equal(mayBeAdded, PathName.IsSimpleStrict(bytes));
    }

    [Theory]
    [InlineData("ff")]
    [InlineData("c080")]       // overlong NUL
    [InlineData("eda080")]     // half of a surrogate pair
    [InlineData("e4b8")]       // cut
    [InlineData("6100")]       // NUL
    public void Bytes_that_are_no_text_are_read_but_not_added(string hex)
    {
        var name = Convert.FromHexString(hex);

        Assert.True(PathName.IsSimple(name));
        Assert.False(PathName.IsSimpleStrict(name));
    }

    // Answers of `fossil test-is-reserved-name`.
    [Theory]
    [InlineData("_FOSSIL_", true)]
    [InlineData("_fossil_", true)]
    [InlineData("x/_FOSSIL_", true)]
    [InlineData("x_FOSSIL_", false)]
    [InlineData("x_FOSSIL_-wal", true)]
    [InlineData("_FOSSIL_-shm", true)]
    [InlineData("_FOSSIL_-journal", true)]
    [InlineData("_FOSSIL_-other", false)]
    [InlineData(".fslckout", true)]
    [InlineData("a/b/.FSLCKOUT-WAL", true)]
    [InlineData("fslckout", false)]
    [InlineData(".fslckout-", false)]
    [InlineData(".fslckout/x", false)]
    [InlineData("a.fslckout", false)]
    public void Names_of_checkout_databases_are_reserved(string name, bool isReserved) =>
        Assert.Equal(isReserved, PathName.IsReserved(Encoding.UTF8.GetBytes(name)));

    [Theory]
    [InlineData("Page", true)]
    [InlineData("A Page", true)]
    [InlineData(" Page", false)]
    [InlineData("Page ", false)]
    [InlineData("A  Page", false)]
    [InlineData("", false)]
    [InlineData("A\tPage", false)]
    public void Page_names(string name, bool isGood) => Assert.Equal(isGood, WikiName.IsWellFormed(Encoding.UTF8.GetBytes(name)));
}
