using EdgeSync.Can.Assets;

namespace EdgeSync.UnitTests.Can.Assets;

public sealed class AssetFileNameTests
{
    private const string Hello = "b4cb4c0c3e5a980b7e3389a5e1ae63303a399173bbf2b20a393e96d8cc88da22";

    private static readonly AssetHash Hash = AssetHash.Of(1773014400123, "hello"u8);

    [Test]
    [Arguments("", "report.pdf", "application/pdf", $"1773014400123_{Hello}.pdf")]
    [Arguments("vacation,2026", "a.JPG", "image/jpeg", $"1773014400123_{Hello}_vacation_2026.JPG")]
    [Arguments("a b,../x", null, "image/png", $"1773014400123_{Hello}_a-b_---x.png")]
    [Arguments("é", "noext", "text/plain; charset=utf-8", $"1773014400123_{Hello}_-.txt")]
    [Arguments("", "../../etc/passwd", "x/unknown", $"1773014400123_{Hello}.bin")]
    [Arguments("", "a.b/c", "x/unknown", $"1773014400123_{Hello}.bin")]
    [Arguments("", "trailing.", "x/unknown", $"1773014400123_{Hello}.bin")]
    public void Is_made_of_timestamp_hash_tags_and_extension(string tags, string? name, string type, string expected)
    {
        var made = AssetFileName.Create(1773014400123, Hash, TagList.Parse(tags), name, type);

        Assert.Equal(expected, made);
        Assert.True(AssetFileName.TryParse(made, out var parsed));
        Assert.Equal(new AssetFileName(1773014400123, Hash), parsed);
    }

    [Test]
    public void Is_short_however_many_tags_there_are()
    {
        var made = AssetFileName.Create(
            1, Hash, [.. Enumerable.Range(0, 100).Select(i => $"tag-{i}")], "x.txt", "text/plain");

        Assert.True(made.Length <= 13 + 1 + 64 + 1 + AssetFileName.TagsBytesMax + 4);
        Assert.StartsWith("0000000000001_", made, StringComparison.Ordinal);
        Assert.True(AssetFileName.TryParse(made, out var parsed));
        Assert.Equal(1, parsed.TimestampMs);
    }

    [Test]
    [Arguments("")]
    [Arguments(".can.db")]
    [Arguments($"1773014400123_{Hello}")]
    [Arguments($"1773014400123_{Hello}.")]
    [Arguments($"177301440012_{Hello}.txt")]
    [Arguments($"1773014400x23_{Hello}.txt")]
    [Arguments($"1773014400123-{Hello}.txt")]
    [Arguments($"1773014400123_{Hello}x.txt")]
    public void Another_name_is_none(string name) => Assert.False(AssetFileName.TryParse(name, out _));

    [Test]
    public void Tags_are_trimmed_and_each_is_there_once() =>
        Assert.Equal(["a", "b c"], TagList.Parse(" a,,b c ,a, "));

    [Test]
    [Arguments("a.jpeg", "image/jpeg")]
    [Arguments("a.PNG", "image/png")]
    [Arguments("a", "application/octet-stream")]
    [Arguments("a.nosuch", "application/octet-stream")]
    public void Types_follow_from_extensions(string name, string type) => Assert.Equal(type, MimeTypes.Of(name));

    [Test]
    [Arguments("text/plain", true)]
    [Arguments("text/plain; charset=utf-8", true)]
    [Arguments("text", false)]
    [Arguments("/plain", false)]
    [Arguments("a b/c", false)]
    [Arguments("text/plain\r\nX: y", false)]
    [Arguments("text/é", false)]
    public void A_type_can_be_sent_as_a_header(string type, bool isWellFormed) =>
        Assert.Equal(isWellFormed, MimeTypes.IsWellFormed(type));
}
