using EdgeSync.Quic;
using EdgeSync.Quic.Tls;
using EdgeSync.Tests.Support;

namespace EdgeSync.UnitTests.Quic.Tls;

/// <summary>Each way in which a handshake must fail, with the alert that it fails with.</summary>
public sealed class TlsRefusalTests
{
    private const byte Hello1 = 1, Hello2 = 2, Encrypted = 8, Key = 11, Request = 13, Verify = 15, Finished = 20;

    [Test]
    [Arguments(19, "", 40)]            // certificate types: left out
    [Arguments(20, "", 40)]
    [Arguments(19, "0100", 40)]        // only X.509
    [Arguments(20, "0100", 40)]
    [Arguments(19, "00", 50)]
    [Arguments(13, "", 109)]           // signature schemes
    [Arguments(13, "00020403", 40)]
    [Arguments(13, "0000", 50)]
    [Arguments(16, "", 120)]           // ALPN
    [Arguments(16, "0002016e", 120)]
    [Arguments(16, "000100", 50)]      // an empty protocol
    [Arguments(10, "", 109)]           // groups
    [Arguments(10, "00020017", 40)]
    [Arguments(51, "", 109)]           // key share
    [Arguments(51, "0005001d000101", 50)]
    [Arguments(43, "", 70)]            // versions
    [Arguments(43, "020303", 70)]
    [Arguments(43, "030304", 50)]
    [Arguments(57, "", 109)]           // transport parameters
    public void Server_refuses_a_ClientHello(int extension, string content, int alert)
    {
        using var pair = new TlsPair();

        var (_, error) = pair.Run((fromServer, message) =>
            !fromServer && message[0] == Hello1 ? WithExtension(message, extension, content) : message);

        AssertAlert(alert, error);
    }

    [Test]
    public void Server_takes_X509_beside_raw_keys_and_schemes_beside_Ed25519()
    {
        using var pair = new TlsPair();

        // The transcripts differ, since the client does not know of the change: the handshake fails, but at the end.
        var (ofClient, ofServer) = pair.Run((fromServer, message) => fromServer || message[0] != Hello1
            ? message
            : WithExtension(WithExtension(WithExtension(
                message, 19, "020002"), 20, "020002"), 13, "000604030807ffff"));

        Assert.Null(ofServer);
        AssertAlert(51, ofClient);
    }

    [Test]
    public void Server_refuses_malformed_transport_parameters_with_the_code_of_QUIC()
    {
        using var pair = new TlsPair();

        var (_, error) = pair.Run((fromServer, message) =>
            !fromServer && message[0] == Hello1 ? WithExtension(message, 57, "0a024019") : message);

        Assert.Equal(TransportErrorCode.TransportParameterError, error?.Code);
    }

    [Test]
    public void Server_refuses_a_suite_compression_session_or_version_that_is_not_ours()
    {
        AssertAlert(40, ServerErrorOf(hello => hello[42] = hello[44] = 0x03));  // both suites to 0x13xx
        AssertAlert(47, ServerErrorOf(hello => hello[46] = 1));                  // compression
        AssertAlert(70, ServerErrorOf(hello => hello[5] = 2));                   // legacy version
        Assert.Equal(
            TransportErrorCode.ProtocolViolation,
            ServerErrorOf(null, hello => [.. hello[..38], 1, 7, .. hello[39..]])?.Code);
    }

    [Test]
    public void Server_refuses_a_client_without_a_key()
    {
        AssertAlert(116, ServerErrorIn(Key, _ => Message(Key, "00000000")));
    }

    [Test]
    public void Server_refuses_a_bad_key_signature_or_Finished_of_the_client()
    {
        AssertAlert(51, ServerErrorIn(Verify, m => Flip(m, m.Length - 1)));
        AssertAlert(51, ServerErrorIn(Finished, m => Flip(m, m.Length - 1)));
        AssertAlert(50, ServerErrorIn(Finished, m => Message(Finished, "00")));
        AssertAlert(47, ServerErrorIn(Verify, m => Flip(m, 5)));          // another scheme
        AssertAlert(43, ServerErrorIn(Key, m => Flip(m, 14)));            // not an Ed25519 SPKI
        AssertAlert(47, ServerErrorIn(Key, m => Message(Key, "0101000000")));   // a context
        AssertAlert(10, ServerErrorIn(Key, m => Message(24, "00")));      // KeyUpdate
        // The key of another: the signature is not by it.
        using var other = new Ed25519Key(TlsPair.Seed(5));
        AssertAlert(51, ServerErrorIn(Key, _ => TlsMessages.WriteCertificate(other.PublicKey.Span)));
    }

    [Test]
    public void Server_refuses_two_keys()
    {
        AssertAlert(42, ServerErrorIn(Key, m =>
        {
            var entry = m[8..];
            return Message(Key, "00" + (2 * entry.Length).ToString("x6", null)
                + Convert.ToHexStringLower(entry) + Convert.ToHexStringLower(entry));
        }));
    }

