using EdgeSync.Fossil.Sync;

namespace EdgeSync.UnitTests.Fossil.Sync;

public class CapabilitiesTests
{
    // letters, developer's, reader's; then write, read, clone, admin, private, unversioned, addresses.
    [Theory]
    [InlineData("", "ei", "kptw", "")]
    [InlineData("s", "ei", "kptw", "wrcae")]
    [InlineData("a", "ei", "kptw", "wrcae")]
    [InlineData("i", "ei", "kptw", "wr")]
    [InlineData("o", "ei", "kptw", "r")]
    [InlineData("g", "ei", "kptw", "c")]
    [InlineData("v", "ei", "kptw", "wre")]
    [InlineData("u", "ei", "go", "rc")]
    [InlineData("v", "iu", "g", "wrc")]
    [InlineData("v", "v", "", "")]
    [InlineData("u", "x", "v", "p")]
    [InlineData("sx", "ei", "kptw", "wrcaep")]
    [InlineData("sy", "ei", "kptw", "wrcaeu")]
    [InlineData("ixy", "ei", "kptw", "wrpu")]
    [InlineData("hmnc", "ei", "kptw", "")]
    public void Letters_expand_as_stock_expands_them(string letters, string developer, string reader, string expected)
    {
        var may = Capabilities.Expand(letters, developer, reader);

        Assert.Equal(expected.Contains('w', StringComparison.Ordinal), may.MayWrite);
        Assert.Equal(expected.Contains('r', StringComparison.Ordinal), may.MayRead);
        Assert.Equal(expected.Contains('c', StringComparison.Ordinal), may.MayClone);
        Assert.Equal(expected.Contains('a', StringComparison.Ordinal), may.IsAdmin);
        Assert.Equal(expected.Contains('p', StringComparison.Ordinal), may.MaySyncPrivate);
        Assert.Equal(expected.Contains('u', StringComparison.Ordinal), may.MayWriteUnversioned);
        Assert.Equal(expected.Contains('e', StringComparison.Ordinal), may.MayReadAddresses);
    }

    [Fact]
    public void Sets_add_up()
    {
        var both = Capabilities.Expand("o", "", "").With(Capabilities.Expand("g", "", ""));

        Assert.Equal("go", both.ToString());
    }
}
