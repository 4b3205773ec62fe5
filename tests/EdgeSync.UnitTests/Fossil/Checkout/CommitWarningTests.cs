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
        Assert.Null(CommitWarning.Of("a\r\n"u8, allowsLineEnds: true, false, false)?.Text);
        Assert.Null(CommitWarning.Of("a\0"u8, false, allowsBinary: true, false)?.Text);
        Assert.Null(CommitWarning.Of([0xff, 0x20], false, false, allowsEncoding: true)?.Text);
    }

    [Test]
    [Arguments("a\r\nb\rc\n", "a\nb\nc\n")]
    [Arguments("a\r", "a\n")]
    public void Line_ends_are_converted(string text, string expected) =>
        Assert.Equal(expected, Converted(System.Text.Encoding.UTF8.GetBytes(text)));

    [Test]
    public void Other_encodings_become_UTF_8()
    {
        Assert.Equal("\u20ac\u00e4\n", Converted([0x80, 0xe4, (byte)'\r', (byte)'\n']));
        Assert.Equal("\ufeffa\n", Converted([0xfe, 0xff, 0, (byte)'a', 0, (byte)'\r', 0, (byte)'\n']));
    }

    [Test]
    [Arguments("c080", false)]
    [Arguments("eda080", false)]
    [Arguments("c081", true)]
    [Arguments("e08080", true)]
    [Arguments("f4908080", true)]
    [Arguments("c3", true)]
    [Arguments("e282ac", false)]
    [Arguments("f09fa4a6", false)]
    public void Invalid_sequences_are_stocks(string hex, bool expected) =>
        Assert.Equal(expected, TextLook.Of(Convert.FromHexString(hex)).IsInvalidUtf8);

    private static string Converted(byte[] content) =>
        System.Text.Encoding.UTF8.GetString(CommitWarning.Convert(content));

    private static string? Of(byte[] content) => CommitWarning.Of(content, false, false, false)?.Text;
}
