using System.Text;
using EdgeSync.Fossil.Artifacts;

namespace EdgeSync.UnitTests.Fossil.Artifacts;

public sealed class PathNameTests
{
    [Test]
    [Arguments("a", true, true)]
    [Arguments("a/b.c/d e", true, true)]
    [Arguments(".a/..b/c...", true, true)]
    [Arguments("\u00e4/\u4e16", true, true)]
    [Arguments("a\\b", true, false)]
    [Arguments("\U0001F600", true, false)]
    [Arguments("\ue000", true, false)]
    [Arguments("\ufdd0", true, false)]
    [Arguments("\ufffe", true, false)]
    [Arguments("", false, false)]
    [Arguments("/a", false, false)]
    [Arguments("a/", false, false)]
    [Arguments("a//b", false, false)]
    [Arguments(".", false, false)]
    [Arguments("..", false, false)]
    [Arguments("./a", false, false)]
    [Arguments("a/../b", false, false)]
    [Arguments("a/.", false, false)]
    public void Names_that_may_be_read_and_names_that_may_be_added(string name, bool mayBeRead, bool mayBeAdded)
    {
        var bytes = Encoding.UTF8.GetBytes(name);

        Assert.Equal(mayBeRead, PathName.IsSimple(bytes));
        Assert.Equal(mayBeAdded, PathName.IsSimpleStrict(bytes));
    }

    [Test]
    [Arguments("ff")]
    [Arguments("c080")]       // overlong NUL
    [Arguments("eda080")]     // half of a surrogate pair
    [Arguments("e4b8")]       // cut
    [Arguments("6100")]       // NUL
    public void Bytes_that_are_no_text_are_read_but_not_added(string hex)
    {
        var name = Convert.FromHexString(hex);

        Assert.True(PathName.IsSimple(name));
        Assert.False(PathName.IsSimpleStrict(name));
    }

    // Answers of `fossil test-is-reserved-name`.
    [Test]
    [Arguments("_FOSSIL_", true)]
    [Arguments("_fossil_", true)]
    [Arguments("x/_FOSSIL_", true)]
    [Arguments("x_FOSSIL_", false)]
    [Arguments("x_FOSSIL_-wal", true)]
    [Arguments("_FOSSIL_-shm", true)]
    [Arguments("_FOSSIL_-journal", true)]
    [Arguments("_FOSSIL_-other", false)]
    [Arguments(".fslckout", true)]
    [Arguments("a/b/.FSLCKOUT-WAL", true)]
    [Arguments("fslckout", false)]
    [Arguments(".fslckout-", false)]
    [Arguments(".fslckout/x", false)]
    [Arguments("a.fslckout", false)]
    public void Names_of_checkout_databases_are_reserved(string name, bool isReserved) =>
        Assert.Equal(isReserved, PathName.IsReserved(Encoding.UTF8.GetBytes(name)));

    [Test]
    [Arguments("Page", true)]
    [Arguments("A Page", true)]
    [Arguments(" Page", false)]
    [Arguments("Page ", false)]
    [Arguments("A  Page", false)]
    [Arguments("", false)]
    [Arguments("A\tPage", false)]
    public void Page_names(string name, bool isGood) =>
        Assert.Equal(isGood, WikiName.IsWellFormed(Encoding.UTF8.GetBytes(name)));
}
