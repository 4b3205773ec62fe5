using System.Buffers;

namespace EdgeSync.Nats.Broker;

/// <summary>
/// Passwords stored as bcrypt hashes, as <c>nats server passwd</c> and <c>htpasswd -B</c> make them:
/// <code>
///   $2a$11$ SSSSSSSSSSSSSSSSSSSSSS HHHHHHHHHHHHHHHHHHHHHHHHHHHHHHH
///       │   salt, 16 bytes         hash, 23 bytes        both in a base64 of their own
///       └ cost: 2^11 rounds, about a tenth of a second
/// </code>
/// Checking one (BCrypt.Net) is slow by design: never under a lock, and a bounded number at a time.
/// </summary>
internal sealed class BcryptHash
{
    /// <summary>A higher cost would exceed the time allowed for a login.</summary>
    public const int CostMax = 14;

    private const int CostMin = 4;
    private const int TextLength = 60;

    private static readonly SearchValues<char> Alphabet =
        SearchValues.Create("./ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789");

    private readonly string _text;

    private BcryptHash(string text) => _text = text;

    /// <summary>True for text that begins like a hash, complete or not.</summary>
    public static bool LooksLikeHash(string text) =>
        text.Length > 3 && text.StartsWith("$2", StringComparison.Ordinal) && text[3] == '$';

    /// <summary>False: not a bcrypt hash, or one whose cost is beyond <see cref="CostMax"/>.</summary>
    public static bool TryParse(string text, out BcryptHash? hash)
    {
        hash = null;
        if (text.Length != TextLength || !LooksLikeHash(text) || text[2] is not ('a' or 'b' or 'x' or 'y')
            || text[6] != '$')
            return false;
        if (!char.IsAsciiDigit(text[4]) || !char.IsAsciiDigit(text[5])) return false;

        var cost = ((text[4] - '0') * 10) + (text[5] - '0');
        if (cost is < CostMin or > CostMax || text.AsSpan(7).ContainsAnyExcept(Alphabet)) return false;

        hash = new BcryptHash(text);
        return true;
    }

    /// <summary>
    /// Whether the hash was made of this password. Slow, equally for right and wrong ones.
    /// </summary>
    public bool Verify(string password) => BCrypt.Net.BCrypt.Verify(password, _text);
}
