using System.Security.Cryptography;
using EdgeSync.Primitives;
using EdgeSync.Quic.Packets;
using EdgeSync.Quic.Protection;

namespace EdgeSync.Quic.Tls;

/// <summary>
/// The client's side:
/// <code>
/// ClientHello ─▶                        (◀─ HelloRetryRequest, ClientHello ─▶)
///             ◀─ ServerHello · EncryptedExtensions [CertificateRequest] Certificate CertificateVerify Finished
/// [Certificate CertificateVerify] Finished ─▶
/// </code>
/// </summary>
internal sealed class TlsClient : TlsSession
{
    private enum State : byte
    {
        ServerHello,
        EncryptedExtensions,
        CertificateOrRequest,
        Certificate,
        CertificateVerify,
        Finished,
        Done,
    }

    private readonly byte[] _random = new byte[32];
    private readonly KeyShare _share;
    private ClientHello _hello = new();
    private State _state;
    private CipherSuite? _retrySuite;
    private bool _sharedKey;
    private bool _isAskedForKey;

    public TlsClient(TlsOptions options, Entropy entropy) : base(options, entropy)
    {
        entropy.Fill(_random);
        _share = KeyShare.NewRandom(entropy);
        _sharedKey = options.OffersKeyShare;
        SendHello(ClientHello.Write(
            _random, _sharedKey ? _share : null, [], options.Alpn, WriteParameters(), options.ServerTrust?.ServerName,
            Form));
    }

    /// <summary>For vectors: a ClientHello that was sent, and the secret of the share in it.</summary>
    internal TlsClient(TlsOptions options, Entropy entropy, byte[] hello, ReadOnlySpan<byte> shareSecret)
        : base(options, entropy)
    {
        _share = new KeyShare(shareSecret);
        _sharedKey = true;
        SendHello(hello);
    }

    protected override void Dispose(bool disposing)
    {
        _share.Dispose();
        base.Dispose(disposing);
    }

    protected override QuicError? Take(HandshakeType type, byte[] message, ReadOnlySpan<byte> body) =>
        (_state, type) switch
        {
            (State.ServerHello, HandshakeType.ServerHello) => TakeServerHello(message, body),
            (State.EncryptedExtensions, HandshakeType.EncryptedExtensions) => TakeEncryptedExtensions(message, body),
            (State.CertificateOrRequest, HandshakeType.CertificateRequest) => TakeRequest(message, body),
            (State.CertificateOrRequest or State.Certificate, HandshakeType.Certificate) =>
                TakeServerKey(message, body),
            (State.CertificateVerify, HandshakeType.CertificateVerify) => Then(
                TakeCertificateVerify(message, body, byServer: true), State.Finished),
            (State.Finished, HandshakeType.Finished) => TakeServerFinished(message, body),
            (State.Done, HandshakeType.NewSessionTicket) => TlsMessages.CheckSessionTicket(body),
            _ => Unexpected(type),
        };

    private void SendHello(byte[] message)
    {
        var error = ClientHello.TryRead(message.AsSpan(4), out _hello);
        Invariant.Require(error is null);
        Send(EncryptionLevel.Initial, message);
    }

    private QuicError? Then(QuicError? error, State next)
    {
        if (error is null) _state = next;
        return error;
    }

    private QuicError? TakeServerHello(byte[] message, ReadOnlySpan<byte> body)
    {
        if (ServerHello.TryRead(body, out var hello) is { } error) return error;
        if (hello.Extensions[ExtensionType.SupportedVersions] is not [0x03, 0x04])
            return TlsAlert.ProtocolVersion.ToError("the server does not speak TLS 1.3");
        if (CipherSuite.Find(hello.Suite) is not { } suite || !_hello.Suites.Contains(hello.Suite))
            return TlsAlert.IllegalParameter.ToError("the server chose a suite that was not offered");
        if (hello.SessionId.Length > 0)
            return TlsAlert.IllegalParameter.ToError("the server answers another session id");
        if (hello.IsRetryRequest) return TakeRetryRequest(hello, suite, message);
        if (_retrySuite is not null && _retrySuite != suite)
            return TlsAlert.IllegalParameter.ToError("the server changed its suite");
        foreach (var type in hello.Extensions.Types)
            if (type is not (ExtensionType.SupportedVersions or ExtensionType.KeyShare))
                return TlsAlert.UnsupportedExtension.ToError($"extension {type} does not belong in a ServerHello");
        if (hello.Extensions[ExtensionType.KeyShare] is null)
            return TlsAlert.MissingExtension.ToError("the ServerHello has no key share");

        Suite = suite;
        Transcript.Start(suite);
        Transcript.Add(message);
        if (!_sharedKey || hello.FindKeyShare() is not { } share || !TryStartHandshakeKeys(_share, share))
            return TlsAlert.IllegalParameter.ToError("the server's key share is not one of X25519");
        _state = State.EncryptedExtensions;
        return null;
    }

