using EdgeSync.Quic.Packets;

namespace EdgeSync.Quic.Tls;

internal enum HandshakeType : byte
{
    ClientHello = 1,
    ServerHello = 2,
    NewSessionTicket = 4,
    EncryptedExtensions = 8,
    Certificate = 11,
    CertificateRequest = 13,
    CertificateVerify = 15,
    Finished = 20,
    KeyUpdate = 24,
    MessageHash = 254,
}

/// <summary>Numbers of TLS extensions.</summary>
internal static class ExtensionType
{
    public const ushort ServerName = 0;
    public const ushort SupportedGroups = 10;
    public const ushort SignatureAlgorithms = 13;
    public const ushort Alpn = 16;
    public const ushort ClientCertificateType = 19;
    public const ushort ServerCertificateType = 20;
    public const ushort SupportedVersions = 43;
    public const ushort Cookie = 44;
    public const ushort KeyShare = 51;
    public const ushort QuicTransportParameters = 57;
}

/// <summary>The constants of the one profile that is spoken: TLS 1.3, X25519, Ed25519 raw public keys.</summary>
internal static class TlsProfile
{
    public const ushort LegacyVersion = 0x0303;
    public const ushort Version13 = 0x0304;
    public const ushort GroupX25519 = 0x001d;
    public const ushort SchemeEd25519 = 0x0807;
    public const byte RawPublicKey = 2;

    /// <summary>What stands before the 32 bytes of a key in its SubjectPublicKeyInfo (RFC 8410 §4).</summary>
    public static ReadOnlySpan<byte> SpkiPrefix =>
        [0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];

    /// <summary>The random of a ServerHello that is a HelloRetryRequest (RFC 8446 §4.1.3).</summary>
    public static ReadOnlySpan<byte> RetryRandom =>
    [
        0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11, 0xbe, 0x1d, 0x8c, 0x02, 0x1e, 0x65, 0xb8, 0x91,
        0xc2, 0xa2, 0x11, 0x16, 0x7a, 0xbb, 0x8c, 0x5e, 0x07, 0x9e, 0x09, 0xe2, 0xc8, 0xa8, 0x33, 0x9c,
    ];
}

/// <summary>Writes TLS structures: vectors whose length is known only when their content is written.</summary>
internal sealed class TlsWriter
{
    private readonly List<byte> _bytes = [];

    public byte[] ToArray() => [.. _bytes];

    public TlsWriter Byte(byte value)
    {
        _bytes.Add(value);
        return this;
    }

    public TlsWriter UInt16(ushort value) => Byte((byte)(value >> 8)).Byte((byte)value);

    public TlsWriter Bytes(ReadOnlySpan<byte> value)
    {
        _bytes.AddRange(value);
        return this;
    }

    /// <summary>Content behind its length of <paramref name="lengthBytes"/> bytes.</summary>
    public TlsWriter Vector(int lengthBytes, Action<TlsWriter> content)
    {
        var at = _bytes.Count;
        for (var i = 0; i < lengthBytes; i++) Byte(0);
        content(this);
        var length = _bytes.Count - at - lengthBytes;
        for (var i = 0; i < lengthBytes; i++) _bytes[at + i] = (byte)(length >> (8 * (lengthBytes - 1 - i)));
        return this;
    }

    public TlsWriter Extension(ushort type, Action<TlsWriter> content) => UInt16(type).Vector(2, content);

    /// <summary>A whole handshake message.</summary>
    public static byte[] Message(HandshakeType type, Action<TlsWriter> content) =>
        new TlsWriter().Byte((byte)type).Vector(3, content).ToArray();
}

/// <summary>Reads vectors of TLS.</summary>
internal static class TlsReading
{
    public static bool TryReadVector8(this ref WireReader reader, out ReadOnlySpan<byte> value)
    {
        value = default;
        return reader.TryReadByte(out var length) && reader.TryReadBytes(length, out value);
    }

    public static bool TryReadVector16(this ref WireReader reader, out ReadOnlySpan<byte> value)
    {
        value = default;
        return reader.TryReadUInt16(out var length) && reader.TryReadBytes(length, out value);
    }

    public static bool TryReadVector24(this ref WireReader reader, out ReadOnlySpan<byte> value)
    {
        value = default;
        return reader.TryReadUInt24(out var length) && reader.TryReadBytes((ulong)length, out value);
    }

    /// <summary>Whether a list of 16-bit values, in a vector that fills its extension, holds one.</summary>
    /// <returns>Null when the list is malformed.</returns>
    public static bool? ListHolds16(ReadOnlySpan<byte> extension, ushort value)
    {
        var reader = new WireReader(extension);
        if (!reader.TryReadVector16(out var list) || !reader.IsAtEnd || list.IsEmpty || list.Length % 2 != 0)
            return null;
        var items = new WireReader(list);
        while (items.TryReadUInt16(out var item))
            if (item == value) return true;
        return false;
    }

    /// <summary>
    /// Whether a list of bytes, in a vector that fills its extension, holds one; null when malformed.
    /// </summary>
    public static bool? ListHolds8(ReadOnlySpan<byte> extension, byte value)
    {
        var reader = new WireReader(extension);
        if (!reader.TryReadVector8(out var list) || !reader.IsAtEnd || list.IsEmpty) return null;
        return list.Contains(value);
    }
}

/// <summary>Extensions of one message, by their number.</summary>
internal sealed class ExtensionBlock
{
    private readonly Dictionary<ushort, byte[]> _contents = [];

    public IReadOnlyCollection<ushort> Types => _contents.Keys;

    public byte[]? this[ushort type] => _contents.GetValueOrDefault(type);

    /// <summary>Reads a vector of extensions (RFC 8446 §4.2); no type may be there twice.</summary>
    public static QuicError? TryRead(ref WireReader reader, out ExtensionBlock block)
    {
        block = new ExtensionBlock();
        if (!reader.TryReadVector16(out var bytes)) return Malformed();
        var extensions = new WireReader(bytes);
        while (!extensions.IsAtEnd)
        {
            if (!extensions.TryReadUInt16(out var type) || !extensions.TryReadVector16(out var content))
                return Malformed();
            if (!block._contents.TryAdd(type, content.ToArray()))
                return TlsAlert.IllegalParameter.ToError($"extension {type} is there twice");
        }

        return null;
    }

    private static QuicError Malformed() => TlsAlert.DecodeError.ToError("the extensions are malformed");
}
