using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;

namespace EdgeSync.Primitives.Crypto;

/// <summary>
/// Passwords stored as bcrypt hashes, as <c>nats server passwd</c> and <c>htpasswd -B</c> make them:
/// <code>
///   $2a$11$ SSSSSSSSSSSSSSSSSSSSSS HHHHHHHHHHHHHHHHHHHHHHHHHHHHHHH
///       │   salt, 16 bytes         hash, 23 bytes        both in a base64 of their own
///       └ cost: 2^11 rounds, about a tenth of a second
/// </code>
/// Checking one is meant to be slow: never under a lock, and not for everybody who asks at once.
/// </summary>
public sealed class Bcrypt
{
    /// <summary>A higher cost would take longer than anybody waits for a login.</summary>
    public const int CostMax = 14;

    private const int CostMin = 4;
    private const int TextLength = 60;
    private const int SaltText = 22;
    private const int SaltBytes = 16;
    private const int HashBytes = 23;
    private const int KeyBytesMax = 72;
    private const string Alphabet = "./ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

    private readonly int _cost;
    private readonly byte[] _salt;
    private readonly byte[] _hash;

    private Bcrypt(int cost, byte[] salt, byte[] hash) => (_cost, _salt, _hash) = (cost, salt, hash);

    /// <summary>True for text that begins as a hash does, whole or not.</summary>
    public static bool LooksLikeHash(string text) => text.Length > 3 && text.StartsWith("$2", StringComparison.Ordinal) && text[3] == '$';

    /// <summary>False: no bcrypt hash, or one whose cost is beyond <see cref="CostMax"/>.</summary>
    public static bool TryParse(string text, out Bcrypt? hash)
    {
        hash = null;
        if (text.Length != TextLength || !LooksLikeHash(text) || text[2] is not ('a' or 'b' or 'x' or 'y') || text[6] != '$') return false;
        if (!char.IsAsciiDigit(text[4]) || !char.IsAsciiDigit(text[5])) return false;

        var cost = ((text[4] - '0') * 10) + (text[5] - '0');
        var (salt, bytes) = (new byte[SaltBytes], new byte[HashBytes]);
        if (cost is < CostMin or > CostMax || !TryDecode(text.AsSpan(7, SaltText), salt) || !TryDecode(text.AsSpan(7 + SaltText), bytes)) return false;

        hash = new Bcrypt(cost, salt, bytes);
        return true;
    }

    /// <summary>Whether the hash was made of this password. Takes its time, the same for right and wrong ones.</summary>
    public bool Verify(string password) => CryptographicOperations.FixedTimeEquals(_hash, Compute(password));

    private byte[] Compute(string password)
    {
        // Spec: a zero byte ends the key, and what lies beyond 72 bytes does not count.
        var key = Encoding.UTF8.GetBytes(password + '\0');
        if (key.Length > KeyBytesMax) key = key[..KeyBytesMax];

        var cipher = new Blowfish();
        cipher.Expand(key, _salt);
        for (var i = 1L << _cost; i > 0; i--)
        {
            cipher.Expand(key);
            cipher.Expand(_salt);
        }

        var text = "OrpheanBeholderScryDoubt"u8.ToArray();
        for (var at = 0; at < text.Length; at += 8)
        {
            var (left, right) = (BinaryPrimitives.ReadUInt32BigEndian(text.AsSpan(at)), BinaryPrimitives.ReadUInt32BigEndian(text.AsSpan(at + 4)));
            for (var i = 0; i < 64; i++) cipher.Encrypt(ref left, ref right);
            BinaryPrimitives.WriteUInt32BigEndian(text.AsSpan(at), left);
            BinaryPrimitives.WriteUInt32BigEndian(text.AsSpan(at + 4), right);
        }

        CryptographicOperations.ZeroMemory(key);
        return text[..HashBytes];
    }

    private static bool TryDecode(ReadOnlySpan<char> text, Span<byte> bytes)
    {
        int bits = 0, count = 0, at = 0;
        foreach (var c in text)
        {
            var digit = Alphabet.IndexOf(c, StringComparison.Ordinal);
            if (digit < 0) return false;

            bits = ((bits << 6) | digit) & 0xffff;
            count += 6;
            if (count < 8 || at == bytes.Length) continue;

            count -= 8;
            bytes[at++] = (byte)(bits >> count);
        }

        return at == bytes.Length;
    }
}
