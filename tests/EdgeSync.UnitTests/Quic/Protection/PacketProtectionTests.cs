using EdgeSync.Quic.Packets;
using EdgeSync.Quic.Protection;
using EdgeSync.Tests.Support;

namespace EdgeSync.UnitTests.Quic.Protection;

public sealed class PacketProtectionTests
{
    private static readonly ConnectionId Sample = new(QuicVectors.OfRfc9001("destination-id"));

    [Test]
    public void Derives_the_secrets_of_the_RFC()
    {
        var client = new byte[32];
        var server = new byte[32];

        InitialSecrets.Derive(Sample, client, server);

        Assert.Equal(QuicVectors.OfRfc9001("client-secret"), client);
        Assert.Equal(QuicVectors.OfRfc9001("server-secret"), server);
        foreach (var (secret, name) in new[] { (client, "client"), (server, "server") })
        {
            Assert.Equal(QuicVectors.OfRfc9001(name + "-key"), Expand(secret, "quic key", 16));
            Assert.Equal(QuicVectors.OfRfc9001(name + "-iv"), Expand(secret, "quic iv", 12));
            Assert.Equal(QuicVectors.OfRfc9001(name + "-hp"), Expand(secret, "quic hp", 16));
        }
    }

    [Test]
    public void Derives_the_next_secret_of_the_RFC() =>
        // RFC 9001, A.5.
        Assert.Equal(
            "1223504755036d556342ee9361d253421a826c9ecdf3c7148684b36b714881f9",
            Convert.ToHexStringLower(Expand(
                Convert.FromHexString("9ac312a7f877468ebe69422748ad00a15443f18203a07d6060f688f30f21632b"),
                "quic ku",
                32)));

    [Test]
    public void Seals_the_client_Initial_of_the_RFC()
    {
        using var keys = LevelKeys.Initial(Sample, isServer: false);
        var packet = new byte[1200];
        var writer = new WireWriter(packet);
        var lengthAt = PacketWriter.WriteLong(
            ref writer, PacketType.Initial, Sample, new ConnectionId([]), [], number: 2, numberSize: 4);
        PacketWriter.WriteLength(packet.AsSpan(lengthAt), packet.Length - writer.Position + 4);
        QuicVectors.OfRfc9001("client-initial-payload").CopyTo(packet.AsSpan(writer.Position));

        Seal(keys, packet, writer.Position, number: 2, numberSize: 4);

        Assert.Equal(QuicVectors.OfRfc9001("client-initial-begin"), packet[..32]);
        Assert.Equal(QuicVectors.OfRfc9001("client-initial-end"), packet[^48..]);
    }

    [Test]
    public void Seals_and_opens_the_server_Initial_of_the_RFC()
    {
        var expected = QuicVectors.OfRfc9001("server-initial");
        var payload = QuicVectors.OfRfc9001("server-initial-payload");
        using var server = LevelKeys.Initial(Sample, isServer: true);
        var packet = new byte[expected.Length];
        var writer = new WireWriter(packet);
        var source = new ConnectionId(Convert.FromHexString("f067a5502a4262b5"));
        var lengthAt = PacketWriter.WriteLong(
            ref writer, PacketType.Initial, new ConnectionId([]), source, [], number: 1, numberSize: 2);
        PacketWriter.WriteLength(packet.AsSpan(lengthAt), packet.Length - writer.Position + 2);
        payload.CopyTo(packet.AsSpan(writer.Position));

        Seal(server, packet, writer.Position, number: 1, numberSize: 2);

        Assert.Equal(Convert.ToHexStringLower(expected), Convert.ToHexStringLower(packet));
        using var client = LevelKeys.Initial(Sample, isServer: false);
        Assert.Equal(payload, Open(client.Receive, client.ReceiveMask, expected.ToArray(), 0)!);
    }

    [Test]
    public void Opens_the_Initial_of_a_real_client()
    {
        var packet = QuicVectors.OfIroh("a3-client-initial").ToArray();
        using var keys = LevelKeys.Initial(new ConnectionId(QuicVectors.OfIroh("a3-destination-id")), isServer: true);

        var payload = Open(keys.Receive, keys.ReceiveMask, packet, 0)!;

        var hello = QuicVectors.OfIroh("a3-client-hello");
        Assert.Equal("06004162", Convert.ToHexStringLower(payload[..4]));
        Assert.Equal(hello, payload[4..(4 + hello.Length)]);
        Assert.True(payload.AsSpan(4 + hello.Length).IndexOfAnyExcept((byte)0) < 0);
    }

    [Test]
    [Arguments("a5-0-3", 0U)]
    [Arguments("a5-0-13", 0U)]
    [Arguments("a5-1-2", 1U)]
    [Arguments("a5-1-8", 1U)]
    [Arguments("a5-1-9", 1U)]
    public void Opens_packets_of_a_real_server_on_each_path(string name, uint pathId)
    {
        using var keys = new PacketKeys(QuicVectors.OfIroh("a5-key"), QuicVectors.OfIroh("a5-iv"));
        using var mask = new HeaderMask(QuicVectors.OfIroh("a5-hp"));

        var payload = Open(keys, mask, QuicVectors.OfIroh(name + "-packet").ToArray(), pathId);

        Assert.Equal(QuicVectors.OfIroh(name + "-payload"), payload!);
        Assert.Null(Open(keys, mask, QuicVectors.OfIroh(name + "-packet").ToArray(), pathId + 1));
    }

