using System.Security.Cryptography;
using EdgeSync.Primitives;
using EdgeSync.Quic.Packets;
using EdgeSync.Quic.Protection;

namespace EdgeSync.Quic.Tls;

/// <summary>Which keys protect a CRYPTO frame.</summary>
internal enum EncryptionLevel : byte
{
    Initial,
    Handshake,
    OneRtt,
}

/// <summary>What both roles bring to a handshake.</summary>
/// <param name="Key">The endpoint's own key.</param>
/// <param name="Alpn">Protocols, the favourite first; not empty.</param>
/// <param name="Parameters">Own transport parameters.</param>
internal sealed record TlsOptions(Ed25519Key Key, IReadOnlyList<byte[]> Alpn, TransportParameters Parameters)
{
    /// <summary>The key of the server that is dialled; null takes any. Of clients only.</summary>
    public byte[]? ExpectedPeer { get; init; }

    /// <summary>The server that is dialled shows certificates of X.509; null: a raw key. Of clients only.</summary>
    public ServerTrust? ServerTrust { get; init; }

    /// <summary>For clients that do not offer raw keys; null: they are refused. Of servers only.</summary>
    public TlsCertificate? Certificate { get; init; }

    /// <summary>False leaves out the client's key share, so that the server must request one.</summary>
    public bool OffersKeyShare { get; init; } = true;
}

/// <summary>
/// The TLS 1.3 handshake of one connection, without records: CRYPTO bytes of each level go in and come out, and secrets
/// with them. Raw public keys on both sides, or a certificate of the server alone; no resumption. Spec: RFC 8446, RFC
/// 7250, RFC 9001 §4.
/// </summary>
internal abstract class TlsSession(TlsOptions options, Entropy entropy) : IDisposable
{
    /// <summary>Bytes of the longest message that is taken, but for certificates: far beyond what is sent.</summary>
    private const int MessageMax = 16 * 1024;

    private const int HeaderBytes = 4;

    private readonly List<byte>[] _received = [[], [], []];
    private readonly List<byte>[] _output = [[], [], []];

    protected TlsOptions Options { get; } = options;

    protected Entropy Entropy { get; } = entropy;

    /// <summary>How keys are shown; a server chooses it by the client's offer.</summary>
    protected KeyForm Form { get; set; } =
        options.ServerTrust is { } trust ? new CertificateForm(trust) : KeyForm.Raw;

    private VerifyingKey? _verifying;

    protected Transcript Transcript { get; } = new();

    protected CipherSuite? Suite { get; set; }

    protected KeySchedule? Schedule { get; set; }

    /// <summary>The level at which the next message must come.</summary>
    protected EncryptionLevel Expected { get; set; }

    /// <summary>Known once Handshake packets can be read and written.</summary>
    public TrafficSecrets? HandshakeSecrets { get; protected set; }

    /// <summary>Known once 1-RTT packets can be written; a server reads them only when complete.</summary>
    public TrafficSecrets? ApplicationSecrets { get; protected set; }

    /// <summary>Both Finished messages were exchanged and verified (RFC 9001 §4.1.1).</summary>
    public bool IsComplete { get; protected set; }

    /// <summary>
    /// The peer's Ed25519 key, verified when <see cref="IsComplete"/>; empty when it showed a certificate, or nothing.
    /// </summary>
    public byte[] PeerKey { get; protected set; } = [];

    /// <summary>The protocol that was agreed on.</summary>
    public byte[] Alpn { get; protected set; } = [];

    /// <summary>To be trusted only when <see cref="IsComplete"/>.</summary>
    public TransportParameters? PeerParameters { get; protected set; }

    /// <summary>Takes CRYPTO bytes in their order.</summary>
    /// <returns>Null, or the alert that closes the connection.</returns>
    public QuicError? Receive(EncryptionLevel level, ReadOnlySpan<byte> bytes)
    {
        var buffer = _received[(int)level];
        buffer.AddRange(bytes);
        while (buffer.Count > 0)
        {
            if (level != Expected) return TlsAlert.UnexpectedMessage.ToError("a message came with the wrong keys");
            if (buffer.Count < HeaderBytes) return null;

            var length = (buffer[1] << 16) | (buffer[2] << 8) | buffer[3];
            var longest = (HandshakeType)buffer[0] == HandshakeType.Certificate ? Form.CertificateBytesMax : MessageMax;
            if (length > longest) return TlsAlert.DecodeError.ToError("a message is too long");
            if (buffer.Count < HeaderBytes + length) return null;

            var message = buffer.GetRange(0, HeaderBytes + length).ToArray();
            buffer.RemoveRange(0, HeaderBytes + length);
            if (Take((HandshakeType)message[0], message, message.AsSpan(HeaderBytes)) is { } error) return error;
        }

        return null;
    }

