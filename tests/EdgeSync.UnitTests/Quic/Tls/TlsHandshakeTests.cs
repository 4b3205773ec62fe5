using System.Text;
using EdgeSync.Primitives;
using EdgeSync.Quic.Packets;
using EdgeSync.Quic.Protection;
using EdgeSync.Quic.Tls;
using EdgeSync.Tests.Support;

namespace EdgeSync.UnitTests.Quic.Tls;

public sealed class TlsHandshakeTests
{
    [Test]
    public void Replays_the_handshake_with_a_real_server_byte_for_byte()
    {
        using var key = new Ed25519Key(TlsPair.Seed(9));
        var secret = Enumerable.Range(0x20, 32).Select(i => (byte)i).ToArray();
        var options = new TlsOptions(key, [TlsPair.Echo], new TransportParameters())
        {
            ExpectedPeer = Convert.FromHexString("8a88e3dd7409f195fd52db2d3cba5d72ca6709bf1d94121bf3748801b40f6f5c"),
        };
        using var client = new TlsClient(
            options, new SeededEntropy(1), QuicVectors.OfIroh("a4-client-hello"), secret);

        Assert.Null(client.Receive(EncryptionLevel.Initial, QuicVectors.OfIroh("a4-server-hello")));
        Assert.Equal(QuicVectors.OfIroh("a4-client-handshake-traffic"), client.HandshakeSecrets!.Client);
        Assert.Equal(QuicVectors.OfIroh("a4-server-handshake-traffic"), client.HandshakeSecrets.Server);
        foreach (var message in new[]
        {
            "encrypted-extensions", "certificate-request", "certificate", "certificate-verify", "finished",
        })
            Assert.Null(client.Receive(EncryptionLevel.Handshake, QuicVectors.OfIroh("a4-" + message)));

        Assert.True(client.IsComplete);
        Assert.Equal(QuicVectors.OfIroh("a4-client-application-traffic"), client.ApplicationSecrets!.Client);
        Assert.Equal(QuicVectors.OfIroh("a4-server-application-traffic"), client.ApplicationSecrets.Server);
        Assert.Equal(
            Convert.ToHexStringLower(QuicVectors.OfIroh("a4-client-flight")),
            Convert.ToHexStringLower(client.TakeOutput(EncryptionLevel.Handshake)));
        Assert.Equal(TlsPair.Echo, client.Alpn);
        Assert.Equal(7UL, client.PeerParameters!.InitialMaxPathId);
        Assert.Null(client.Receive(EncryptionLevel.OneRtt, QuicVectors.OfIroh("a4-session-ticket")));
    }

    [Test]
    public void Server_answers_the_ClientHello_of_a_real_client()
    {
        using var pair = new TlsPair();

        var error = pair.Server.Receive(EncryptionLevel.Initial, QuicVectors.OfIroh("a3-client-hello"));

        Assert.Null(error);
        Assert.Same(CipherSuite.Aes256, pair.Server.ApplicationSecrets!.Suite);   // the client's favourite
        Assert.Equal(30_000UL, pair.Server.PeerParameters!.MaxIdleTimeout);
        Assert.False(pair.Server.IsComplete);
    }

    [Test]
    [Arguments(int.MaxValue)]
    [Arguments(1)]
    [Arguments(7)]
    public void Both_sides_complete_and_agree(int piece)
    {
        using var pair = new TlsPair();

        Assert.Equal((null, null), pair.Run(piece: piece));

        AssertAgreed(pair);
    }

    [Test]
    public void Server_asks_for_a_key_share_that_is_missing()
    {
        using var pair = new TlsPair(TlsPair.ClientOptions() with { OffersKeyShare = false });
        var retries = 0;

        var errors = pair.Run((fromServer, message) =>
        {
            if (fromServer && message[0] == 2 && message.AsSpan(6, 32).SequenceEqual(TlsProfile.RetryRandom)) retries++;
            return message;
        });

        Assert.Equal((null, null), errors);
        Assert.Equal(1, retries);
        AssertAgreed(pair);
    }

    [Test]
    public void First_protocol_of_the_client_that_the_server_knows_is_taken()
    {
        byte[] other = "other"u8.ToArray();
        using var pair = new TlsPair(
            TlsPair.ClientOptions() with { Alpn = ["unknown"u8.ToArray(), other, TlsPair.Echo] },
            TlsPair.ServerOptions() with { Alpn = [TlsPair.Echo, other] });

        Assert.Equal((null, null), pair.Run());

        Assert.Equal(other, pair.Client.Alpn);
        Assert.Equal(other, pair.Server.Alpn);
    }

