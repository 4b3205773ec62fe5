using EdgeSync.Fossil.Sync;

namespace EdgeSync.UnitTests.Fossil.Sync;

public class CapabilitiesTests
{
    // letters, developer's, reader's; then write, read, clone, admin, private, unversioned, addresses.
    [Test]
    [Arguments("", "ei", "kptw", "")]
    [Arguments("s", "ei", "kptw", "wrcae")]
    [Arguments("a", "ei", "kptw", "wrcae")]
    [Arguments("i", "ei", "kptw", "wr")]
    [Arguments("o", "ei", "kptw", "r")]
    [Arguments("g", "ei", "kptw", "c")]
    [Arguments("v", "ei", "kptw", "wre")]
    [Arguments("u", "ei", "go", "rc")]
    [Arguments("v", "iu", "g", "wrc")]
    [Arguments("v", "v", "", "")]
    [Arguments("u", "x", "v", "p")]
    [Arguments("sx", "ei", "kptw", "wrcaep")]
    [Arguments("sy", "ei", "kptw", "wrcaeu")]
    [Arguments("ixy", "ei", "kptw", "wrpu")]
    [Arguments("hmnc", "ei", "kptw", "")]
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

    [Test]
    public void Sets_add_up()
    {
        var both = Capabilities.Expand("o", "", "").With(Capabilities.Expand("g", "", ""));

        Assert.Equal("go", both.ToString());
    }
}
