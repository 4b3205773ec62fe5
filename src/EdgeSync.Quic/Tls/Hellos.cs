using EdgeSync.Quic.Packets;
using EdgeSync.Quic.Protection;

namespace EdgeSync.Quic.Tls;

/// <summary>ClientHello. Spec: RFC 8446 §4.1.2, RFC 7250 §3, RFC 9001 §8.</summary>
internal sealed class ClientHello
{
    public byte[] Random { get; private init; } = [];

    public byte[] SessionId { get; private init; } = [];

    /// <summary>Numbers of the suites, the client's favourite first.</summary>
    public ushort[] Suites { get; private init; } = [];

    public ExtensionBlock Extensions { get; private init; } = new();

    /// <summary>Reads the body of the message.</summary>
    public static QuicError? TryRead(ReadOnlySpan<byte> body, out ClientHello hello)
    {
        hello = new ClientHello();
        var reader = new WireReader(body);
        if (!reader.TryReadUInt16(out var version) || !reader.TryReadBytes(32, out var random)
            || !reader.TryReadVector8(out var session) || session.Length > 32
            || !reader.TryReadVector16(out var suites) || suites.IsEmpty || suites.Length % 2 != 0
            || !reader.TryReadVector8(out var compressions) || compressions.IsEmpty)
            return TlsAlert.DecodeError.ToError("the ClientHello is malformed");
        if (version != TlsProfile.LegacyVersion || reader.IsAtEnd)
            return TlsAlert.ProtocolVersion.ToError("the client does not speak TLS 1.3");
        if (compressions.Length != 1 || compressions[0] != 0)
            return TlsAlert.IllegalParameter.ToError("the client offers compression");
        if (ExtensionBlock.TryRead(ref reader, out var extensions) is { } error) return error;
        if (!reader.IsAtEnd) return TlsAlert.DecodeError.ToError("bytes follow the ClientHello");

        var numbers = new ushort[suites.Length / 2];
        var items = new WireReader(suites);
        for (var i = 0; i < numbers.Length; i++) items.TryReadUInt16(out numbers[i]);
        hello = new ClientHello
        {
            Random = random.ToArray(),
            SessionId = session.ToArray(),
            Suites = numbers,
            Extensions = extensions,
        };
        return null;
    }

    /// <summary>The client's share for X25519; empty when there is none, null when the list is malformed.</summary>
    public byte[]? FindKeyShare()
    {
        var reader = new WireReader(Extensions[ExtensionType.KeyShare]);
        if (!reader.TryReadVector16(out var list) || !reader.IsAtEnd) return null;
        byte[] found = [];
        var shares = new WireReader(list);
        while (!shares.IsAtEnd)
        {
            if (!shares.TryReadUInt16(out var group) || !shares.TryReadVector16(out var share) || share.IsEmpty)
                return null;
            if (group != TlsProfile.GroupX25519) continue;
            if (found.Length > 0 || share.Length != KeyShare.Bytes) return null;
            found = share.ToArray();
        }

        return found;
    }

    /// <summary>The protocols that the client offers, or null when the list is missing or malformed.</summary>
    public List<byte[]>? ReadAlpn() => TlsMessages.ReadAlpn(Extensions[ExtensionType.Alpn]);

    /// <summary>A whole message.</summary>
    /// <param name="share">Null to leave the choice of group to the server, which costs a round trip.</param>
    /// <param name="cookie">As a HelloRetryRequest gave it; empty when it gave none.</param>
    public static byte[] Write(
        ReadOnlySpan<byte> random, KeyShare? share, ReadOnlySpan<byte> cookie, IReadOnlyList<byte[]> alpn,
        ReadOnlySpan<byte> transportParameters, string? serverName, KeyForm keyForm)
    {
        var (randomBytes, cookieBytes) = (random.ToArray(), cookie.ToArray());
        var parameters = transportParameters.ToArray();
        return TlsWriter.Message(HandshakeType.ClientHello, hello => hello
            .UInt16(TlsProfile.LegacyVersion).Bytes(randomBytes)
            .Byte(0)
            .Vector(2, suites => suites.UInt16(CipherSuite.Aes128.Id).UInt16(CipherSuite.Aes256.Id))
            .Vector(1, compressions => compressions.Byte(0))
            .Vector(2, extensions =>
            {
                if (serverName is not null) WriteServerName(extensions, serverName);
                extensions
                    .Extension(ExtensionType.SupportedGroups, e => e.Vector(2, l => l.UInt16(TlsProfile.GroupX25519)))
                    .Extension(
                        ExtensionType.SignatureAlgorithms, e => e.Vector(2, keyForm.WriteSchemes))
                    .Extension(ExtensionType.Alpn, e => e.Vector(2, l => WriteProtocols(l, alpn)));
                keyForm.WriteOffer(extensions);
                extensions.Extension(
                    ExtensionType.SupportedVersions, e => e.Vector(1, l => l.UInt16(TlsProfile.Version13)));
                if (cookieBytes.Length > 0)
                    extensions.Extension(ExtensionType.Cookie, e => e.Vector(2, c => c.Bytes(cookieBytes)));
                extensions
                    .Extension(ExtensionType.KeyShare, e => e.Vector(2, l => WriteShare(l, share)))
                    .Extension(ExtensionType.QuicTransportParameters, e => e.Bytes(parameters));
            }));
    }

