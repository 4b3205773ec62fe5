using EdgeSync.Iroh.Endpoints;
using EdgeSync.Primitives;
using EdgeSync.Tests.Support;

namespace EdgeSync.UnitTests.Iroh.Endpoints;

public sealed class EndpointIdTests
{
    [Test]
    public void Has_the_spellings_of_iroh()
    {
        var id = IrohVectors.Key.Id;

        Assert.Equal(IrohVectors.Text("key-id"), id.ToString());
        Assert.Equal(IrohVectors.Text("key-base32"), id.ToBase32());
        Assert.Equal(IrohVectors.Text("key-z32"), id.ToZ32());
        Assert.Equal("03a107bff3", id.ToShortString());
    }

    [Test]
    public void Reads_hex_and_base32_in_either_case()
    {
        foreach (var text in (string[])
            [
                IrohVectors.Text("key-id"), IrohVectors.Text("key-base32"),
                IrohVectors.Text("key-base32").ToUpperInvariant(),
            ])
        {
            Assert.True(EndpointId.TryParse(text, out var id));
            Assert.Equal(IrohVectors.Key.Id, id);
        }
    }

    [Test]
    public void Rejects_the_spellings_that_iroh_rejects()
    {
        foreach (var text in (string[])
            [
                "", IrohVectors.Text("key-id").ToUpperInvariant(), IrohVectors.Text("key-z32"),
                IrohVectors.Text("key-id") + "0", IrohVectors.Text("key-base32")[..^1] + "b",
                "0eggffvjpo8bs7bgrkceeiu0j5ju9lhgjeigqnotri3684il66s0",
            ])
        {
            Assert.False(EndpointId.TryParse(text, out _), text);
        }
    }

    [Test]
    public void Rejects_bytes_that_are_no_point_of_the_curve()
    {
        var bytes = new byte[EndpointId.Bytes];
        bytes[0] = 2;   // no x has this y

        Assert.False(EndpointId.TryRead(bytes, out _));
        Assert.False(EndpointId.TryParse(Convert.ToHexStringLower(bytes), out _));
        Assert.False(EndpointId.TryRead(bytes.AsSpan(1), out _));
    }

    [Test]
    public void Reads_what_it_writes() => Property.Check(
        prng =>
        {
            using var key = new SecretKey(prng.NextBytes(SecretKey.SeedBytes));

            Assert.True(EndpointId.TryParse(key.Id.ToString(), out var fromHex));
            Assert.True(EndpointId.TryParse(key.Id.ToBase32(), out var fromBase32));
            Assert.True(EndpointId.TryParseZ32(key.Id.ToZ32(), out var fromZ32));
            Assert.True(fromHex == key.Id && fromBase32 == key.Id && fromZ32 == key.Id);
        },
        runs: 50);

    [Test]
    public void Sorts_as_its_text_does() => Property.Check(prng =>
    {
        var (one, other) = (new EndpointId(prng.NextBytes(32)), new EndpointId(prng.NextBytes(32)));

        Assert.Equal(
            Math.Sign(string.CompareOrdinal(one.ToString(), other.ToString())), Math.Sign(one.CompareTo(other)));
        Assert.Equal(one, new EndpointId(one.ToArray()));
    });

    [Test]
    public void A_secret_key_is_read_as_ids_are()
    {
        var seed = Enumerable.Range(0, 32).Select(i => (byte)i).ToArray();

        Assert.True(SecretKey.TryParse(Convert.ToHexStringLower(seed), out var fromHex));
        Assert.True(SecretKey.TryParse(Base32Coding.Rfc4648.Encode(seed), out var fromBase32));
        Assert.True(fromHex.Id == IrohVectors.Key.Id && fromBase32.Id == IrohVectors.Key.Id);
        Assert.False(SecretKey.TryParse(Convert.ToHexStringLower(seed).AsSpan(1), out _));
    }

    [Test]
    public void Signs_as_iroh_does_and_hides_its_seed()
    {
        Assert.Equal(IrohVectors.Text("key-signature"), Convert.ToHexStringLower(IrohVectors.Key.Sign("abc"u8)));
        Assert.Equal("secret key of 03a107bff3", IrohVectors.Key.ToString());
    }
}
