using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using EdgeSync.Quic;
using EdgeSync.Quic.Tls;
using EdgeSync.Tests.Support;

namespace EdgeSync.UnitTests.Quic.Tls;

/// <summary>A server that shows a certificate: each way in which it works, and each in which it must fail.</summary>
public sealed class CertificateTests
{
    private const byte Hello1 = 1, Encrypted = 8, Certificate = 11, Verify = 15, Finished = 20;

    [Test]
    [Arguments("p256", int.MaxValue)]
    [Arguments("p256", 1)]
    [Arguments("p384", 100)]
    [Arguments("rsa", int.MaxValue)]
    [Arguments("ed25519", int.MaxValue)]
    public void A_client_without_a_key_and_a_server_with_a_certificate_agree(string kind, int piece)
    {
        var trust = new CertificatePair();
        using var certificate = CertificatePair.Make(kind);
        using var pair = new TlsPair(trust.ClientOptions(), CertificatePair.ServerOptions(certificate));
        var messages = new List<byte>();

        var errors = pair.Run((fromServer, m) => Note(messages, fromServer, m), piece);

        Assert.Equal((null, null), errors);
        Assert.True(pair.Client.IsComplete && pair.Server.IsComplete);
        Assert.Equal(pair.Client.ApplicationSecrets!.Client, pair.Server.ApplicationSecrets!.Client);
        Assert.Empty(pair.Client.PeerKey);
        Assert.Empty(pair.Server.PeerKey);
        Assert.Equal("relay.test", trust.Host);
        Assert.Equal(certificate.Chain, trust.Chain);
        // No request for a key of the client's, and none of it.
        Assert.Equal([Encrypted, Certificate, Verify, Finished], messages);
    }

    [Test]
    public void A_whole_chain_is_sent_and_judged()
    {
        var trust = new CertificatePair();
        using var other = CertificatePair.Make("rsa");
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using var certificate = new TlsCertificate([CertificatePair.CertificateOf(key), other.Chain[0]], key);
        using var pair = new TlsPair(trust.ClientOptions(), CertificatePair.ServerOptions(certificate));

        Assert.Equal((null, null), pair.Run());

        Assert.Equal(certificate.Chain, trust.Chain);
    }

    [Test]
    public void One_server_shows_its_raw_key_to_who_asks_for_it_and_its_certificate_to_others()
    {
        using var certificate = CertificatePair.Make("p256");
        using var raw = new TlsPair(null, CertificatePair.ServerOptions(certificate));
        using var named = new TlsPair(
            new CertificatePair().ClientOptions(), CertificatePair.ServerOptions(certificate));

        Assert.Equal((null, null), raw.Run());
        Assert.Equal((null, null), named.Run());

        Assert.Equal(TlsPair.ServerKey.PublicKey.ToArray(), raw.Client.PeerKey);
        Assert.Equal(TlsPair.ClientKey.PublicKey.ToArray(), raw.Server.PeerKey);
        Assert.Empty(named.Client.PeerKey);
    }

    [Test]
    public void A_server_without_a_certificate_refuses_who_wants_one_at_its_first_message()
    {
        using var pair = new TlsPair(new CertificatePair().ClientOptions());

        AssertAlert(40, pair.Run().OfServer);
    }

    [Test]
    public void A_server_asks_for_a_share_and_shows_its_certificate_then()
    {
        using var certificate = CertificatePair.Make("p384");
        using var pair = new TlsPair(
            new CertificatePair().ClientOptions() with { OffersKeyShare = false },
            CertificatePair.ServerOptions(certificate));

        Assert.Equal((null, null), pair.Run());
    }

    [Test]
    [Arguments("relay.test", "relay.test", "relay.test")]
    [Arguments("relay.test.", "relay.test", "relay.test")]
    [Arguments("192.0.2.7", null, "192.0.2.7")]
    [Arguments("2001:db8::7", null, "2001:db8::7")]
    public void The_name_is_sent_as_SNI_and_an_IP_address_is_not(string host, string? sni, string judged)
    {
        var trust = new CertificatePair();
        using var certificate = CertificatePair.Make("p256");
        using var pair = new TlsPair(trust.ClientOptions(host), CertificatePair.ServerOptions(certificate));
        byte[]? sent = null;

        Assert.Equal((null, null), pair.Run((fromServer, m) =>
        {
            if (!fromServer && m[0] == Hello1 && ClientHello.TryRead(m.AsSpan(4), out var hello) is null)
                sent = hello.Extensions[ExtensionType.ServerName];
            return m;
        }));

        Assert.Equal(judged, trust.Host);
        Assert.Equal(sni, sent is null ? null : System.Text.Encoding.ASCII.GetString(sent[5..]));
    }