    /// <summary>CRYPTO bytes that are to be sent at a level; they are gone afterwards.</summary>
    public byte[] TakeOutput(EncryptionLevel level)
    {
        var output = _output[(int)level];
        if (output.Count == 0) return [];
        byte[] bytes = [.. output];
        output.Clear();
        return bytes;
    }

    /// <summary>Keying material for an application; after the handshake (RFC 8446 §7.5).</summary>
    public void Export(ReadOnlySpan<byte> label, ReadOnlySpan<byte> context, Span<byte> output)
    {
        Invariant.Require(IsComplete);
        Schedule!.Export(label, context, output);
    }

    public void Dispose()
    {
        Dispose(disposing: true);
        GC.SuppressFinalize(this);
    }

    /// <summary>Clears the secrets.</summary>
    protected virtual void Dispose(bool disposing)
    {
        Schedule?.Dispose();
        HandshakeSecrets?.Clear();
        ApplicationSecrets?.Clear();
        Transcript.Dispose();
        _verifying?.Dispose();
    }

    /// <param name="message">With its header, for the transcript.</param>
    /// <param name="body">Without its header.</param>
    protected abstract QuicError? Take(HandshakeType type, byte[] message, ReadOnlySpan<byte> body);

    /// <summary>Adds a message to the transcript and sends it.</summary>
    protected void Send(EncryptionLevel level, byte[] message)
    {
        Transcript.Add(message);
        _output[(int)level].AddRange(message);
    }

    /// <summary>Certificate, CertificateVerify and Finished of this side.</summary>
    protected void SendAuthentication(bool asServer, bool withKey)
    {
        if (withKey)
        {
            Send(EncryptionLevel.Handshake, Form.WriteCertificate(Options.Key));
            if (Form.Sign(Options.Key, TlsMessages.SignedContent(asServer, Transcript.Current())) is { } signature)
                Send(EncryptionLevel.Handshake, TlsMessages.WriteCertificateVerify(signature));
        }

        var secret = asServer ? HandshakeSecrets!.Server : HandshakeSecrets!.Client;
        Send(
            EncryptionLevel.Handshake,
            TlsMessages.WriteFinished(Schedule!.FinishedOf(secret, Transcript.Current())));
    }

    /// <summary>Makes the secrets of Handshake packets from the shares; false for a share that leads to zero.</summary>
    protected bool TryStartHandshakeKeys(KeyShare own, ReadOnlySpan<byte> peer)
    {
        if (own.Agree(peer) is not { } shared) return false;
        Schedule = new KeySchedule(Suite!, shared);
        CryptographicOperations.ZeroMemory(shared);
        HandshakeSecrets = Schedule.HandshakeSecrets(Transcript.Current());
        Expected = EncryptionLevel.Handshake;
        return true;
    }

    protected QuicError? TakeCertificate(byte[] message, ReadOnlySpan<byte> body, bool isFromClient)
    {
        if (Form.TryReadCertificate(body, isFromClient, out var key, out _verifying) is { } error) return error;
        PeerKey = key;
        Transcript.Add(message);
        return null;
    }

    protected QuicError? TakeCertificateVerify(byte[] message, ReadOnlySpan<byte> body, bool byServer)
    {
        if (TlsMessages.CheckCertificateVerify(body, byServer, _verifying!, Transcript.Current()) is { } error)
            return error;
        Transcript.Add(message);
        return null;
    }

    /// <summary>Verifies a Finished in constant time, and adds it to the transcript.</summary>
    protected QuicError? TakeFinished(byte[] message, ReadOnlySpan<byte> body, byte[] secret)
    {
        var expected = Schedule!.FinishedOf(secret, Transcript.Current());
        if (body.Length != expected.Length) return TlsAlert.DecodeError.ToError("the Finished is malformed");
        if (!CryptographicOperations.FixedTimeEquals(expected, body))
            return TlsAlert.DecryptError.ToError("the Finished is wrong");
        Transcript.Add(message);
        return null;
    }

    protected QuicError? TakeParameters(byte[]? extension, bool isFromServer)
    {
        if (extension is null) return TlsAlert.MissingExtension.ToError("there are no transport parameters");
        if (TransportParameters.TryRead(extension, isFromServer, out var parameters) is { } error) return error;
        PeerParameters = parameters;
        return null;
    }

    protected static QuicError Unexpected(HandshakeType type) =>
        TlsAlert.UnexpectedMessage.ToError($"a message of type {(byte)type} does not belong here");

    protected byte[] WriteParameters()
    {
        var writer = new WireWriter(stackalloc byte[512]);
        Options.Parameters.Write(ref writer);
        return writer.Written.ToArray();
    }
}
