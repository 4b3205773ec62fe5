using System.Buffers.Binary;
using System.Security.Cryptography;

namespace EdgeSync.Quic.Protection;

/// <summary>
/// Key and IV of one direction at one level: authenticated encryption of packets. Spec: RFC 9001 §5.1, §5.3.
/// </summary>
internal sealed class PacketKeys : IDisposable
{
    public const int TagBytes = 16;

    private const int NonceBytes = 12;

    private readonly AesGcm _cipher;
    private readonly byte[] _iv = new byte[NonceBytes];

    public PacketKeys(CipherSuite suite, ReadOnlySpan<byte> secret)
    {
        Span<byte> key = stackalloc byte[32];
        key = key[..suite.KeyBytes];
        Labels.Expand(suite.Hash, secret, "quic key"u8, [], key);
        Labels.Expand(suite.Hash, secret, "quic iv"u8, [], _iv);
        _cipher = new AesGcm(key, TagBytes);
        CryptographicOperations.ZeroMemory(key);
    }

    /// <summary>For vectors that state key and IV.</summary>
    internal PacketKeys(ReadOnlySpan<byte> key, ReadOnlySpan<byte> iv)
    {
        _cipher = new AesGcm(key, TagBytes);
        iv.CopyTo(_iv);
    }

    /// <summary>The key of header protection, which outlives key updates (RFC 9001 §6.1).</summary>
    public static HeaderMask HeaderMaskOf(CipherSuite suite, ReadOnlySpan<byte> secret)
    {
        Span<byte> key = stackalloc byte[32];
        key = key[..suite.KeyBytes];
        Labels.Expand(suite.Hash, secret, "quic hp"u8, [], key);
        var mask = new HeaderMask(key);
        CryptographicOperations.ZeroMemory(key);
        return mask;
    }

    /// <summary>Encrypts in place; the tag goes behind the payload.</summary>
    /// <param name="header">Up to and with the packet number.</param>
    /// <param name="payload">With <see cref="TagBytes"/> bytes of room at its end.</param>
    /// <param name="pathId">0 without multipath.</param>
    public void Seal(ReadOnlySpan<byte> header, Span<byte> payload, ulong number, uint pathId = 0)
    {
        Span<byte> nonce = stackalloc byte[NonceBytes];
        WriteNonce(nonce, number, pathId);
        var text = payload[..^TagBytes];
        _cipher.Encrypt(nonce, text, text, payload[^TagBytes..], header);
    }

    /// <summary>Decrypts in place; false when the packet was not made with this key.</summary>
    /// <param name="payload">With its tag.</param>
    public bool TryOpen(ReadOnlySpan<byte> header, Span<byte> payload, ulong number, uint pathId = 0)
    {
        if (payload.Length < TagBytes) return false;

        Span<byte> nonce = stackalloc byte[NonceBytes];
        WriteNonce(nonce, number, pathId);
        var text = payload[..^TagBytes];
        try
        {
            _cipher.Decrypt(nonce, text, payload[^TagBytes..], text, header);
            return true;
        }
        catch (AuthenticationTagMismatchException)
        {
            return false;
        }
    }

    public void Dispose()
    {
        _cipher.Dispose();
        CryptographicOperations.ZeroMemory(_iv);
    }

    /// <summary>The IV with path id and packet number folded in (RFC 9001 §5.3; the path id is of multipath).</summary>
    private void WriteNonce(Span<byte> nonce, ulong number, uint pathId)
    {
        _iv.CopyTo(nonce);
        BinaryPrimitives.WriteUInt32BigEndian(nonce, BinaryPrimitives.ReadUInt32BigEndian(nonce) ^ pathId);
        BinaryPrimitives.WriteUInt64BigEndian(nonce[4..], BinaryPrimitives.ReadUInt64BigEndian(nonce[4..]) ^ number);
    }
}
