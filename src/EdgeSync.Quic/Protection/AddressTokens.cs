using System.Buffers.Binary;
using System.Security.Cryptography;
using EdgeSync.Primitives;
using EdgeSync.Quic.Packets;

namespace EdgeSync.Quic.Protection;

/// <summary>
/// Tokens by which a client proves that it receives at its address. A server keeps no state for them: they are sealed
/// with a key of its own. Spec: RFC 9000 §8.1.
/// <code>
/// nonce(12)  [ issued(8, milliseconds)  address(16) port(2)  original destination id ]  tag(16)
/// </code>
/// </summary>
internal sealed class AddressTokens : IDisposable
{
    /// <summary>How long the token of a Retry packet is taken: as long as iroh takes its own.</summary>
    public static readonly TimeSpan RetryLife = TimeSpan.FromSeconds(15);

    public const int MaxBytes = NonceBytes + FixedBytes + ConnectionId.MaxLength + TagBytes;

    private const int NonceBytes = 12;
    private const int TagBytes = 16;
    private const int FixedBytes = 8 + UdpAddress.EncodedBytes;

    private readonly AesGcm _cipher;
    private readonly Entropy _entropy;

    public AddressTokens(Entropy entropy)
    {
        _entropy = entropy;
        Span<byte> key = stackalloc byte[32];
        entropy.Fill(key);
        _cipher = new AesGcm(key, TagBytes);
        CryptographicOperations.ZeroMemory(key);
    }

    /// <summary>The token for a Retry packet.</summary>
    /// <param name="original">The destination id of the Initial packet that Retry answers.</param>
    /// <param name="target">At least <see cref="MaxBytes"/>.</param>
    /// <returns>Bytes that were written.</returns>
    public int Write(Instant now, in UdpAddress client, in ConnectionId original, Span<byte> target)
    {
        Span<byte> text = stackalloc byte[FixedBytes + ConnectionId.MaxLength];
        text = text[..(FixedBytes + original.Length)];
        BinaryPrimitives.WriteInt64BigEndian(text, now.UnixMilliseconds);
        client.WriteTo(text[8..]);
        original.CopyTo(text[FixedBytes..]);
        _entropy.Fill(target[..NonceBytes]);
        var sealedText = target.Slice(NonceBytes, text.Length);
        _cipher.Encrypt(target[..NonceBytes], text, sealedText, target.Slice(NonceBytes + text.Length, TagBytes));
        return NonceBytes + text.Length + TagBytes;
    }

    /// <summary>Whether a token is ours, was issued to this address, and is still good.</summary>
    public bool TryRead(Instant now, in UdpAddress client, ReadOnlySpan<byte> token, out ConnectionId original)
    {
        original = default;
        if (token.Length is < NonceBytes + FixedBytes + TagBytes or > MaxBytes) return false;

        Span<byte> text = stackalloc byte[FixedBytes + ConnectionId.MaxLength];
        text = text[..(token.Length - NonceBytes - TagBytes)];
        try
        {
            _cipher.Decrypt(token[..NonceBytes], token[NonceBytes..^TagBytes], token[^TagBytes..], text);
        }
        catch (AuthenticationTagMismatchException)
        {
            return false;
        }

        Span<byte> address = stackalloc byte[UdpAddress.EncodedBytes];
        client.WriteTo(address);
        var age = now - Instant.FromUnixMilliseconds(BinaryPrimitives.ReadInt64BigEndian(text));
        if (age < TimeSpan.Zero || age > RetryLife || !text.Slice(8, address.Length).SequenceEqual(address))
            return false;
        original = new ConnectionId(text[FixedBytes..]);
        return true;
    }

    public void Dispose() => _cipher.Dispose();
}