    private QuicError? TakeRetryRequest(ServerHello request, CipherSuite suite, byte[] message)
    {
        if (_retrySuite is not null) return TlsAlert.UnexpectedMessage.ToError("a second HelloRetryRequest");
        foreach (var type in request.Extensions.Types)
            if (type is not (ExtensionType.SupportedVersions or ExtensionType.KeyShare or ExtensionType.Cookie))
            {
                return TlsAlert.UnsupportedExtension.ToError(
                    $"extension {type} does not belong in a HelloRetryRequest");
            }

        if (!TryReadCookie(request.Extensions[ExtensionType.Cookie], out var cookie))
            return TlsAlert.DecodeError.ToError("the cookie is malformed");

        var asksForShare = request.Extensions[ExtensionType.KeyShare] is { } group;
        if (asksForShare && (request.Extensions[ExtensionType.KeyShare] is not [0x00, 0x1d] || _sharedKey))
            return TlsAlert.IllegalParameter.ToError("the server asks for a group that was not offered, or was sent");
        if (!asksForShare && cookie.Length == 0)
            return TlsAlert.IllegalParameter.ToError("the HelloRetryRequest changes nothing");

        _retrySuite = suite;
        _sharedKey |= asksForShare;
        Transcript.ReplaceFirstHello(suite);
        Transcript.Add(message);
        SendHello(ClientHello.Write(
            _random, _sharedKey ? _share : null, cookie, Options.Alpn, WriteParameters(),
            Options.ServerTrust?.ServerName, Form));
        return null;
    }

    private static bool TryReadCookie(byte[]? extension, out byte[] cookie)
    {
        cookie = [];
        if (extension is null) return true;
        var reader = new WireReader(extension);
        if (!reader.TryReadVector16(out var bytes) || bytes.IsEmpty || !reader.IsAtEnd) return false;
        cookie = bytes.ToArray();
        return true;
    }

    private QuicError? TakeEncryptedExtensions(byte[] message, ReadOnlySpan<byte> body)
    {
        var reader = new WireReader(body);
        if (ExtensionBlock.TryRead(ref reader, out var extensions) is { } error) return error;
        if (!reader.IsAtEnd) return TlsAlert.DecodeError.ToError("bytes follow the EncryptedExtensions");
        foreach (var type in extensions.Types)
        {
            if (_hello.Extensions[type] is null)
                return TlsAlert.UnsupportedExtension.ToError($"extension {type} was not offered");
            if (type is ExtensionType.KeyShare or ExtensionType.SupportedVersions or ExtensionType.SignatureAlgorithms
                or ExtensionType.Cookie)
                return TlsAlert.IllegalParameter.ToError($"extension {type} does not belong in EncryptedExtensions");
        }

        if (CheckAlpn(extensions[ExtensionType.Alpn]) is { } alpnError) return alpnError;
        if (!Form.IsChosen(extensions))
            return TlsAlert.HandshakeFailure.ToError("the server does not use raw public keys");
        if (TakeParameters(extensions[ExtensionType.QuicTransportParameters], isFromServer: true) is { } badParameters)
            return badParameters;

        Transcript.Add(message);
        _state = State.CertificateOrRequest;
        return null;
    }

    private QuicError? CheckAlpn(byte[]? extension)
    {
        if (extension is null) return TlsAlert.NoApplicationProtocol.ToError("the server chose no protocol");
        if (TlsMessages.ReadAlpn(extension) is not [var chosen])
            return TlsAlert.DecodeError.ToError("the server's protocol is malformed");
        if (!Options.Alpn.Any(p => p.AsSpan().SequenceEqual(chosen)))
            return TlsAlert.NoApplicationProtocol.ToError("the server chose a protocol that was not offered");
        Alpn = chosen;
        return null;
    }

    private QuicError? TakeRequest(byte[] message, ReadOnlySpan<byte> body)
    {
        if (Form.CheckRequest(body) is { } error) return error;
        Transcript.Add(message);
        _isAskedForKey = true;
        _state = State.Certificate;
        return null;
    }

    private QuicError? TakeServerKey(byte[] message, ReadOnlySpan<byte> body)
    {
        if (TakeCertificate(message, body, isFromClient: false) is { } error) return error;
        if (Options.ServerTrust is null && Options.ExpectedPeer is { } expected
            && !CryptographicOperations.FixedTimeEquals(expected, PeerKey))
            return TlsAlert.BadCertificate.ToError("another endpoint answers than the one that was dialled");
        _state = State.CertificateVerify;
        return null;
    }

    private QuicError? TakeServerFinished(byte[] message, ReadOnlySpan<byte> body)
    {
        if (TakeFinished(message, body, HandshakeSecrets!.Server) is { } error) return error;
        ApplicationSecrets = Schedule!.ApplicationSecrets(Transcript.Current());
        SendAuthentication(asServer: false, withKey: _isAskedForKey);
        Expected = EncryptionLevel.OneRtt;
        _state = State.Done;
        IsComplete = true;
        return null;
    }
}
