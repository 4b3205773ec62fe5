using System.Buffers.Binary;
using System.Security.Cryptography;
using EdgeSync.Primitives;
using EdgeSync.Quic.Packets;

namespace EdgeSync.Quic.Protection;

/// <summary>What a token in an Initial packet proves.</summary>
internal enum TokenVerdict : byte
{
    /// <summary>Nothing: it is not of this server, or is used up. As if there was none.</summary>
    Unknown,

    /// <summary>The client received a Retry packet at its address.</summary>
    Retried,

    /// <summary>The client had a connection from its address.</summary>
    Known,

    /// <summary>A Retry token of this server's that is too old, or of another address.</summary>
    Invalid,
}

/// <summary>
/// Tokens by which a client proves that it receives at its address: those of Retry packets, and those of NEW_TOKEN
/// frames for later connections. They are sealed with a key of the server's own. Spec: RFC 9000 §8.1.
/// <code>
/// nonce(12)  [ kind(1)  issued(8, milliseconds)  address(16) port(2)  original destination id ]  tag(16)
/// </code>
/// A token for later has no port, which a NAT changes, and no id; it is taken once.
/// </summary>
internal sealed class AddressTokens : IDisposable
{
    /// <summary>How long the token of a Retry packet is taken: as long as iroh takes its own.</summary>
    public static readonly TimeSpan RetryLife = TimeSpan.FromSeconds(15);

    /// <summary>How long the token of a NEW_TOKEN frame is taken.</summary>
    public static readonly TimeSpan LaterLife = TimeSpan.FromHours(24);

    public const int MaxBytes = NonceBytes + FixedBytes + ConnectionId.MaxLength + TagBytes;

    private const int NonceBytes = 12;
    private const int TagBytes = 16;
    private const int FixedBytes = 1 + 8 + UdpAddress.EncodedBytes;
    private const byte RetryKind = 1;
    private const byte LaterKind = 2;

    /// <summary>Tokens for later that were used; older ones are forgotten, and could be used again.</summary>
    private const int UsedMax = 4096;

    private readonly HashSet<UInt128> _used = [];
    private readonly Queue<UInt128> _usedOrder = new();

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
    public int Write(Instant now, in UdpAddress client, in ConnectionId original, Span<byte> target) =>
        Write(RetryKind, now, client, original, target);

    /// <summary>The token for a NEW_TOKEN frame.</summary>
    public byte[] NewToken(Instant now, in UdpAddress client)
    {
        Span<byte> target = stackalloc byte[MaxBytes];
        return target[..Write(LaterKind, now, client with { Port = 0 }, default, target)].ToArray();
    }

    /// <summary>What a token proves.</summary>
    /// <param name="original">Of a Retry token: the destination id of the Initial packet that Retry answered.</param>
    public TokenVerdict Read(Instant now, in UdpAddress client, ReadOnlySpan<byte> token, out ConnectionId original)
    {
        original = default;
        if (token.Length is < NonceBytes + FixedBytes + TagBytes or > MaxBytes) return TokenVerdict.Unknown;

        Span<byte> text = stackalloc byte[FixedBytes + ConnectionId.MaxLength];
        text = text[..(token.Length - NonceBytes - TagBytes)];
        try
        {
            _cipher.Decrypt(token[..NonceBytes], token[NonceBytes..^TagBytes], token[^TagBytes..], text);
        }
        catch (AuthenticationTagMismatchException)
        {
            return TokenVerdict.Unknown;
        }

        var isRetry = text[0] == RetryKind;
        Span<byte> address = stackalloc byte[UdpAddress.EncodedBytes];
        (isRetry ? client : client with { Port = 0 }).WriteTo(address);
        var age = now - Instant.FromUnixMilliseconds(BinaryPrimitives.ReadInt64BigEndian(text[1..]));
        var isGood = age >= TimeSpan.Zero && age <= (isRetry ? RetryLife : LaterLife)
            && text.Slice(9, address.Length).SequenceEqual(address);
        if (!isRetry) return isGood && TakeOnce(token) ? TokenVerdict.Known : TokenVerdict.Unknown;
        if (!isGood) return TokenVerdict.Invalid;
        original = new ConnectionId(text[FixedBytes..]);
        return TokenVerdict.Retried;
    }

    public void Dispose() => _cipher.Dispose();

    private int Write(byte kind, Instant now, in UdpAddress client, in ConnectionId original, Span<byte> target)
    {
        Span<byte> text = stackalloc byte[FixedBytes + ConnectionId.MaxLength];
        text = text[..(FixedBytes + original.Length)];
        text[0] = kind;
        BinaryPrimitives.WriteInt64BigEndian(text[1..], now.UnixMilliseconds);
        client.WriteTo(text[9..]);
        original.CopyTo(text[FixedBytes..]);
        _entropy.Fill(target[..NonceBytes]);
        var sealedText = target.Slice(NonceBytes, text.Length);
        _cipher.Encrypt(target[..NonceBytes], text, sealedText, target.Slice(NonceBytes + text.Length, TagBytes));
        return NonceBytes + text.Length + TagBytes;
    }

    private bool TakeOnce(ReadOnlySpan<byte> token)
    {
        var nonce = BinaryPrimitives.ReadUInt128BigEndian(token);
        if (!_used.Add(nonce)) return false;
        _usedOrder.Enqueue(nonce);
        if (_usedOrder.Count > UsedMax) _used.Remove(_usedOrder.Dequeue());
        return true;
    }
}
