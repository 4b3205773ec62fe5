using EdgeSync.Quic.Packets;

namespace EdgeSync.Quic.Tls;

/// <summary>Numbers of signature schemes (RFC 8446 §4.2.3).</summary>
internal static class SignatureScheme
{
    public const ushort EcdsaP256Sha256 = 0x0403;
    public const ushort EcdsaP384Sha384 = 0x0503;
    public const ushort RsaPssSha256 = 0x0804;
    public const ushort RsaPssSha384 = 0x0805;
    public const ushort RsaPssSha512 = 0x0806;
    public const ushort Ed25519 = TlsProfile.SchemeEd25519;

    /// <summary>What a client of X.509 verifies, the favourite first.</summary>
    public static ReadOnlySpan<ushort> OfHandshakes =>
        [EcdsaP256Sha256, EcdsaP384Sha384, Ed25519, RsaPssSha256, RsaPssSha384, RsaPssSha512];

    /// <summary>
    /// RSASSA-PKCS1-v1_5 with SHA-256, 384 and 512: in signatures of certificates alone, which the verifier judges.
    /// </summary>
    public static ReadOnlySpan<ushort> OfCertificatesOnly => [0x0401, 0x0501, 0x0601];

    /// <summary>The schemes of an extension, in the sender's order; null when it is malformed.</summary>
    public static List<ushort>? Read(byte[] extension)
    {
        var reader = new WireReader(extension);
        if (!reader.TryReadVector16(out var list) || !reader.IsAtEnd || list.IsEmpty || list.Length % 2 != 0)
            return null;
        var schemes = new List<ushort>();
        var items = new WireReader(list);
        while (items.TryReadUInt16(out var scheme)) schemes.Add(scheme);
        return schemes;
    }
}
