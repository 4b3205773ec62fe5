using System.Globalization;
using System.Numerics;
using EdgeSync.Nats.Keys;
using EdgeSync.Primitives;
using EdgeSync.Tests.Support;

namespace EdgeSync.UnitTests.Nats.Keys;

/// <summary>Signatures as NATS.NKeys makes and checks them, and what we refuse before it is called.</summary>
public class Ed25519Tests
{
    private static readonly BigInteger Order = BigInteger.Pow(2, 252) + BigInteger
        .Parse("27742317777372353535851937790883648493", CultureInfo.InvariantCulture);
    private static readonly BigInteger Prime = BigInteger.Pow(2, 255) - 19;

    public static TheoryData<string> Signatures() => new(
        Vectors.List("ed25519").SelectMany(File.ReadAllLines));

    [Test]
    [MethodDataSource(nameof(Signatures))]
    public void Signs_and_verifies_as_others_do(string line)
    {
        var (seed, key, message, signature) = Read(line);
        var (pair, ownSignature) = (TestKeys.OfSeed(seed), new byte[64]);

        pair.Sign(message, ownSignature);

        Assert.Equal(TestKeys.PublicText(key), pair.GetPublicKey());
        Assert.Equal(signature, ownSignature);
        Assert.True(Verify(key, message, signature));
    }

    [Test]
    public void A_changed_bit_anywhere_is_noticed()
    {
        var (_, key, message, signature) = Read(File.ReadAllLines(Vectors.PathOf("ed25519", "rfc8032.txt"))[1]);

        for (var bit = 0; bit < 512; bit += 3) Assert.False(Verify(key, message, Flip(signature, bit)));
        for (var bit = 0; bit < 256; bit += 3) Assert.False(Verify(Flip(key, bit), message, signature));
        for (var bit = 0; bit < 8; bit++) Assert.False(Verify(key, Flip(message, bit), signature));
    }

    [Test]
    public void The_other_form_of_S_is_refused()
    {
        var (_, key, message, signature) = Read(File.ReadAllLines(Vectors.PathOf("ed25519", "rfc8032.txt"))[2]);
        var s = new BigInteger(signature.AsSpan(32), isUnsigned: true) + Order;

        Assert.True(s.TryWriteBytes(signature.AsSpan(32), out _, isUnsigned: true));

        Assert.False(Verify(key, message, signature));
    }

    /// <summary>The eight points whose order divides eight, and non-canonical encodings of them.</summary>
    [Test]
    [Arguments("0100000000000000000000000000000000000000000000000000000000000000")]
    [Arguments("0100000000000000000000000000000000000000000000000000000000000080")]
    [Arguments("ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f")]
    [Arguments("0000000000000000000000000000000000000000000000000000000000000000")]
    [Arguments("0000000000000000000000000000000000000000000000000000000000000080")]
    [Arguments("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05")]
    [Arguments("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85")]
    [Arguments("c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a")]
    [Arguments("c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa")]
    [Arguments("eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f")]
    [Arguments("edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f")]
    public void A_key_of_small_order_signs_nothing(string hex)
    {
        var key = Convert.FromHexString(hex);
        var signature = new byte[64];
        key.CopyTo(signature, 0);   // with S = 0 the plain equation would hold for many messages

        for (var i = 0; i < 16; i++) Assert.False(Verify(key, [(byte)i], signature));
    }

    [Test]
    public void No_bytes_make_it_throw() => Property.Check(
        prng =>
        {
            var (key, signature) = (prng.NextBytes(prng.NextInt32(30, 35)), prng.NextBytes(prng.NextInt32(62, 67)));
            if (signature.Length == 64) signature[63] &= 0x0f;

            Assert.False(Verify(key, prng.NextBytes(10), signature));
        },
        runs: 40);

    [Test]
    public void A_point_is_refused_in_its_second_encoding()
    {
        var (_, key, message, signature) = Read(File.ReadAllLines(Vectors.PathOf("ed25519", "rfc8032.txt"))[2]);
        var beyond = new byte[32];
        Assert.True((Prime + 3).TryWriteBytes(beyond, out _, isUnsigned: true));

        Assert.True(SignatureForm.IsStrict(key, signature));
        Assert.False(SignatureForm.IsStrict(beyond, signature));
        Assert.False(SignatureForm.IsStrict(key, [.. beyond, .. signature[32..]]));
        Assert.False(Verify(beyond, message, signature));
    }

    private static bool Verify(byte[] key, byte[] message, byte[] signature) =>
        NKey.Verify(TestKeys.PublicText(key), message, Convert.ToBase64String(signature));

    private static byte[] Flip(byte[] bytes, int bit)
    {
        var changed = (byte[])bytes.Clone();
        changed[bit / 8] ^= (byte)(1 << (bit % 8));
        return changed;
    }

    private static (byte[] Seed, byte[] Key, byte[] Message, byte[] Signature) Read(string line)
    {
        var parts = line.Split(' ').Select(part => Convert.FromHexString(part == "-" ? "" : part)).ToArray();
        return (parts[0], parts[1], parts[2], parts[3]);
    }
}
