using EdgeSync.Can.Assets;

namespace EdgeSync.UnitTests.Can.Assets;

public sealed class AssetHashTests
{
    private const string Hello = "b4cb4c0c3e5a980b7e3389a5e1ae63303a399173bbf2b20a393e96d8cc88da22";

    [Test]
    public void Covers_the_timestamp_and_the_content()
    {
        Assert.Equal(Hello, AssetHash.Of(1773014400123, "hello"u8).ToString());
        Assert.NotEqual(Hello, AssetHash.Of(1773014400124, "hello"u8).ToString());
    }

    [Test]
    public void Is_the_same_in_pieces()
    {
        using var hasher = new AssetHasher(1773014400123);
        foreach (var b in "hello"u8.ToArray()) hasher.Append([b]);

        Assert.Equal(Hello, hasher.Finish().ToString());
    }

    [Test]
    public void Is_read_as_it_is_written()
    {
        Assert.True(AssetHash.TryParse(Hello, out var hash));
        Assert.Equal(AssetHash.Of(1773014400123, "hello"u8), hash);
        Assert.Equal(Hello, hash.ToString());
    }

    [Test]
    [Arguments("")]
    [Arguments("b4cb")]
    [Arguments("B4CB4C0C3E5A980B7E3389A5E1AE63303A399173BBF2B20A393E96D8CC88DA22")]
    [Arguments("b4cb4c0c3e5a980b7e3389a5e1ae63303a399173bbf2b20a393e96d8cc88da2g")]
    [Arguments("b4cb4c0c3e5a980b7e3389a5e1ae63303a399173bbf2b20a393e96d8cc88da2é")]
    [Arguments("b4cb4c0c3e5a980b7e3389a5e1ae63303a399173bbf2b20a393e96d8cc88da2200")]
    public void Is_64_digits_of_lower_case_hex(string text) => Assert.False(AssetHash.TryParse(text, out _));

    [Test]
    public void Is_ordered_as_its_text()
    {
        var hashes = Enumerable.Range(0, 50).Select(i => AssetHash.Of(i, [])).ToList();

        Assert.Equal(
            hashes.Select(h => h.ToString()).Order(StringComparer.Ordinal),
            hashes.Order().Select(h => h.ToString()));
    }
}