    private static void WriteShare(TlsWriter list, KeyShare? share)
    {
        if (share is not null) list.UInt16(TlsProfile.GroupX25519).Vector(2, s => s.Bytes(share.Public));
    }

    private static void WriteProtocols(TlsWriter list, IReadOnlyList<byte[]> alpn)
    {
        foreach (var protocol in alpn) list.Vector(1, p => p.Bytes(protocol));
    }

    private static void WriteServerName(TlsWriter extensions, string name) =>
        extensions.Extension(ExtensionType.ServerName, e => e.Vector(2, l => l
            .Byte(0).Vector(2, n => n.Bytes(System.Text.Encoding.ASCII.GetBytes(name)))));
}

/// <summary>ServerHello, or a HelloRetryRequest, which has a fixed random. Spec: RFC 8446 §4.1.3, §4.1.4.</summary>
internal sealed class ServerHello
{
    public bool IsRetryRequest { get; private init; }

    public byte[] SessionId { get; private init; } = [];

    public ushort Suite { get; private init; }

    public ExtensionBlock Extensions { get; private init; } = new();

    /// <summary>Reads the body of the message.</summary>
    public static QuicError? TryRead(ReadOnlySpan<byte> body, out ServerHello hello)
    {
        hello = new ServerHello();
        var reader = new WireReader(body);
        if (!reader.TryReadUInt16(out var version) || !reader.TryReadBytes(32, out var random)
            || !reader.TryReadVector8(out var session) || session.Length > 32
            || !reader.TryReadUInt16(out var suite) || !reader.TryReadByte(out var compression))
            return TlsAlert.DecodeError.ToError("the ServerHello is malformed");
        if (version != TlsProfile.LegacyVersion)
            return TlsAlert.ProtocolVersion.ToError("the server does not speak TLS 1.3");
        if (compression != 0) return TlsAlert.IllegalParameter.ToError("the server chose a compression");
        if (ExtensionBlock.TryRead(ref reader, out var extensions) is { } error) return error;
        if (!reader.IsAtEnd) return TlsAlert.DecodeError.ToError("bytes follow the ServerHello");
        hello = new ServerHello
        {
            IsRetryRequest = random.SequenceEqual(TlsProfile.RetryRandom),
            SessionId = session.ToArray(),
            Suite = suite,
            Extensions = extensions,
        };
        return null;
    }

    /// <summary>The server's share, or null when there is none for X25519.</summary>
    public byte[]? FindKeyShare()
    {
        var reader = new WireReader(Extensions[ExtensionType.KeyShare]);
        return reader.TryReadUInt16(out var group) && group == TlsProfile.GroupX25519
            && reader.TryReadVector16(out var share) && reader.IsAtEnd ? share.ToArray() : null;
    }

    public static byte[] Write(ReadOnlySpan<byte> random, CipherSuite suite, KeyShare share)
    {
        var randomBytes = random.ToArray();
        return Write(randomBytes, suite, e => e
            .UInt16(TlsProfile.GroupX25519).Vector(2, s => s.Bytes(share.Public)));
    }

    /// <summary>A HelloRetryRequest for a share of X25519.</summary>
    public static byte[] WriteRetryRequest(CipherSuite suite) =>
        Write(TlsProfile.RetryRandom.ToArray(), suite, e => e.UInt16(TlsProfile.GroupX25519));

    private static byte[] Write(byte[] random, CipherSuite suite, Action<TlsWriter> keyShare) =>
        TlsWriter.Message(HandshakeType.ServerHello, hello => hello
            .UInt16(TlsProfile.LegacyVersion).Bytes(random).Byte(0).UInt16(suite.Id).Byte(0)
            .Vector(2, extensions => extensions
                .Extension(ExtensionType.SupportedVersions, e => e.UInt16(TlsProfile.Version13))
                .Extension(ExtensionType.KeyShare, keyShare)));
}