    [Test]
    public void Refuses_every_packet_with_a_changed_or_missing_byte()
    {
        var good = QuicVectors.OfRfc9001("server-initial");
        using var keys = LevelKeys.Initial(Sample, isServer: false);

        for (var i = 0; i < good.Length; i++)
        {
            var changed = good.ToArray();
            changed[i] ^= 1;
            Assert.Null(Open(keys.Receive, keys.ReceiveMask, changed, 0));
            Assert.Null(Open(keys.Receive, keys.ReceiveMask, good[..i], 0));
        }
    }

    [Test]
    [Arguments("000102030405060708090a0b0c0d0e0f", "69c4e0d86a7b0430d8cdb78070b4c55a")]
    [Arguments("000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f", "8ea2b7ca516745bfeafc49904b496089")]
    public void Masks_by_AES_as_FIPS_197_has_it(string key, string cipherText)
    {
        var sample = Convert.FromHexString("00112233445566778899aabbccddeeff");
        foreach (var useLibrary in new[] { false, true })
        {
            using var mask = new HeaderMask(Convert.FromHexString(key), useLibrary);
            var output = new byte[16];

            mask.Compute(sample, output);

            Assert.Equal(cipherText, Convert.ToHexStringLower(output));
        }
    }

    [Test]
    public void Instructions_and_library_make_the_same_mask() => Property.Check(prng =>
    {
        var key = prng.NextBytes(prng.Chance(0.5) ? 16 : 32);
        var sample = prng.NextBytes(16);
        using var fast = new HeaderMask(key);
        using var library = new HeaderMask(key, useLibrary: true);
        var (first, second) = (new byte[16], new byte[16]);

        fast.Compute(sample, first);
        library.Compute(sample, second);

        Assert.Equal(first, second);
    });

    [Test]
    public void Both_suites_open_what_they_seal()
    {
        foreach (var suite in new[] { CipherSuite.Aes128, CipherSuite.Aes256 })
        {
            using var sender = new LevelKeys(suite, Secret(suite, 1), Secret(suite, 2));
            using var receiver = new LevelKeys(suite, Secret(suite, 2), Secret(suite, 1));
            var packet = Packet(number: 5);

            Seal(sender, packet, 11, 5, 2);

            Assert.Equal(new byte[32], Open(receiver.Receive, receiver.ReceiveMask, packet, 0)!);
        }

        Assert.Null(CipherSuite.Find(0x1303));
        Assert.Same(CipherSuite.Aes256, CipherSuite.Find(0x1302));
    }

    [Test]
    public void Verifies_the_Retry_of_the_RFC()
    {
        var packet = QuicVectors.OfRfc9001("retry");

        Assert.True(RetryIntegrity.Verify(Sample, packet));

        for (var i = 0; i < packet.Length; i++)
        {
            var changed = packet.ToArray();
            changed[i] ^= 0x20;
            Assert.False(RetryIntegrity.Verify(Sample, changed));
        }

        Assert.False(RetryIntegrity.Verify(new ConnectionId([1]), packet));
    }

    private static byte[] Secret(CipherSuite suite, byte seed)
    {
        var secret = new byte[suite.HashBytes];
        secret.AsSpan().Fill(seed);
        return secret;
    }

    /// <summary>A short packet with 32 bytes of padding and room for its tag.</summary>
    private static byte[] Packet(ulong number)
    {
        var packet = new byte[1 + 8 + 2 + 32 + 16];
        var writer = new WireWriter(packet);
        PacketWriter.WriteShort(ref writer, new ConnectionId(new byte[8]), false, false, number, 2);
        return packet;
    }

    private static void Seal(LevelKeys keys, byte[] packet, int payloadAt, ulong number, int numberSize)
    {
        keys.Send.Seal(packet.AsSpan(0, payloadAt), packet.AsSpan(payloadAt), number);
        HeaderProtection.Apply(keys.SendMask, packet, payloadAt - numberSize, numberSize);
    }

    private static byte[]? Open(PacketKeys keys, HeaderMask mask, byte[] datagram, uint pathId)
    {
        if (PacketHeader.TryRead(datagram, 8, out var header) != HeaderFault.None || header.NumberOffset == 0)
            return null;
        var packet = datagram.AsSpan(0, header.PacketLength);
        if (!HeaderProtection.TryRemove(mask, packet, header.NumberOffset, out var truncated, out var size))
            return null;
        var payload = packet[(header.NumberOffset + size)..];
        var number = PacketNumbers.Expand(truncated, size, 0);
        return keys.TryOpen(packet[..(header.NumberOffset + size)], payload, number, pathId)
            ? payload[..^PacketKeys.TagBytes].ToArray()
            : null;
    }

    private static byte[] Expand(byte[] secret, string label, int size)
    {
        var output = new byte[size];
        Labels.Expand(CipherSuite.Aes128.Hash, secret, System.Text.Encoding.ASCII.GetBytes(label), [], output);
        return output;
    }
}
