using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using EdgeSync.Primitives;
using EdgeSync.Storage;

namespace EdgeSync.Node.Web.Pages;

/// <summary>
/// Logins of the web pages as signed cookies: <c>LOGIN.EXPIRY.MAC</c>, the login in base64url, the expiry in seconds of
/// Unix, the MAC in hex. The key is this process's, so a restart ends all sessions; the MAC covers the stored password,
/// so a changed one ends those of its user.
/// </summary>
internal sealed class WebSessions
{
    /// <summary>A day: stock's default is a year, on its own page.</summary>
    public static readonly TimeSpan Lifetime = TimeSpan.FromDays(1);

    private readonly byte[] _key = new byte[32];

    public WebSessions(Entropy entropy) => entropy.Fill(_key);

    /// <summary>One for each project, since several repositories may share a host.</summary>
    public static string CookieName(Repository repository) => $"edgesync-{repository.ProjectCode[..16]}";

    /// <summary>The value of the cookie of a login.</summary>
    public string Begin(Repository repository, string login)
    {
        var expiry = (repository.Now + Lifetime).UnixSeconds;
        return $"{Base64Url(login)}.{expiry.ToString(CultureInfo.InvariantCulture)}.{MacOf(repository, login, expiry)}";
    }

    /// <summary>The visitor of a request, without a login when the cookie is none of ours or over.</summary>
    public PageVisitor VisitorOf(Repository repository, string? cookie)
    {
        var login = cookie is null ? null : LoginIn(repository, cookie);
        return new PageVisitor(
            login, repository.Users.CapabilitiesOf(login), login is null ? "" : CsrfOf(cookie!));
    }

    /// <summary>True for the token of the session's forms.</summary>
    public bool IsCsrf(string cookie, string token) => CryptographicOperations.FixedTimeEquals(
        Encoding.UTF8.GetBytes(CsrfOf(cookie)), Encoding.UTF8.GetBytes(token));

    private string? LoginIn(Repository repository, string cookie)
    {
        if (cookie.Split('.') is not [var name, var time, var mac]
            || !long.TryParse(time, NumberStyles.None, CultureInfo.InvariantCulture, out var expiry)
            || expiry <= repository.Now.UnixSeconds
            || Text(name) is not { Length: > 0 } login
            || !repository.Users.TryGet(login, out var user) || user!.IsExpired)
            return null;

        return CryptographicOperations.FixedTimeEquals(
            Encoding.ASCII.GetBytes(MacOf(repository, login, expiry)), Encoding.UTF8.GetBytes(mac)) ? login : null;
    }

    private string MacOf(Repository repository, string login, long expiry) => Mac(
        string.Create(
            CultureInfo.InvariantCulture,
            $"session\n{repository.ProjectCode}\n{login}\n{expiry}\n{repository.Users.PasswordStampOf(login)}"));

    private string CsrfOf(string cookie) => Mac("csrf\n" + cookie);

    private string Mac(string text) =>
        Convert.ToHexStringLower(HMACSHA256.HashData(_key, Encoding.UTF8.GetBytes(text)));

    private static string Base64Url(string text) =>
        System.Buffers.Text.Base64Url.EncodeToString(Encoding.UTF8.GetBytes(text));

    private static string? Text(string base64)
    {
        try
        {
            return Encoding.UTF8.GetString(System.Buffers.Text.Base64Url.DecodeFromChars(base64));
        }
        catch (FormatException)
        {
            return null;
        }
    }
}