    [Test]
    [Arguments(CertificateProblem.Bad, 42)]
    [Arguments(CertificateProblem.Unsuitable, 43)]
    [Arguments(CertificateProblem.Revoked, 44)]
    [Arguments(CertificateProblem.Expired, 45)]
    [Arguments(CertificateProblem.Other, 46)]
    [Arguments(CertificateProblem.UnknownAuthority, 48)]
    public void A_client_refuses_what_is_not_trusted(CertificateProblem problem, int alert)
    {
        var trust = new CertificatePair { Fault = new CertificateFault(problem, "why") };
        using var certificate = CertificatePair.Make("p256");
        using var pair = new TlsPair(trust.ClientOptions(), CertificatePair.ServerOptions(certificate));

        var error = pair.Run().OfClient;

        AssertAlert(alert, error);
        Assert.Equal("why", error!.Reason);
    }

    [Test]
    [Arguments("00000000", 50)]                                // no certificate
    [Arguments("", 50)]
    [Arguments("0101000000", 47)]                              // a context
    [Arguments("00000005" + "0000000000", 50)]                 // an empty certificate
    [Arguments("00000006" + "000001" + "30" + "0000", 42)]     // not a certificate
    [Arguments("00000006" + "000001" + "2d" + "0000", 42)]     // PEM, perhaps
    [Arguments("0000000c" + "000003" + "300100" + "0004" + "00050000", 110)]   // what was not asked for
    public void A_client_refuses_a_malformed_chain(string body, int alert) =>
        AssertAlert(alert, ErrorIn(Certificate, _ => Message(Certificate, Convert.FromHexString(body))));

    [Test]
    public void A_client_refuses_more_certificates_than_there_can_be()
    {
        AssertAlert(42, ErrorIn(Certificate, m =>
        {
            byte[] entries = [.. Enumerable.Repeat(m[8..], 11).SelectMany(e => e)];
            return Message(Certificate, [0, .. Size(entries.Length), .. entries]);
        }));
        var longest = TlsCertificate.ChainBytesMax + 1024;
        AssertAlert(50, ErrorIn(Certificate, _ => [Certificate, .. Size(longest + 1)]));
        // As long as allowed, it is waited for.
        Assert.Null(ErrorIn(Certificate, _ => [Certificate, .. Size(longest)]));
        // An endpoint of raw keys has no use for long chains.
        using var raw = new TlsPair();
        AssertAlert(50, raw.Run((s, m) => s && m[0] == Certificate ? [Certificate, .. Size(1025)] : m).OfClient);
    }

    [Test]
    [Arguments("p256")]
    [Arguments("p384")]
    [Arguments("rsa")]
    [Arguments("ed25519")]
    public void A_client_refuses_a_wrong_signature_and_another_scheme(string kind)
    {
        AssertAlert(51, ErrorIn(Verify, m => Flip(m, m.Length - 1), kind));
        AssertAlert(51, ErrorIn(Verify, m => [Verify, 0, 0, 5, m[4], m[5], 0, 1, 0x30], kind));
        AssertAlert(10, ErrorIn(Verify, _ => [Finished, 0, 0, 0], kind));
        foreach (var scheme in (ushort[])[0x0401, 0x0403, 0x0503, 0x0603, 0x0804, 0x0807, 0x0809, 0x0201])
        {
            var own = kind switch { "p256" => 0x0403, "p384" => 0x0503, "rsa" => 0x0804, _ => 0x0807 };
            if (scheme == own) continue;
            AssertAlert(47, ErrorIn(
                Verify, m => [.. m[..4], (byte)(scheme >> 8), (byte)scheme, .. m[6..]], kind));
        }

        if (kind == "rsa") AssertAlert(51, ErrorIn(Verify, m => Flip(m, 5), kind));   // SHA-384 over it
    }

    [Test]
    public void A_client_refuses_keys_that_are_not_for_signatures_or_of_another_kind()
    {
        using var forSignatures = CertificatePair.Make("p256", X509KeyUsageFlags.DigitalSignature);
        using var forOthers = CertificatePair.Make("p256", X509KeyUsageFlags.KeyAgreement);
        using var large = ECDsa.Create(ECCurve.NamedCurves.nistP521);
        var unknown = CertificatePair.CertificateOf(large);

        Assert.Null(ErrorIn(0, m => m, forSignatures));
        AssertAlert(43, ErrorIn(0, m => m, forOthers));
        AssertAlert(43, ErrorIn(
            Certificate, _ => Message(
                Certificate, [0, .. Size(unknown.Length + 5), .. Size(unknown.Length), .. unknown, 0, 0])));
        Assert.Throws<NotSupportedException>(() => new TlsCertificate([unknown], large));
        Assert.Throws<NotSupportedException>(() => new TlsCertificate([new byte[TlsCertificate.ChainBytesMax + 1]],
            TlsPair.ServerKey));
        using var small = RSA.Create(1024);
        Assert.Throws<NotSupportedException>(() => new TlsCertificate([unknown], small));
    }

