using System.Globalization;
using System.Numerics;
using EdgeSync.Primitives.Crypto;
using EdgeSync.Tests.Support;

namespace EdgeSync.UnitTests.Primitives;

public class Ed25519Tests
{
    private static readonly BigInteger Order = BigInteger.Pow(2, 252) + BigInteger.Parse("27742317777372353535851937790883648493", CultureInfo.InvariantCulture);
    private static readonly BigInteger Prime = BigInteger.Pow(2, 255) - 19;

    public static TheoryData<string> Signatures() => new(
        Vectors.List("ed25519").SelectMany(File.ReadAllLines));

    [Test]
    [MethodDataSource(nameof(Signatures))]
    public void Signs_and_verifies_as_others_do(string line)
    {
        var (seed, key, message, signature) = Read(line);
        var (ownKey, ownSignature) = (new byte[32], new byte[64]);

        Ed25519.WritePublicKey(seed, ownKey);
        Ed25519.Sign(seed, message, ownSignature);

        Assert.Equal(key, ownKey);
        Assert.Equal(signature, ownSignature);
        Assert.True(Ed25519.Verify(key, message, signature));
    }

    [Test]
    public void A_changed_bit_anywhere_is_noticed()
    {
        var (_, key, message, signature) = Read(File.ReadAllLines(Vectors.PathOf("ed25519", "rfc8032.txt"))[1]);

        for (var bit = 0; bit < 512; bit += 3) Assert.False(Ed25519.Verify(key, message, Flip(signature, bit)));
        for (var bit = 0; bit < 256; bit += 3) Assert.False(Ed25519.Verify(Flip(key, bit), message, signature));
        for (var bit = 0; bit < 8; bit++) Assert.False(Ed25519.Verify(key, Flip(message, bit), signature));
    }

    [Test]
    public void The_other_form_of_S_is_refused()
    {
        var (_, key, message, signature) = Read(File.ReadAllLines(Vectors.PathOf("ed25519", "rfc8032.txt"))[2]);
        var s = new BigInteger(signature.AsSpan(32), isUnsigned: true) + Order;

        Assert.True(s.TryWriteBytes(signature.AsSpan(32), out _, isUnsigned: true));

        Assert.False(Ed25519.Verify(key, message, signature));
    }

    /// <summary>The eight points whose order divides eight, and encodings of them that nobody should use.</summary>
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

        for (var i = 0; i < 16; i++) Assert.False(Ed25519.Verify(key, [(byte)i], signature));
    }

    [Test]
    public void No_bytes_make_it_throw() => Property.Check(
        prng =>
        {
            var (key, signature) = (prng.NextBytes(prng.NextInt32(30, 35)), prng.NextBytes(prng.NextInt32(62, 67)));
            if (signature.Length == 64) signature[63] &= 0x0f;

            Assert.False(Ed25519.Verify(key, prng.NextBytes(10), signature));
        },
        runs: 40);

    [Test]
    public void Scalars_are_added_and_multiplied_modulo_the_order() => Property.Check(prng =>
    {
        var (a, b, c) = (prng.NextBytes(32), prng.NextBytes(32), prng.NextBytes(32));
        if (prng.Chance(0.3)) Array.Fill(a, (byte)0xff);
        var result = new byte[32];

        Scalar25519.MultiplyAdd(Scalar25519.FromBytes(a), Scalar25519.FromBytes(b), Scalar25519.FromBytes(c)).WriteTo(result);

        Assert.Equal((Number(a) * Number(b) + Number(c)) % Order, Number(result));
    });

    [Test]
    public void Field_arithmetic_is_that_of_whole_numbers_modulo_p() => Property.Check(prng =>
    {
        var (a, b) = (Edge(prng), Edge(prng));
        var (x, y) = (Field25519.FromBytes(a), Field25519.FromBytes(b));
        var (m, n) = (Number(a) & (BigInteger.Pow(2, 255) - 1), Number(b) & (BigInteger.Pow(2, 255) - 1));

        Assert.Equal((m + n) % Prime, Number(x + y));
        Assert.Equal((m - n + 2 * Prime) % Prime, Number(x - y));
        Assert.Equal(m * n % Prime, Number(x * y));
        Assert.Equal(m * m % Prime * n % Prime, Number(x.Square() * y));
        Assert.Equal(BigInteger.ModPow(m, Prime - 2, Prime), Number(x.Invert()));
    });

    private static byte[] Edge(EdgeSync.Primitives.Prng prng)
    {
        var bytes = prng.NextBytes(32);
        if (prng.Chance(0.3)) Array.Fill(bytes, (byte)0xff);
        if (prng.Chance(0.3)) bytes[0] = (byte)prng.NextInt32(0xe0, 0x100);
        if (prng.Chance(0.2)) Array.Clear(bytes, 1, 31);
        return bytes;
    }

    private static BigInteger Number(ReadOnlySpan<byte> bytes) => new(bytes, isUnsigned: true);

    private static BigInteger Number(Field25519 value)
    {
        var bytes = new byte[32];
        value.WriteTo(bytes);
        return Number(bytes);
    }

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
