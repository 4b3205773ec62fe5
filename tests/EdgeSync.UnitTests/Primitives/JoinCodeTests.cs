using EdgeSync.Primitives;

namespace EdgeSync.UnitTests.Primitives;

public sealed class JoinCodeTests
{
    private const string Alphabet = "abcdefghijklmnopqrstuvwxyz234567";

    private static readonly JoinCode Sample = new(
        ["10.99.7.1", "fd00::1", "first.example.org"], 8443, 7422, "0123456789abcdef0123456789abcdef01234567",
        [.. Enumerable.Range(0, JoinCode.TokenBytes).Select(i => (byte)(i * 17))],
            Instant.FromUnixSeconds(1_800_000_000),
        [.. Enumerable.Range(0, JoinCode.KeyBytes).Select(i => (byte)(255 - i))], "work");

    [Test]
    public void Decodes_what_was_encoded()
    {
        var fault = JoinCode.TryParse(Sample.Encode(), out var read);

        Assert.Equal(JoinCodeFault.None, fault);
        Assert.Equal(Sample.Hosts, read!.Hosts);
        Assert.Equal(
            (8443, (int?)7422, Sample.ProjectCode, "work"), (read.WebPort, read.LeafPort, read.ProjectCode, read.Name));
        Assert.Equal(Sample.Token, read.Token);
        Assert.Equal(Sample.ServerKey, read.ServerKey);
        Assert.Equal(Sample.ExpiresAt, read.ExpiresAt);
    }

    [Test]
    public void Is_one_word_that_no_shell_changes() => Assert.Matches("^esj[a-z2-7]+$", Sample.Encode());

    [Test]
    public void Blanks_line_ends_and_capitals_do_not_matter()
    {
        var text = Sample.Encode();

        Assert.Equal(
            JoinCodeFault.None,
            JoinCode.TryParse($"  {text[..40]}\r\n {text[40..].ToUpperInvariant()}\n", out var read));
        Assert.Equal(text, read!.Encode());
    }

    [Test]
    public void Every_cut_is_refused()
    {
        var text = Sample.Encode();
        for (var length = 0; length < text.Length; length++)
        {
            Assert.NotEqual(JoinCodeFault.None, JoinCode.TryParse(text[..length], out var read));
            Assert.Null(read);
        }

        for (var begin = 1; begin < text.Length; begin++)
            Assert.NotEqual(JoinCodeFault.None, JoinCode.TryParse(text[begin..], out _));
    }

    [Test]
    public void Every_other_character_in_every_place_is_refused()
    {
        var text = Sample.Encode();
        for (var at = 0; at < text.Length; at++)
        {
            foreach (var other in Alphabet + "0189-=é")
            {
                if (other == text[at]) continue;
                var fault = JoinCode.TryParse($"{text[..at]}{other}{text[(at + 1)..]}", out var read);

                Assert.True(
                    fault is JoinCodeFault.Damaged
                    || (at < 3 && fault is JoinCodeFault.NotACode), $"'{other}' at {at}: {fault}");
                Assert.Null(read);
            }
        }
    }

    [Test]
    public void Two_characters_that_changed_places_and_one_too_many_are_refused()
    {
        var text = Sample.Encode();
        for (var at = 3; at + 1 < text.Length; at++)
        {
            if (text[at] != text[at + 1])
                Assert.Equal(
                    JoinCodeFault.Damaged,
                    JoinCode.TryParse($"{text[..at]}{text[at + 1]}{text[at]}{text[(at + 2)..]}", out _));
        }

        foreach (var more in Alphabet) Assert.Equal(JoinCodeFault.Damaged, JoinCode.TryParse(text + more, out _));
    }

    [Test]
    [Arguments("")]
    [Arguments("eyJ1cmwiOiJodHRwOi8vYSJ9")]
    [Arguments("http://host:8080")]
    public void Other_text_is_not_a_code(string text) =>
        Assert.Equal(JoinCodeFault.NotACode, JoinCode.TryParse(text, out _));

    [Test]
    public void Codes_of_newer_versions_are_detected()
    {
        Assert.Equal(JoinCodeFault.Newer, JoinCode.TryParse(JoinCode.EncodeBytes([2, .. Payload()[1..]]), out _));
        // an entry that must be known
        Assert.Equal(JoinCodeFault.Newer, JoinCode.TryParse(JoinCode.EncodeBytes([.. Payload(), 9, 1, 0]), out _));
    }

    [Test]
    public void Entries_that_may_be_skipped_are_skipped()
    {
        Assert.Equal(
            JoinCodeFault.None, JoinCode.TryParse(JoinCode.EncodeBytes([.. Payload(), 200, 3, 1, 2, 3]), out var read));
        Assert.Equal(Sample.Encode(), read!.Encode());
    }

    [Test]
    public void Entries_that_do_not_fit_are_refused()
    {
        Assert.Equal(JoinCodeFault.Damaged, JoinCode.TryParse(JoinCode.EncodeBytes([.. Payload(), 128, 3, 1]), out _));
        Assert.Equal(JoinCodeFault.Damaged, JoinCode.TryParse(JoinCode.EncodeBytes([.. Payload(), 128]), out _));
        Assert.Equal(JoinCodeFault.Newer, JoinCode.TryParse(JoinCode.EncodeBytes([1]), out _));
    }

    [Test]
    public void The_token_is_not_shown_by_accident() =>
        Assert.DoesNotContain(Convert.ToHexStringLower(Sample.Token), Sample.ToString(), StringComparison.Ordinal);

    /// <summary>Version and entries of the sample, without its checksum.</summary>
    private static byte[] Payload()
    {
        var bits = string.Concat(
            Sample.Encode()[3..].Select(
                c => Convert.ToString(Alphabet.IndexOf(c, StringComparison.Ordinal), 2).PadLeft(5, '0')));
        return [.. Enumerable.Range(0, (bits.Length / 8) - 4).Select(i => Convert.ToByte(bits.Substring(8 * i, 8), 2))];
    }
}
