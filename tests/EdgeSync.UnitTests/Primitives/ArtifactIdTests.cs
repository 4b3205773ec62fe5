using EdgeSync.Primitives;
using EdgeSync.Tests.Support;

namespace EdgeSync.UnitTests.Primitives;

public sealed class ArtifactIdTests
{
    // FIPS 180-4 and FIPS 202, the empty message.
    private const string EmptySha1 = "da39a3ee5e6b4b0d3255bfef95601890afd80709";
    private const string EmptySha3 = "a7ffc6f8bf1ed76651c14756a061d662f580ff4de43b49fa82d80a4b80f8434a";

    [Test]
    public void Names_the_empty_artifact()
    {
        Assert.Equal(EmptySha1, ArtifactHash.Compute(HashKind.Sha1, []).ToString());
        Assert.Equal(EmptySha3, ArtifactHash.Compute(HashKind.Sha3, []).ToString());
    }

    [Test]
    [Arguments("")]
    [Arguments("da39a3ee5e6b4b0d3255bfef95601890afd8070")]
    [Arguments("da39a3ee5e6b4b0d3255bfef95601890afd807099")]
    [Arguments("DA39a3ee5e6b4b0d3255bfef95601890afd80709")]
    [Arguments("ga39a3ee5e6b4b0d3255bfef95601890afd80709")]
    public void Rejects_other_text(string text) => Assert.False(ArtifactId.TryParse(text, out _));

    [Test]
    public void Text_and_order_are_those_of_the_hex() => Property.Check(prng =>
    {
        var a = ArtifactId.FromHash(prng.NextBytes(prng.Chance(0.5) ? 20 : 32));
        var b = ArtifactId.FromHash(prng.NextBytes(prng.Chance(0.5) ? 20 : 32));

        Assert.Equal(a, ArtifactId.Parse(a.ToString()));
        Assert.Equal(Math.Sign(string.CompareOrdinal(a.ToString(), b.ToString())), Math.Sign(a.CompareTo(b)));
        Assert.Equal(a.ToString() == b.ToString(), a == b);
    });
}
