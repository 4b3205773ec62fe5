using System.Text;
using EdgeSync.Nats.Keys;
using EdgeSync.Primitives;
using EdgeSync.Tests.Support;
using NATS.NKeys;

namespace EdgeSync.UnitTests.Nats.Keys;

public class NKeyTests
{
    // Made with the nkeys library of the original, from the seed bytes 00 … 1f.
    private const string Seed = "SUAAAAICAMCAKBQHBAEQUCYMBUHA6EARCIJRIFIWC4MBSGQ3DQOR4H776Y";
    private const string PublicKey = "UAB2CB576PHBBPQ5ODORRZ2LYCMWPZGWGCN2KDK7DXOIMZASKUY3RLKK";
    private const string Nonce = "UaXEgEZfWJK-sfg";
    private const string Signature =
        "V0Je-ltniyuIEpGt3xf6cLgroCQqXmjySwSXH-KrVDOXUotkKbNpfTiIN1GGDOojlPvQAGz26QRAOviB_eMzCQ";

    private const string Credentials = $"""
        -----BEGIN NATS USER JWT-----
        eyJ0eXAiOiJKV1QifQ.e30.c2ln
        ------END NATS USER JWT------

        ************************* IMPORTANT *************************
        NKEY Seed printed below can be used to sign and prove identity.

        -----BEGIN USER NKEY SEED-----
        {Seed}
        ------END USER NKEY SEED------

        *************************************************************
        """;

    [Test]
    public void Reads_a_seed_and_signs_a_nonce()
    {
        var pair = NKeyPair.FromSeed(Seed);

        Assert.Equal(PublicKey, pair.PublicKey);
        Assert.Equal(Signature, pair.SignNonce(Nonce));
        Assert.True(NKey.Verify(PublicKey, Encoding.ASCII.GetBytes(Nonce), Signature));
    }

    [Test]
    public void Takes_a_signature_in_plain_base_64_too()
    {
        var plain = Signature.Replace('-', '+').Replace('_', '/') + "==";

        Assert.True(NKey.Verify(PublicKey, Encoding.ASCII.GetBytes(Nonce), plain));
        Assert.False(NKey.Verify(PublicKey, "another nonce"u8, plain));
        Assert.False(NKey.Verify(PublicKey, Encoding.ASCII.GetBytes(Nonce), plain[..40]));
        Assert.False(NKey.Verify(PublicKey, Encoding.ASCII.GetBytes(Nonce), "no base 64 at all!"));
    }

    [Test]
    [Arguments("")]
    [Arguments("SU")]
    [Arguments("SUAAAAICAMCAKBQHBAEQUCYMBUHA6EARCIJRIFIWC4MBSGQ3DQOR4H776Z")]
    [Arguments("suAAAAICAMCAKBQHBAEQUCYMBUHA6EARCIJRIFIWC4MBSGQ3DQOR4H776Y")]
    [Arguments(PublicKey)]
    public void Refuses_a_damaged_seed_without_repeating_it(string seed)
    {
        var failure = Assert.Throws<EdgeSyncException>(() => NKeyPair.FromSeed(seed));

        Assert.True(seed.Length == 0 || !failure.Message.Contains(seed, StringComparison.Ordinal));
    }

    [Test]
    public void Every_key_reads_as_it_was_written() => Property.Check(
        prng =>
        {
            var kind = prng.Pick<PrefixByte>(
                [PrefixByte.User, PrefixByte.Account, PrefixByte.Operator, PrefixByte.Server, PrefixByte.Cluster]);
            var pair = TestKeys.OfSeed(prng.NextBytes(32), kind);
            var (seed, key) = (pair.GetSeed(), pair.GetPublicKey());
            var signature = NKeyPair.FromSeed(seed).SignNonce(Nonce);

            Assert.Equal(key, NKeyPair.FromSeed(seed).PublicKey);
            Assert.Equal(kind == PrefixByte.User, NKey.Verify(key, Encoding.ASCII.GetBytes(Nonce), signature));

            var at = prng.NextInt32(key.Length);
            var spoiled = key[..at] + (key[at] == 'A' ? 'B' : 'A') + key[(at + 1)..];
            Assert.False(NKey.Verify(spoiled, Encoding.ASCII.GetBytes(Nonce), signature));
        },
        runs: 30);

    // Text that the library reads, but that is not the one text of its key: the check is of the whole text.
    [Test]
    public void A_key_has_one_text()
    {
        Assert.False(NKey.Verify(PublicKey.ToLowerInvariant(), Encoding.ASCII.GetBytes(Nonce), Signature));
        Assert.False(NKey.Verify(PublicKey + "A", Encoding.ASCII.GetBytes(Nonce), Signature));
        Assert.False(NKey.Verify(PublicKey[..^1], Encoding.ASCII.GetBytes(Nonce), Signature));
        Assert.False(NKey.Verify("", Encoding.ASCII.GetBytes(Nonce), Signature));
    }

    [Test]
    public void A_key_that_encrypts_cannot_sign() =>
        Assert.Throws<EdgeSyncException>(
            () => NKeyPair.FromSeed(TestKeys.OfSeed(new byte[32], PrefixByte.Curve).GetSeed()));

    [Test]
    [Arguments("\n")]
    [Arguments("\r\n")]
    public void Reads_a_credentials_file_with_either_line_end(string lineEnd)
    {
        var file = CredentialsFile.Parse(Credentials.ReplaceLineEndings(lineEnd));

        Assert.Equal("eyJ0eXAiOiJKV1QifQ.e30.c2ln", file.Jwt);
        Assert.Equal(PublicKey, file.Key.PublicKey);
    }

    [Test]
    public void Credentials_without_a_seed_are_refused()
    {
        var cut = Credentials[..Credentials.IndexOf("-----BEGIN USER", StringComparison.Ordinal)];

        Assert.Throws<EdgeSyncException>(() => CredentialsFile.Parse(cut));
        Assert.Throws<EdgeSyncException>(() => CredentialsFile.Parse(""));
    }
}
