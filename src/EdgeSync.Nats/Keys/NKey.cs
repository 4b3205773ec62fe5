using System.Buffers;
using System.Text;
using EdgeSync.Primitives;
using NATS.NKeys;

namespace EdgeSync.Nats.Keys;

/// <summary>
/// Public NKeys in their text form (<c>U…</c> of a user, 56 characters), and the signatures made by their owners.
/// </summary>
/// <remarks>
/// NATS.NKeys does the arithmetic and the text forms; texts that it accepts and we do not are rejected here first.
/// </remarks>
public static class NKey
{
    /// <summary>Characters of a public key.</summary>
    public const int TextLength = 56;

    private const int KeyTextBytes = 35;   // kind, key, check sum

    private static readonly SearchValues<char> Alphabet = SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567");

    /// <summary>Whether the owner of this user's key signed the nonce.</summary>
    /// <param name="publicKey">As CONNECT carries it; false for anything that is not the public key of a user.</param>
    /// <param name="nonce">The nonce of the server's first INFO.</param>
    /// <param name="signature">As in CONNECT: base64url, or plain base64, with or without padding.</param>
    public static bool Verify(string publicKey, ReadOnlySpan<byte> nonce, string signature)
    {
        var bytes = new byte[SignatureForm.SignatureBytes];
        if (!TryOpen(publicKey, out var key) || !Base64Text.TryDecode(signature, bytes)) return false;

        Span<byte> text = stackalloc byte[KeyTextBytes];
        Base32.FromBase32(publicKey, text);
        return SignatureForm.IsStrict(text[1..^2], bytes) && key!.Verify(nonce.ToArray(), bytes);
    }

    /// <summary>False unless the text is the canonical text of a user's public key.</summary>
    private static bool TryOpen(string text, out KeyPair? key)
    {
        key = null;
        if (text.Length != TextLength || !IsBase32(text)) return false;

        try
        {
            key = KeyPair.FromPublicKey(text);
        }
        catch (NKeysException)
        {
            return false;
        }

        return key.Prefix == PrefixByte.User && key.GetPublicKey() == text;
    }

    internal static bool IsBase32(ReadOnlySpan<char> text) => !text.ContainsAnyExcept(Alphabet);
}

/// <summary>A key with its seed, that can sign. The seed is a secret: it is never part of a message or log.</summary>
public sealed class NKeyPair
{
    private const int SeedTextLength = 58;
    private readonly KeyPair _key;

    private NKeyPair(KeyPair key) => (_key, PublicKey) = (key, key.GetPublicKey());

    /// <summary>The public key in its text form.</summary>
    public string PublicKey { get; }

    /// <exception cref="EdgeSyncException">The text is not a seed; it is not repeated in the message.</exception>
    public static NKeyPair FromSeed(string text)
    {
        text = text.Trim();
        return TryOpen(text) is { } key
            ? new NKeyPair(key)
            : throw new EdgeSyncException(
                ErrorKind.Usage, "The NATS seed is damaged.", "a user's seed has 58 characters and begins with SU");
    }

    /// <summary>Signs a server's nonce for CONNECT: base64url without padding.</summary>
    public string SignNonce(string nonce)
    {
        var signature = new byte[SignatureForm.SignatureBytes];
        _key.Sign(Encoding.UTF8.GetBytes(nonce), signature);
        return Base64Text.EncodeUrl(signature);
    }

    public override string ToString() => PublicKey;

    private static KeyPair? TryOpen(string text)
    {
        if (text.Length != SeedTextLength || !NKey.IsBase32(text)) return null;

        try
        {
            // Curve keys encrypt; they cannot sign.
            var key = KeyPair.FromSeed(text);
            return key.Prefix != PrefixByte.Curve && key.GetSeed() == text ? key : null;
        }
        catch (NKeysException)
        {
            return null;
        }
    }
}

/// <summary>Base 64 as signatures are written: the URL alphabet without padding; the plain one is read too.</summary>
internal static class Base64Text
{
    public static string EncodeUrl(ReadOnlySpan<byte> bytes) =>
        Convert.ToBase64String(bytes).TrimEnd('=').Replace('+', '-').Replace('/', '_');

    public static bool TryDecode(string text, Span<byte> bytes)
    {
        var plain = text.TrimEnd('=').Replace('-', '+').Replace('_', '/');
        if (plain.Length > 4 * bytes.Length) return false;

        plain = plain.PadRight((plain.Length + 3) / 4 * 4, '=');
        return Convert.TryFromBase64String(plain, bytes, out var count) && count == bytes.Length;
    }
}