    [Test]
    public void Client_refuses_another_server_than_the_one_it_dialled()
    {
        using var pair = new TlsPair(TlsPair.ClientOptions() with { ExpectedPeer = TlsPair.Seed(3) });

        AssertAlert(42, pair.Run().OfClient);
    }

    [Test]
    [Arguments(16, "", 120)]            // no protocol, or one that was not offered
    [Arguments(16, "0002016e", 120)]
    [Arguments(16, "00040161016e", 50)]
    [Arguments(19, "", 40)]             // no raw keys
    [Arguments(20, "", 40)]
    [Arguments(20, "00", 40)]
    [Arguments(57, "", 109)]            // no transport parameters
    [Arguments(0, "-", 110)]            // what was not offered
    [Arguments(51, "-", 47)]            // what belongs elsewhere
    public void Client_refuses_EncryptedExtensions(int extension, string content, int alert) =>
        AssertAlert(alert, ClientErrorIn(Encrypted, m => WithExtension(m, extension, content)));

    [Test]
    public void Client_refuses_transport_parameters_of_the_server_with_the_code_of_QUIC() =>
        Assert.Equal(
            TransportErrorCode.TransportParameterError,
            ClientErrorIn(Encrypted, m => WithExtension(m, 57, "0e0101"))?.Code);

    [Test]
    public void Client_refuses_a_ServerHello()
    {
        AssertAlert(47, ClientErrorIn(Hello2, m => Replace(m, 40, 0x03)));   // suite 0x1303
        AssertAlert(47, ClientErrorIn(Hello2, m => Replace(m, 41, 1)));      // compression
        AssertAlert(70, ClientErrorIn(Hello2, m => Replace(m, 5, 2)));
        AssertAlert(70, ClientErrorIn(Hello2, m => WithExtension(m, 43, "0303")));
        AssertAlert(70, ClientErrorIn(Hello2, m => WithExtension(m, 43, "")));
        AssertAlert(109, ClientErrorIn(Hello2, m => WithExtension(m, 51, "")));
        AssertAlert(47, ClientErrorIn(Hello2, m => WithExtension(m, 51, "00170001ff")));
        AssertAlert(47, ClientErrorIn(
            Hello2, m => WithExtension(m, 51, "001d0020" + new string('0', 64))));   // leads to zero
        AssertAlert(110, ClientErrorIn(Hello2, m => WithExtension(m, 0, "-")));
        AssertAlert(47, ClientErrorIn(Hello2, m => [.. m[..3], (byte)(m[3] + 1), .. m[4..38], 1, 7, .. m[39..]]));
    }

    [Test]
    public void Client_refuses_a_bad_signature_Finished_or_request_of_the_server()
    {
        AssertAlert(51, ClientErrorIn(Verify, m => Flip(m, m.Length - 1)));
        AssertAlert(51, ClientErrorIn(Finished, m => Flip(m, m.Length - 1)));
        AssertAlert(50, ClientErrorIn(Key, _ => Message(Key, "00000000")));
        AssertAlert(109, ClientErrorIn(Request, _ => Message(Request, "000000")));
        AssertAlert(40, ClientErrorIn(Request, _ => Message(Request, "000008000d000400020403")));
        AssertAlert(47, ClientErrorIn(Request, _ => Message(Request, "01aa0008000d000400020807")));
        AssertAlert(10, ClientErrorIn(Request, m => [.. m, .. m]));
        AssertAlert(10, ClientErrorIn(Verify, _ => Message(Finished, new string('0', 64))));
    }

    [Test]
    public void Client_refuses_a_HelloRetryRequest_that_changes_nothing_or_comes_twice()
    {
        var request = ServerHello.WriteRetryRequest(EdgeSync.Quic.Protection.CipherSuite.Aes128);
        using var sharing = new TlsPair();
        using var asking = new TlsPair(TlsPair.ClientOptions() with { OffersKeyShare = false });

        AssertAlert(47, sharing.Client.Receive(EncryptionLevel.Initial, request));
        AssertAlert(47, Started().Receive(EncryptionLevel.Initial, WithExtension(request, 51, "")));
        AssertAlert(47, asking.Client.Receive(EncryptionLevel.Initial, WithExtension(request, 51, "0017")));

        using var twice = new TlsPair(TlsPair.ClientOptions() with { OffersKeyShare = false });
        Assert.Null(twice.Client.Receive(EncryptionLevel.Initial, request));
        AssertAlert(10, twice.Client.Receive(EncryptionLevel.Initial, request));
    }

    [Test]
    public void Client_returns_the_cookie_of_a_HelloRetryRequest()
    {
        var request = WithExtension(
            WithExtension(ServerHello.WriteRetryRequest(EdgeSync.Quic.Protection.CipherSuite.Aes128), 51, ""),
            44, "-0003aabbcc");
        var client = Started();
        var first = client.TakeOutput(EncryptionLevel.Initial);

        Assert.Null(client.Receive(EncryptionLevel.Initial, request));

        var second = client.TakeOutput(EncryptionLevel.Initial);
        Assert.Null(ClientHello.TryRead(second.AsSpan(4), out var hello));
        Assert.Equal("0003aabbcc", Convert.ToHexStringLower(hello.Extensions[44]!));
        Assert.Equal(first[6..38], hello.Random);
    }

