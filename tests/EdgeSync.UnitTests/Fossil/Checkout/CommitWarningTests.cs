using EdgeSync.Fossil.Checkout;

namespace EdgeSync.UnitTests.Fossil.Checkout;

public sealed class CommitWarningTests
{
    [Test]
    [Arguments("plain\ntext\n", null)]
    [Arguments("", null)]
    [Arguments("a\r\nb\r\n", "CR/LF line endings")]
    [Arguments("a\r\nb\n", "mixed line endings")]
    [Arguments("a\rb\r", "CR line endings")]
    [Arguments("a\0b", "binary data")]
    [Arguments("\u00e4\n", null)]
    public void What_is_doubtful_is_named(string text, string? expected) =>
        Assert.Equal(expected, Of(System.Text.Encoding.UTF8.GetBytes(text)));

    [Test]
    public void Encodings_other_than_UTF_8_are_named()
    {
        Assert.Equal("invalid UTF-8", Of([(byte)'a', 0xff, (byte)'\n']));
        Assert.Equal("Unicode", Of([0xff, 0xfe, (byte)'a', 0, (byte)'\n', 0]));
        Assert.Equal("CR/LF line endings and Unicode", Of([0xfe, 0xff, 0, (byte)'\r', 0, (byte)'\n']));
        Assert.Equal("long lines", Of([.. Enumerable.Repeat((byte)'x', 40_000)]));
    }

    [Test]
    public void A_setting_allows_it()
    {
        Assert.Null(CommitWarning.Of("a\r\n"u8, allowsLineEnds: true, false, false, out _));
        Assert.Null(CommitWarning.Of("a\0"u8, false, allowsBinary: true, false, out _));
        Assert.Null(CommitWarning.Of([0xff, 0x20], false, false, allowsEncoding: true, out _));
    }

    private static string? Of(byte[] content) => CommitWarning.Of(content, false, false, false, out _);
}