    [Test]
    public void Exported_keys_are_those_of_both_sides()
    {
        using var pair = new TlsPair();
        pair.Run();
        var (ofClient, ofServer, other) = (new byte[40], new byte[40], new byte[40]);

        pair.Client.Export("label"u8, "context"u8, ofClient);
        pair.Server.Export("label"u8, "context"u8, ofServer);
        pair.Server.Export("label"u8, "contexT"u8, other);

        Assert.Equal(ofClient, ofServer);
        Assert.NotEqual(ofClient, other);
    }

    [Test]
    public void Secrets_are_cleared_at_the_end()
    {
        var pair = new TlsPair();
        pair.Run();
        var secrets = new[]
        {
            pair.Client.HandshakeSecrets!.Client, pair.Client.HandshakeSecrets.Server,
            pair.Client.ApplicationSecrets!.Client, pair.Client.ApplicationSecrets.Server,
        };

        pair.Dispose();

        Assert.All(secrets, secret => Assert.True(secret.AsSpan().IndexOfAnyExcept((byte)0) < 0));
    }

    [Test]
    public void Keys_and_signatures_are_those_of_iroh()
    {
        using var key = new Ed25519Key(Enumerable.Range(0, 32).Select(i => (byte)i).ToArray());

        Assert.Equal(
            "03a107bff3ce10be1d70dd18e74bc09967e4d6309ba50d5f1ddc8664125531b8",
            Convert.ToHexStringLower(key.PublicKey.Span));
        Assert.Equal(
            "cc46d62d3754f41754b27b6ea2cb2c272bafa7a5a1f6062bd060f414e50caaea"
                + "c2da66ad39cef4424a90236ea907b7d8057e3443dc5abfc9986967ee7213a407",
            Convert.ToHexStringLower(key.Sign("abc"u8)));
        Assert.True(Ed25519Key.Verify(key.PublicKey.Span, "abc"u8, key.Sign("abc"u8)));
        Assert.False(Ed25519Key.Verify(key.PublicKey.Span, "abd"u8, key.Sign("abc"u8)));
    }

    [Test]
    public void Verification_refuses_keys_of_small_order()
    {
        // With the neutral element as key and as R, and S = 0, the equation holds for every message.
        var neutral = new byte[32];
        neutral[0] = 1;
        byte[] signature = [.. neutral, .. new byte[32]];

        Assert.False(Ed25519Key.Verify(neutral, "any"u8, signature));
    }

    [Test]
    public void Exchanges_keys_as_RFC_7748_has_it()
    {
        using var alice = new KeyShare(
            Convert.FromHexString("77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a"));
        using var bob = new KeyShare(
            Convert.FromHexString("5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb"));

        Assert.Equal(
            "8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a", Convert.ToHexStringLower(alice.Public));
        Assert.Equal(
            "4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742",
            Convert.ToHexStringLower(alice.Agree(bob.Public)!));
        Assert.Equal(alice.Agree(bob.Public), bob.Agree(alice.Public));
        Assert.Null(alice.Agree(new byte[32]));
        Assert.Null(alice.Agree(new byte[31]));
    }

    [Test]
    public void No_message_makes_the_client_fail() => Property.Check(
        prng => RunMutated(prng, fromServer: true), runs: 300);

    [Test]
    public void No_message_makes_the_server_fail() => Property.Check(
        prng => RunMutated(prng, fromServer: false), runs: 300);

    private static void RunMutated(Prng prng, bool fromServer)
    {
        using var pair = new TlsPair(TlsPair.ClientOptions() with { OffersKeyShare = prng.Chance(0.7) });
        var at = prng.NextInt32(6);
        var changed = false;

        var (ofClient, ofServer) = pair.Run((isServer, message) =>
        {
            if (isServer != fromServer || at-- != 0) return message;
            var mutated = Mutation.OfBytes(prng, message, [message]);
            changed = !mutated.AsSpan().SequenceEqual(message);
            return mutated;
        });

        // Nothing that was changed goes unnoticed on both sides.
        if (changed)
            Assert.False(pair.Client.IsComplete && pair.Server.IsComplete && ofClient is null && ofServer is null);
    }

    private static void AssertAgreed(TlsPair pair)
    {
        Assert.True(pair.Client.IsComplete && pair.Server.IsComplete);
        Assert.Equal(pair.Client.ApplicationSecrets!.Client, pair.Server.ApplicationSecrets!.Client);
        Assert.Equal(pair.Client.ApplicationSecrets.Server, pair.Server.ApplicationSecrets.Server);
        Assert.Equal(TlsPair.ServerKey.PublicKey.ToArray(), pair.Client.PeerKey);
        Assert.Equal(TlsPair.ClientKey.PublicKey.ToArray(), pair.Server.PeerKey);
        Assert.Equal("test/echo/1", Encoding.ASCII.GetString(pair.Server.Alpn));
        Assert.Equal("02", pair.Client.PeerParameters!.InitialSourceId.ToString());
        Assert.Equal("01", pair.Server.PeerParameters!.InitialSourceId.ToString());
    }
}
