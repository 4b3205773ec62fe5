using EdgeSync.Primitives;
using EdgeSync.Primitives.Crypto;

namespace EdgeSync.Nats.Keys;

/// <summary>Whose key it is; the value is the first byte of its text form, before base 32.</summary>
public enum NKeyKind : byte
{
    Account = 0x00,
    Cluster = 0x10,
    Server = 0x68,
    Operator = 0x70,
    User = 0xa0,
}

/// <summary>A public key in its text form: <c>U…</c> of a user, 56 characters.</summary>
/// <remarks>
/// <code>
///   public  kind(1)                 key(32)   crc16(2, little-endian)   → base 32, 56 characters
///   seed    0x90|kind>>5, (kind&amp;31)&lt;&lt;3   seed(32)  crc16(2)                  → base 32, 58 characters, begins with S
/// </code>
/// </remarks>
public static class NKey
{
    /// <summary>Characters of a public key.</summary>
    public const int TextLength = 56;

    private const byte SeedPrefix = 18 << 3;   // 'S'
    private const int PublicBytes = 1 + Ed25519.PublicKeyBytes + 2;
    private const int SeedFormBytes = 2 + Ed25519.SeedBytes + 2;

    public static string Encode(NKeyKind kind, ReadOnlySpan<byte> publicKey)
    {
        Span<byte> bytes = stackalloc byte[PublicBytes];
        bytes[0] = (byte)kind;
        publicKey.CopyTo(bytes[1..]);
        return Seal(bytes);
    }

    /// <summary>False when the text is no public key: wrong length, alphabet, kind or check sum.</summary>
    public static bool TryDecode(string text, out NKeyKind kind, Span<byte> publicKey)
    {
        kind = default;
        Span<byte> bytes = stackalloc byte[PublicBytes];
        if (!TryOpen(text, bytes)) return false;

        kind = (NKeyKind)bytes[0];
        bytes[1..^2].CopyTo(publicKey);
        return Enum.IsDefined(kind);
    }

    /// <summary>Whether a client that claims this key signed the nonce.</summary>
    /// <param name="signature">As CONNECT carries it: base64url, or plain base64, with or without padding.</param>
    public static bool Verify(string publicKey, ReadOnlySpan<byte> nonce, string signature)
    {
        Span<byte> key = stackalloc byte[Ed25519.PublicKeyBytes];
        Span<byte> bytes = stackalloc byte[Ed25519.SignatureBytes];
        return TryDecode(publicKey, out var kind, key) && kind == NKeyKind.User
            && Base64Text.TryDecode(signature, bytes) && Ed25519.Verify(key, nonce, bytes);
    }

    internal static string EncodeSeed(NKeyKind kind, ReadOnlySpan<byte> seed)
    {
        Span<byte> bytes = stackalloc byte[SeedFormBytes];
        bytes[0] = (byte)(SeedPrefix | ((byte)kind >> 5));
        bytes[1] = (byte)(((byte)kind & 31) << 3);
        seed.CopyTo(bytes[2..]);
        return Seal(bytes);
    }

    internal static bool TryDecodeSeed(string text, out NKeyKind kind, Span<byte> seed)
    {
        kind = default;
        Span<byte> bytes = stackalloc byte[SeedFormBytes];
        if (!TryOpen(text, bytes) || (bytes[0] & 0xf8) != SeedPrefix) return false;

        kind = (NKeyKind)(byte)(((bytes[0] & 7) << 5) | (bytes[1] >> 3));
        bytes[2..^2].CopyTo(seed);
        return Enum.IsDefined(kind);
    }

    private static string Seal(Span<byte> bytes)
    {
        System.Buffers.Binary.BinaryPrimitives.WriteUInt16LittleEndian(bytes[^2..], Crc16.Of(bytes[..^2]));
        return Base32.Encode(bytes);
    }

    private static bool TryOpen(string text, Span<byte> bytes) =>
        Base32.TryDecode(text, bytes)
        && System.Buffers.Binary.BinaryPrimitives.ReadUInt16LittleEndian(bytes[^2..]) == Crc16.Of(bytes[..^2]);
}

/// <summary>A key with its seed, that can sign. The seed is a secret: it is never part of a message or log.</summary>
public sealed class NKeyPair
{
    private readonly byte[] _seed;
    private readonly NKeyKind _kind;

    private NKeyPair(NKeyKind kind, byte[] seed)
    {
        (_kind, _seed) = (kind, seed);
        var key = new byte[Ed25519.PublicKeyBytes];
        Ed25519.WritePublicKey(seed, key);
        PublicKey = NKey.Encode(kind, key);
    }

    /// <summary>The public key in its text form.</summary>
    public string PublicKey { get; }

    public NKeyKind Kind => _kind;

    /// <summary>A new key of a user.</summary>
    public static NKeyPair Create(Entropy entropy, NKeyKind kind = NKeyKind.User)
    {
        var seed = new byte[Ed25519.SeedBytes];
        entropy.Fill(seed);
        return new NKeyPair(kind, seed);
    }

    /// <exception cref="EdgeSyncException">The text is no seed; it is not repeated in the message.</exception>
    public static NKeyPair FromSeed(string text)
    {
        var seed = new byte[Ed25519.SeedBytes];
        return NKey.TryDecodeSeed(text.Trim(), out var kind, seed)
            ? new NKeyPair(kind, seed)
            : throw new EdgeSyncException(ErrorKind.Usage, "The NATS seed is damaged.", "a user's seed has 58 characters and begins with SU");
    }

    /// <summary>The seed in its text form, for the file that keeps it.</summary>
    public string ToSeedText() => NKey.EncodeSeed(_kind, _seed);

    /// <summary>Signs a server's nonce, as CONNECT wants it: base64url without padding.</summary>
    public string SignNonce(string nonce)
    {
        Span<byte> signature = stackalloc byte[Ed25519.SignatureBytes];
        Ed25519.Sign(_seed, System.Text.Encoding.UTF8.GetBytes(nonce), signature);
        return Base64Text.EncodeUrl(signature);
    }

    public override string ToString() => PublicKey;
}
