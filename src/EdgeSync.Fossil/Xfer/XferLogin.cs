using System.Security.Cryptography;
using System.Text;
using EdgeSync.Primitives;

namespace EdgeSync.Fossil.Xfer;

/// <summary>
/// The arithmetic of the login card.
/// <code>
///   secret    = SHA1hex( projectcode "/" login "/" password )
///   nonce     = SHA1hex( every byte that follows the login line )
///   signature = SHA1hex( nonce secret )
/// </code>
/// So a signature is valid for one body only. Spec: xfer.c check_login, sha1.c sha1_shared_secret.
/// </summary>
public static class XferLogin
{
    private const int HexSize = 40;

    /// <summary>
    /// The stored form of a password. A password that is 40 hex digits already is stored unchanged.
    /// </summary>
    public static string SharedSecret(string projectCode, string login, string password)
    {
        if (password.Length == HexSize && LowerHex.IsHex(Encoding.UTF8.GetBytes(password))) return password;

        return ArtifactHash.Compute(HashKind.Sha1, Encoding.UTF8.GetBytes($"{projectCode}/{login}/{password}"))
            .ToString();
    }

    /// <summary>Writes the login line for <paramref name="body"/>, which must follow it byte for byte.</summary>
    public static void Write(XferWriter writer, string login, string secret, ReadOnlySpan<byte> body)
    {
        Span<byte> nonce = stackalloc byte[HexSize];
        Span<byte> signature = stackalloc byte[HexSize];
        Sha1Hex(body, nonce);
        Sign(nonce, secret, signature);
        writer.Login(login, nonce, signature);
    }

    /// <summary>
    /// True if <paramref name="nonce"/> is the hash of the bytes behind the login line; its length (40 or 64 digits)
    /// picks the function. Without this a captured signature would authenticate any other body.
    /// </summary>
    public static bool NonceFits(ReadOnlySpan<byte> nonce, ReadOnlySpan<byte> body) =>
        ArtifactId.TryParse(nonce, out var id) && ArtifactHash.Matches(id, body);

    /// <summary>
    /// True if the signature was made with the stored password: a shared secret, or clear text, used directly or as its
    /// shared secret. An empty one never matches. Takes the same time wherever the signatures differ.
    /// </summary>
    public static bool SignatureFits(
        ReadOnlySpan<byte> signature, ReadOnlySpan<byte> nonce, string storedPassword, string projectCode, string login)
    {
        if (storedPassword.Length == 0) return false;

        Span<byte> expected = stackalloc byte[HexSize];
        Sign(nonce, storedPassword, expected);
        var fits = CryptographicOperations.FixedTimeEquals(expected, signature);
        if (storedPassword.Length == HexSize) return fits;

        Sign(nonce, SharedSecret(projectCode, login, storedPassword), expected);
        return fits | CryptographicOperations.FixedTimeEquals(expected, signature);
    }

    private static void Sign(ReadOnlySpan<byte> nonce, string secret, Span<byte> signature)
    {
        var text = new byte[nonce.Length + Encoding.UTF8.GetByteCount(secret)];
        nonce.CopyTo(text);
        Encoding.UTF8.GetBytes(secret, text.AsSpan(nonce.Length));
        Sha1Hex(text, signature);
    }

    private static void Sha1Hex(ReadOnlySpan<byte> bytes, Span<byte> hex)
    {
        ArtifactHash.Compute(HashKind.Sha1, bytes).TryWriteHex(hex, out _);
    }
}
