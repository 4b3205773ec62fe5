using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using EdgeSync.Primitives;

namespace EdgeSync.Node.Can;

/// <summary>What a visitor may do.</summary>
internal enum CanAccess
{
    None,

    /// <summary>Read, store, edit, and move into the trash.</summary>
    Use,

    /// <summary>Delete for good, and decide about the mirror.</summary>
    Admin,
}

/// <summary>
/// Logins of the store's pages as signed cookies: <c>LEVEL.EXPIRY.MAC</c>, the expiry in seconds of Unix, the MAC in
/// hex. The key is this process's, so a restart ends all sessions.
/// </summary>
internal sealed class CanSessions
{
    /// <summary>As on the pages of repositories.</summary>
    public static readonly TimeSpan Lifetime = TimeSpan.FromDays(1);

    private readonly byte[] _key = new byte[32];
    private readonly TimeProvider _clock;

    /// <param name="root">The storage folder: several stores may share a host, whatever their ports.</param>
    /// <param name="entropy">Of the key.</param>
    /// <param name="clock">Of expiry.</param>
    public CanSessions(string root, Entropy entropy, TimeProvider clock)
    {
        entropy.Fill(_key);
        _clock = clock;
        CookieName = "edgesync-can-" + Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(root)))[..12];
    }

    public string CookieName { get; }

    /// <summary>The value of the cookie of a login.</summary>
    public string Begin(CanAccess access)
    {
        var expiry = _clock.GetUtcNow().ToUnixTimeSeconds() + (long)Lifetime.TotalSeconds;
        var text = string.Create(CultureInfo.InvariantCulture, $"{(int)access}.{expiry}");
        return $"{text}.{Mac("session\n" + text)}";
    }

    /// <summary>None for a cookie that is none of ours, or over.</summary>
    public CanAccess AccessOf(string? cookie)
    {
        if (cookie?.Split('.') is not [var level, var time, var mac]
            || !long.TryParse(time, NumberStyles.None, CultureInfo.InvariantCulture, out var expiry)
            || expiry <= _clock.GetUtcNow().ToUnixTimeSeconds()
            || !IsSame(mac, Mac($"session\n{level}.{time}")))
            return CanAccess.None;

        return level == "2" ? CanAccess.Admin : CanAccess.Use;
    }

    /// <summary>The token of the forms of a session; of no session, with an empty cookie.</summary>
    public string CsrfOf(string cookie) => Mac("csrf\n" + cookie);

    public bool IsCsrf(string cookie, string token) => IsSame(token, CsrfOf(cookie));

    private static bool IsSame(string one, string other) => CryptographicOperations.FixedTimeEquals(
        Encoding.UTF8.GetBytes(one), Encoding.UTF8.GetBytes(other));

    private string Mac(string text) =>
        Convert.ToHexStringLower(HMACSHA256.HashData(_key, Encoding.UTF8.GetBytes(text)));
}
