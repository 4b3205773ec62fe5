using System.Text;
using EdgeSync.Fossil.Artifacts;
using EdgeSync.Tests.Support;

namespace EdgeSync.UnitTests.Fossil.Artifacts;

public sealed class PathTextTests
{
    [Test]
    [Arguments("6361c3a9", "ca\u00e9")]
    [Arguments("636166e8", "caf\\xe8")]
    [Arguments("615c62", "a\\b")]
    [Arguments("615c783431", "a\\x5cx41")]
    [Arguments("e28262", "\\xe2\\x82b")]
    [Arguments("f09f9880", "\U0001F600")]
    [Arguments("5c785c78e8", "\\x\\x\\xe8")]
    public void A_byte_outside_of_UTF8_is_an_escape(string hex, string text)
    {
        var name = Convert.FromHexString(hex);

        Assert.Equal(text, PathText.Of(name));
        Assert.Equal(name, PathText.ToBytes(text));
    }

    [Test]
    public void Each_text_leads_back_to_its_bytes() => Property.Check(prng =>
    {
        var name = new byte[prng.NextInt32(0, 12)];
        foreach (ref var octet in name.AsSpan()) octet = prng.Pick<byte>(Pieces);

        Assert.Equal(name, PathText.ToBytes(PathText.Of(name)));
    });

    private static readonly byte[] Pieces = [.. Encoding.UTF8.GetBytes("\\x5ce8/aé"), 0xe8, 0xff, 0x80, 0xe2, 0x82];
}