    [Test]
    public void Both_sides_refuse_messages_with_the_keys_of_another_level()
    {
        using var pair = new TlsPair();
        var hello = pair.Client.TakeOutput(EncryptionLevel.Initial);

        AssertAlert(10, pair.Server.Receive(EncryptionLevel.Handshake, hello));

        using var other = new TlsPair();
        other.Run();
        AssertAlert(10, other.Server.Receive(EncryptionLevel.OneRtt, Message(24, "00")));
        AssertAlert(10, other.Client.Receive(EncryptionLevel.Handshake, Message(Finished, "00")));
        AssertAlert(10, other.Client.Receive(EncryptionLevel.OneRtt, Message(24, "01")));
        AssertAlert(10, other.Client.Receive(EncryptionLevel.OneRtt, Message(Request, "0000")));
    }

    [Test]
    public void A_message_that_is_cut_off_waits_and_one_that_is_too_long_does_not()
    {
        using var pair = new TlsPair();
        var hello = pair.Client.TakeOutput(EncryptionLevel.Initial);

        foreach (var prefix in Splits.Prefixes(hello))
        {
            using var other = new TlsPair();
            Assert.Null(other.Server.Receive(EncryptionLevel.Initial, prefix));
        }

        AssertAlert(50, pair.Server.Receive(EncryptionLevel.Initial, [Hello1, 0, 0x40, 1]));
    }

    [Test]
    public void Every_body_that_is_cut_off_is_refused()
    {
        foreach (var type in new[] { Encrypted, Key, Request, Verify, Finished, Hello2 })
        {
            var cut = 0;
            while (true)
            {
                var size = cut++;
                var isWhole = false;
                var error = ClientErrorIn(type, m =>
                {
                    isWhole = size >= m.Length - 4;
                    return isWhole ? m : [m[0], 0, (byte)(size >> 8), (byte)size, .. m[4..(4 + size)]];
                });
                if (isWhole) break;
                Assert.NotNull(error);
            }

            Assert.True(cut > 10);
        }
    }

    private static TlsClient Started() => new TlsPair().Client;

    private static QuicError? ServerErrorOf(Action<byte[]>? edit, Func<byte[], byte[]>? body = null)
    {
        using var pair = new TlsPair();
        var (_, error) = pair.Run((fromServer, message) =>
        {
            if (fromServer || message[0] != Hello1) return message;
            if (body is not null) return Message(Hello1, Convert.ToHexStringLower(body(message)[4..]));
            edit!(message);
            return message;
        });
        return error;
    }

    private static QuicError? ServerErrorIn(byte type, Func<byte[], byte[]> change)
    {
        using var pair = new TlsPair();
        return pair.Run((fromServer, m) => !fromServer && m[0] == type ? change(m) : m).OfServer;
    }

    private static QuicError? ClientErrorIn(byte type, Func<byte[], byte[]> change)
    {
        using var pair = new TlsPair();
        return pair.Run((fromServer, m) => fromServer && m[0] == type ? change(m) : m).OfClient;
    }

    private static void AssertAlert(int alert, QuicError? error) => Assert.Equal(0x100UL + (ulong)alert, error?.Code);

    private static byte[] Flip(byte[] message, int at)
    {
        message[at] ^= 1;
        return message;
    }

    private static byte[] Replace(byte[] message, int at, byte value)
    {
        message[at] = value;
        return message;
    }

    private static byte[] Message(byte type, string body)
    {
        var bytes = Convert.FromHexString(body);
        return [type, 0, (byte)(bytes.Length >> 8), (byte)bytes.Length, .. bytes];
    }

    /// <summary>
    /// A message with one extension replaced; left out when the content is empty, added when it begins with <c>-</c>.
    /// </summary>
    private static byte[] WithExtension(byte[] message, int type, string content)
    {
        var at = 4 + message[0] switch
        {
            Hello1 => 2 + 32 + 1 + 2 + 4 + 2,
            Hello2 => 2 + 32 + 1 + 2 + 1,
            _ => 0,
        };
        var extensions = new List<byte>();
        for (var from = at + 2; from < message.Length;)
        {
            var number = (message[from] << 8) | message[from + 1];
            var size = 4 + ((message[from + 2] << 8) | message[from + 3]);
            if (number != type) extensions.AddRange(message[from..(from + size)]);
            from += size;
        }

        if (content.Length > 0)
        {
            var bytes = Convert.FromHexString(content.TrimStart('-'));
            extensions.AddRange([(byte)(type >> 8), (byte)type]);
            extensions.AddRange([(byte)(bytes.Length >> 8), (byte)bytes.Length, .. bytes]);
        }

        byte[] body = [.. message[4..at], (byte)(extensions.Count >> 8), (byte)extensions.Count, .. extensions];
        return [message[0], 0, (byte)(body.Length >> 8), (byte)body.Length, .. body];
    }
}