    [Test]
    public void A_server_refuses_who_takes_no_signature_by_its_key()
    {
        using var certificate = CertificatePair.Make("p384");
        using var pair = new TlsPair(new CertificatePair().ClientOptions(), CertificatePair.ServerOptions(certificate));

        var (_, error) = pair.Run((fromServer, m) =>
            fromServer || m[0] != Hello1 ? m : Replace(m, [0x05, 0x03], [0x05, 0x0f]));

        AssertAlert(40, error);
    }

    [Test]
    public void A_request_for_a_certificate_of_the_client_is_not_an_error()
    {
        // The transcripts differ, since the server does not know of its request: the signature is wrong, no more.
        AssertAlert(51, ErrorIn(Certificate, m => [13, 0, 0, 11, 0, 0, 8, 0, 13, 0, 4, 0, 2, 4, 3, .. m]));
        AssertAlert(109, ErrorIn(Certificate, m => [13, 0, 0, 3, 0, 0, 0, .. m]));
        var empty = new CertificateForm(new ServerTrust("relay.test", new CertificatePair()));
        Assert.Equal([Certificate, 0, 0, 4, 0, 0, 0, 0], empty.WriteCertificate(TlsPair.ClientKey));
        Assert.Null(empty.Sign(TlsPair.ClientKey, []));
    }

    [Test]
    public void A_server_that_names_types_of_certificates_that_were_not_offered_is_refused() =>
        AssertAlert(110, ErrorIn(Encrypted, m =>
        {
            byte[] extensions = [.. m[6..], 0, 20, 0, 1, 2];
            return Message(Encrypted, [(byte)(extensions.Length >> 8), (byte)extensions.Length, .. extensions]);
        }));

    [Test]
    public void Every_chain_and_signature_that_is_cut_off_is_refused()
    {
        using var certificate = CertificatePair.Make("p256");
        foreach (var type in new[] { Certificate, Verify })
        {
            for (var size = 0; ; size++)
            {
                var isWhole = false;
                var error = ErrorIn(
                    type, m =>
                    {
                        isWhole = size >= m.Length - 4;
                        return isWhole ? m : Message(type, m[4..(4 + size)]);
                    },
                    certificate);
                if (isWhole) break;
                Assert.NotNull(error);
            }
        }
    }

    [Test]
    public void No_bytes_make_a_client_fail()
    {
        using var certificate = CertificatePair.Make("p256");
        Property.Check(
            prng => ErrorIn(
                prng.Chance(0.7) ? Certificate : Verify,
                m =>
                {
                    var body = Mutation.OfBytes(prng, m[4..], [m[4..]]);
                    return Message(m[0], body.Length > 20_000 ? body[..20_000] : body);
                },
                certificate),
            runs: 300);
    }

    private static byte[] Note(List<byte> messages, bool fromServer, byte[] message)
    {
        if (message[0] is not (Hello1 or 2) && fromServer) messages.Add(message[0]);
        return message;
    }

    private static QuicError? ErrorIn(byte type, Func<byte[], byte[]> change, string kind = "p256")
    {
        using var certificate = CertificatePair.Make(kind);
        return ErrorIn(type, change, certificate);
    }

    /// <summary>The client's error when one message of the server is changed.</summary>
    private static QuicError? ErrorIn(byte type, Func<byte[], byte[]> change, TlsCertificate certificate)
    {
        using var pair = new TlsPair(new CertificatePair().ClientOptions(), CertificatePair.ServerOptions(certificate));
        Assert.Null(pair.Server.Receive(EncryptionLevel.Initial, pair.Client.TakeOutput(EncryptionLevel.Initial)));
        Assert.Null(pair.Client.Receive(EncryptionLevel.Initial, pair.Server.TakeOutput(EncryptionLevel.Initial)));
        foreach (var message in TlsPair.Split(pair.Server.TakeOutput(EncryptionLevel.Handshake)))
        {
            var changed = message[0] == type ? change(message) : message;
            if (pair.Client.Receive(EncryptionLevel.Handshake, changed) is { } error) return error;
            // What follows would be taken for the rest of a message that is not whole.
            if (changed is [_, var high, var middle, var low, ..]
                && ((high << 16) | (middle << 8) | low) > changed.Length)
                return null;
        }

        return null;
    }

    private static void AssertAlert(int alert, QuicError? error) => Assert.Equal(0x100UL + (ulong)alert, error?.Code);

    private static byte[] Flip(byte[] message, int at)
    {
        message[at] ^= 1;
        return message;
    }

    private static byte[] Replace(byte[] message, byte[] what, byte[] by)
    {
        var at = message.AsSpan().LastIndexOf(what);
        by.CopyTo(message, at);
        return message;
    }

    private static byte[] Size(int value) => [(byte)(value >> 16), (byte)(value >> 8), (byte)value];

    private static byte[] Message(byte type, byte[] body) => [type, .. Size(body.Length), .. body];
}
