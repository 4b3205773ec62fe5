using System.Diagnostics.CodeAnalysis;

namespace EdgeSync.Primitives;

/// <summary>
/// The address of a peer as people write it: <c>http://USER:PASSWORD@HOST:PORT/PATH</c>. User and password are taken out,
/// so that what is printed, logged or stored never holds a secret.
/// </summary>
public sealed record PeerUrl(Uri Address, string? User, string? Password)
{
    public static bool TryParse([NotNullWhen(true)] string? text, [NotNullWhen(true)] out PeerUrl? url)
    {
        url = null;
        if (!Uri.TryCreate(text?.Trim(), UriKind.Absolute, out var whole)) return false;
        if (whole.Scheme != Uri.UriSchemeHttp && whole.Scheme != Uri.UriSchemeHttps) return false;
        if (whole.Host.Length == 0) return false;

        var colon = whole.UserInfo.IndexOf(':', StringComparison.Ordinal);
        var user = colon < 0 ? whole.UserInfo : whole.UserInfo[..colon];
        var password = colon < 0 ? null : Uri.UnescapeDataString(whole.UserInfo[(colon + 1)..]);
        var bare = new UriBuilder(whole) { UserName = "", Password = "", Fragment = "" };
        url = new PeerUrl(bare.Uri, user.Length == 0 ? null : Uri.UnescapeDataString(user), password);
        return true;
    }

    /// <exception cref="EdgeSyncException">Not an http or https address.</exception>
    public static PeerUrl Parse(string text) => TryParse(text, out var url)
        ? url
        : throw new EdgeSyncException(
            ErrorKind.Usage, $"'{WithoutSecret(text)}' is not the address of a peer", "such as http://host:8080 or https://user@host/project");

    /// <summary>As stock keeps it in <c>last-sync-url</c>: the user, never the password.</summary>
    public override string ToString()
    {
        var text = Address.AbsoluteUri;
        if (Address.PathAndQuery == "/") text = text.TrimEnd('/');
        return User is null ? text : text.Insert(text.IndexOf("//", StringComparison.Ordinal) + 2, Uri.EscapeDataString(User) + "@");
    }

    private static string WithoutSecret(string text)
    {
        var at = text.LastIndexOf('@');
        return at < 0 ? text : "…" + text[at..];
    }
}
