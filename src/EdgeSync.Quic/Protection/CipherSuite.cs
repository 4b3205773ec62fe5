using System.Security.Cryptography;

namespace EdgeSync.Quic.Protection;

/// <summary>
/// The cipher suites of TLS 1.3 that packets are protected with (RFC 8446 §B.4, RFC 9001 §5.3). ChaCha20-Poly1305 is
/// left out: the base library has no ChaCha20 block for header protection, and every peer has AES.
/// </summary>
internal sealed class CipherSuite
{
    /// <summary>TLS_AES_128_GCM_SHA256; also protects Initial packets.</summary>
    public static readonly CipherSuite Aes128 = new(0x1301, HashAlgorithmName.SHA256, 32, 16);

    /// <summary>TLS_AES_256_GCM_SHA384.</summary>
    public static readonly CipherSuite Aes256 = new(0x1302, HashAlgorithmName.SHA384, 48, 32);

    /// <summary>Bytes of the longest hash and secret.</summary>
    public const int HashBytesMax = 48;

    private CipherSuite(ushort id, HashAlgorithmName hash, int hashBytes, int keyBytes) =>
        (Id, Hash, HashBytes, KeyBytes) = (id, hash, hashBytes, keyBytes);

    public ushort Id { get; }

    public HashAlgorithmName Hash { get; }

    public int HashBytes { get; }

    public int KeyBytes { get; }

    /// <summary>Null for a suite that is not ours.</summary>
    public static CipherSuite? Find(ushort id) => id switch
    {
        0x1301 => Aes128,
        0x1302 => Aes256,
        _ => null,
    };
}
