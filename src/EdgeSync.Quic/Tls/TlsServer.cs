using EdgeSync.Primitives;
using EdgeSync.Quic.Protection;

namespace EdgeSync.Quic.Tls;

/// <summary>
/// The server's side; the messages are drawn at <see cref="TlsClient"/>. A server with a raw key always requests the
/// client's: without it the client would not be authenticated. One that shows a certificate requests none.
/// </summary>
internal sealed class TlsServer(TlsOptions options, Entropy entropy) : TlsSession(options, entropy)
{
    private enum State : byte
    {
        ClientHello,
        SecondClientHello,
        Certificate,
        CertificateVerify,
        Finished,
        Done,
    }

    private State _state;
    private byte[] _firstRandom = [];

    protected override QuicError? Take(HandshakeType type, byte[] message, ReadOnlySpan<byte> body) =>
        (_state, type) switch
        {
            (State.ClientHello or State.SecondClientHello, HandshakeType.ClientHello) => TakeClientHello(message, body),
            (State.Certificate, HandshakeType.Certificate) => Then(
                TakeCertificate(message, body, isFromClient: true), State.CertificateVerify),
            (State.CertificateVerify, HandshakeType.CertificateVerify) => Then(
                TakeCertificateVerify(message, body, byServer: false), State.Finished),
            (State.Finished, HandshakeType.Finished) => TakeClientFinished(message, body),
            _ => Unexpected(type),
        };

    private QuicError? Then(QuicError? error, State next)
    {
        if (error is null) _state = next;
        return error;
    }

    private QuicError? TakeClientHello(byte[] message, ReadOnlySpan<byte> body)
    {
        if (ClientHello.TryRead(body, out var hello) is { } error) return error;
        if (CheckVersion(hello) is { } versionError) return versionError;
        if (hello.SessionId.Length > 0)
            return new QuicError(TransportErrorCode.ProtocolViolation, 0, "QUIC clients send no session id");
        if (ChooseSuite(hello) is not { } suite) return TlsAlert.HandshakeFailure.ToError("no cipher suite in common");
        if (CheckKeyTypes(hello) is { } typeError) return typeError;
        if (CheckGroups(hello) is { } groupError) return groupError;
        if (hello.FindKeyShare() is not { } share) return TlsAlert.DecodeError.ToError("the key shares are malformed");

        if (_state == State.SecondClientHello && !hello.Random.AsSpan().SequenceEqual(_firstRandom))
            return TlsAlert.IllegalParameter.ToError("the second ClientHello is another one");
        if (_state == State.SecondClientHello && (suite != Suite || share.Length == 0))
            return TlsAlert.IllegalParameter.ToError("the second ClientHello does not give what was asked for");
        if (ChooseAlpn(hello) is { } alpnError) return alpnError;
        if (TakeParameters(hello.Extensions[ExtensionType.QuicTransportParameters], isFromServer: false) is { } bad)
            return bad;

        Suite = suite;
        Transcript.Add(message);
        return share.Length == 0 ? AskForShare(hello) : SendFlight(share);
    }

    private static QuicError? CheckVersion(ClientHello hello)
    {
        if (hello.Extensions[ExtensionType.SupportedVersions] is not { } versions)
            return TlsAlert.ProtocolVersion.ToError("the client does not speak TLS 1.3");
        // A list of 16-bit values behind one byte of length.
        if (versions.Length < 3 || versions[0] != versions.Length - 1 || versions[0] % 2 != 0)
            return TlsAlert.DecodeError.ToError("the versions are malformed");
        for (var i = 1; i < versions.Length; i += 2)
            if (versions[i] == 0x03 && versions[i + 1] == 0x04) return null;
        return TlsAlert.ProtocolVersion.ToError("the client does not speak TLS 1.3");
    }

    /// <summary>The client's order decides, as with iroh.</summary>
    private static CipherSuite? ChooseSuite(ClientHello hello)
    {
        foreach (var number in hello.Suites)
            if (CipherSuite.Find(number) is { } suite) return suite;
        return null;
    }

    private QuicError? CheckKeyTypes(ClientHello hello)
    {
        // A client that does not ask for raw keys means certificates (RFC 7250 §4.1).
        if (Options.Certificate is { } certificate && !KeyForm.IsWantedBy(hello.Extensions))
            Form = new CertificateForm(certificate);
        if (Form.CheckOffer(hello.Extensions) is { } error) return error;
        if (hello.Extensions[ExtensionType.SignatureAlgorithms] is not { } schemes)
            return TlsAlert.MissingExtension.ToError("the client names no signature scheme");
        return SignatureScheme.Read(schemes) is { } offered
            ? Form.CheckSchemes(offered)
            : TlsAlert.DecodeError.ToError("the signature schemes are malformed");
    }

    private static QuicError? CheckGroups(ClientHello hello)
    {
        if (hello.Extensions[ExtensionType.SupportedGroups] is not { } groups
            || hello.Extensions[ExtensionType.KeyShare] is null)
            return TlsAlert.MissingExtension.ToError("the client names no groups, or has no key shares");
        return TlsReading.ListHolds16(groups, TlsProfile.GroupX25519) switch
        {
            null => TlsAlert.DecodeError.ToError("the groups are malformed"),
            false => TlsAlert.HandshakeFailure.ToError("the client does not offer X25519"),
            _ => null,
        };
    }

    private QuicError? ChooseAlpn(ClientHello hello)
    {
        if (hello.Extensions[ExtensionType.Alpn] is null)
            return TlsAlert.NoApplicationProtocol.ToError("the client offers no protocol");
        if (hello.ReadAlpn() is not { } offered) return TlsAlert.DecodeError.ToError("the protocols are malformed");
        foreach (var protocol in offered)
        {
            if (!Options.Alpn.Any(p => p.AsSpan().SequenceEqual(protocol))) continue;
            Alpn = protocol;
            return null;
        }

        return TlsAlert.NoApplicationProtocol.ToError("no protocol in common");
    }

    private QuicError? AskForShare(ClientHello hello)
    {
        _firstRandom = hello.Random;
        Transcript.ReplaceFirstHello(Suite!);
        Send(EncryptionLevel.Initial, ServerHello.WriteRetryRequest(Suite!));
        _state = State.SecondClientHello;
        return null;
    }

    private QuicError? SendFlight(byte[] clientShare)
    {
        Span<byte> random = stackalloc byte[32];
        Entropy.Fill(random);
        using var share = KeyShare.NewRandom(Entropy);
        Transcript.Start(Suite!);
        Send(EncryptionLevel.Initial, ServerHello.Write(random, Suite!, share));
        if (!TryStartHandshakeKeys(share, clientShare))
            return TlsAlert.IllegalParameter.ToError("the client's key share leads to zero");

        Send(
            EncryptionLevel.Handshake,
            TlsMessages.WriteEncryptedExtensions(Alpn, WriteParameters(), Form));
        var asks = Form.AsksClients;
        if (asks) Send(EncryptionLevel.Handshake, TlsMessages.WriteCertificateRequest());
        SendAuthentication(asServer: true, withKey: true);
        ApplicationSecrets = Schedule!.ApplicationSecrets(Transcript.Current());
        _state = asks ? State.Certificate : State.Finished;
        return null;
    }

    private QuicError? TakeClientFinished(byte[] message, ReadOnlySpan<byte> body)
    {
        if (TakeFinished(message, body, HandshakeSecrets!.Client) is { } error) return error;
        Expected = EncryptionLevel.OneRtt;
        _state = State.Done;
        IsComplete = true;
        return null;
    }
}
