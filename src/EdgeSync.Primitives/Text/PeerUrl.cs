using System.Diagnostics.CodeAnalysis;

namespace EdgeSync.Primitives;

/// <summary>
/// The address of a peer: <c>http://USER:PASSWORD@HOST:PORT/PATH</c>, or <c>https://</c>; commands also take
/// <c>file:///PATH</c> and <c>ssh://USER@HOST:PORT/PATH</c>, and commands and nodes
/// <c>iroh://USER:PASSWORD@ENDPOINT/NAME</c>, where ENDPOINT is a ticket or an endpoint id. User and password are kept
/// apart from the address, so that what is printed, logged or stored never contains a secret.
/// </summary>
public sealed record PeerUrl(Uri Address, string? User, string? Password)
{
    private const string SshScheme = "ssh";
    private const string IrohScheme = "iroh";
    private const string IrohPrefix = IrohScheme + ":";
    private const int EndpointLengthMin = 52;   // base32 of an id

    /// <summary>Requests go through ssh.</summary>
    public bool IsSsh => Address.Scheme == SshScheme;

    /// <summary>The ticket or id of an iroh endpoint; null for other schemes.</summary>
    public string? Endpoint => IsIroh ? Address.AbsolutePath.Split('/')[0] : null;

    /// <summary>The name of a repository at an iroh endpoint; empty for its only one.</summary>
    public string EndpointPath =>
        IsIroh && Address.AbsolutePath.IndexOf('/', StringComparison.Ordinal) is > 0 and var slash
            ? Uri.UnescapeDataString(Address.AbsolutePath[(slash + 1)..])
            : "";

    private bool IsIroh => Address.Scheme == IrohScheme;

    /// <summary>The repository file at this address; null for other schemes.</summary>
    public string? FilePath => Address.IsFile ? Address.LocalPath : null;

    /// <summary>Reads an http or https address.</summary>
    public static bool TryParse([NotNullWhen(true)] string? text, [NotNullWhen(true)] out PeerUrl? url) =>
        TryParse(text, isHttpOnly: true, out url);

    /// <summary>Reads an http, https, file, ssh or iroh address.</summary>
    public static bool TryParseAny([NotNullWhen(true)] string? text, [NotNullWhen(true)] out PeerUrl? url) =>
        TryParse(text, isHttpOnly: false, out url);

    /// <summary>The address of a repository file.</summary>
    /// <param name="fullPath">Absolute, with slashes.</param>
    public static PeerUrl OfFile(string fullPath) =>
        new(
            new Uri("file:///" + string.Join('/', fullPath.TrimStart('/').Split('/').Select(Uri.EscapeDataString))),
            null, null);

    private static bool TryParse(string? text, bool isHttpOnly, [NotNullWhen(true)] out PeerUrl? url)
    {
        url = null;
        text = text?.Trim();
        // Spec: dehttpize() in encode.c. A plus sign is a blank there, also in a path; a literal one is %2B.
        if (!isHttpOnly && text?.StartsWith("file://", StringComparison.Ordinal) == true)
            text = text.Replace("+", "%20", StringComparison.Ordinal);
        if (!isHttpOnly && text?.StartsWith(IrohPrefix, StringComparison.OrdinalIgnoreCase) == true)
            return TryParseIroh(text[IrohPrefix.Length..], out url);
        if (!Uri.TryCreate(text, UriKind.Absolute, out var whole)) return false;
        if (!isHttpOnly && whole.IsFile && text!.StartsWith("file:", StringComparison.Ordinal))
        {
            url = new PeerUrl(whole, null, null);
            return whole.Host.Length == 0;
        }

        var isWeb = whole.Scheme == Uri.UriSchemeHttp || whole.Scheme == Uri.UriSchemeHttps;
        if (!isWeb && (isHttpOnly || whole.Scheme != SshScheme)) return false;
        if (whole.Host.Length == 0) return false;

        var colon = whole.UserInfo.IndexOf(':', StringComparison.Ordinal);
        var user = colon < 0 ? whole.UserInfo : whole.UserInfo[..colon];
        var password = colon < 0 ? null : Uri.UnescapeDataString(whole.UserInfo[(colon + 1)..]);
        var bare = new UriBuilder(whole) { UserName = "", Password = "", Fragment = "" };
        url = new PeerUrl(bare.Uri, user.Length == 0 ? null : Uri.UnescapeDataString(user), password);
        return true;
    }

    // A ticket is longer than a host may be, so it becomes a path, whether slashes precede it or not.
    private static bool TryParseIroh(string text, [NotNullWhen(true)] out PeerUrl? url)
    {
        url = null;
        var hasAuthority = text.StartsWith("//", StringComparison.Ordinal);
        if (hasAuthority) text = text[2..];
        text = text.TrimEnd('/');
        var at = text.LastIndexOf('@');
        if (at >= 0 && !hasAuthority) return false;   // as in other schemes, so that a password is recognised

        var login = at < 0 ? "" : text[..at];
        var place = text[(at + 1)..];
        var endpoint = place.Split('/')[0];
        if (endpoint.Length < EndpointLengthMin || !endpoint.All(char.IsAsciiLetterOrDigit)) return false;
        if (!Uri.TryCreate(IrohPrefix + place, UriKind.Absolute, out var address)) return false;

        var colon = login.IndexOf(':', StringComparison.Ordinal);
        var user = colon < 0 ? login : login[..colon];
        var password = colon < 0 ? null : Uri.UnescapeDataString(login[(colon + 1)..]);
        url = new PeerUrl(address, user.Length == 0 ? null : Uri.UnescapeDataString(user), password);
        return true;
    }

    /// <exception cref="EdgeSyncException">Not an http or https address.</exception>
    public static PeerUrl Parse(string text) => TryParse(text, out var url)
        ? url
        : throw new EdgeSyncException(
            ErrorKind.Usage, $"'{WithoutSecret(text)}' is not the address of a peer",
            "such as http://host:8080 or https://user@host/project");

    /// <exception cref="EdgeSyncException">Not an http, https, file, ssh or iroh address.</exception>
    public static PeerUrl ParseAny(string text) => TryParseAny(text, out var url)
        ? url
        : throw new EdgeSyncException(ErrorKind.Usage, $"'{WithoutSecret(text)}' is not the address of a peer");

    /// <summary>As Fossil stores it in <c>last-sync-url</c>: with the user, never the password.</summary>
    public override string ToString()
    {
        var text = Address.AbsoluteUri;
        if (Address.PathAndQuery == "/") text = text.TrimEnd('/');
        if (User is null) return text;

        return IsIroh
            ? text.Insert(IrohPrefix.Length, $"//{Uri.EscapeDataString(User)}@")
            : text.Insert(text.IndexOf("//", StringComparison.Ordinal) + 2, Uri.EscapeDataString(User) + "@");
    }

    private static string WithoutSecret(string text)
    {
        var at = text.LastIndexOf('@');
        return at < 0 ? text : "…" + text[at..];
    }
}
