using System.Net;
using System.Security.Cryptography;
using System.Text;
using EdgeSync.Primitives;
using Microsoft.AspNetCore.Http;

namespace EdgeSync.Node.Can;

/// <summary>Who may ask for what: the keys, and the protection of a service on this machine from web pages.</summary>
internal sealed class CanGuard(CanSettings settings, bool isLoopback, CanSessions sessions)
{
    private const string Bearer = "Bearer ", Basic = "Basic ";

    /// <summary>Forms of the pages, which carry the token of their session.</summary>
    public const string FormsPrefix = "/page/";

    /// <summary>Of <see cref="Throttle"/>.</summary>
    public const string Realm = "can";

    public CanSessions Sessions => sessions;

    /// <summary>Counts wrong keys by address: those of the form, and of headers while a key is needed.</summary>
    public LoginThrottle Throttle { get; } = new();

    /// <summary>Reading and storing need a key.</summary>
    public bool HasApiKey => settings.ApiKey is not null;

    public bool HasAdminToken => settings.AdminToken is not null;

    /// <summary>What the key allows that someone gave.</summary>
    public CanAccess AccessOfKey(string key)
    {
        if (settings.AdminToken is { } token && IsSame(key, token)) return CanAccess.Admin;

        return settings.ApiKey is { } api && IsSame(key, api) ? CanAccess.Use : CanAccess.None;
    }

    /// <summary>
    /// What a request may do: by its Bearer token, the password of Basic, or the cookie of a login. A browser sends
    /// cookies by itself, so they count for reading, and for forms with their token.
    /// </summary>
    public CanAccess AccessOf(HttpRequest request)
    {
        var access = HasApiKey ? CanAccess.None : CanAccess.Use;
        var given = request.Headers.Authorization.ToString();
        if (given.StartsWith(Bearer, StringComparison.OrdinalIgnoreCase))
            return Larger(access, AccessOfKey(given[Bearer.Length..].Trim()));
        if (given.StartsWith(Basic, StringComparison.OrdinalIgnoreCase))
            return Larger(access, AccessOfKey(PasswordOf(given[Basic.Length..].Trim())));

        var canBeCookie = HttpMethods.IsGet(request.Method) || HttpMethods.IsHead(request.Method)
            || request.Path.StartsWithSegments(FormsPrefix[..^1], StringComparison.Ordinal);
        return canBeCookie ? Larger(access, sessions.AccessOf(request.Cookies[sessions.CookieName])) : access;
    }

    /// <summary>Whether a path has a rule of its own: health, the keys of administration and sync, the login.</summary>
    public static bool IsOpen(PathString path) =>
        path.Value is "/healthz" or "/readyz" or "/status" or "/metrics" or "/page/login"
            or "/edgesync.css" or "/edgesync.js" or "/can.css" or "/can.js"
        || path.StartsWithSegments("/sync", StringComparison.Ordinal);

    private static CanAccess Larger(CanAccess one, CanAccess other) => one > other ? one : other;

    private static string PasswordOf(string base64)
    {
        var bytes = new byte[base64.Length];
        if (!Convert.TryFromBase64String(base64, bytes, out var length)) return "";

        var text = Encoding.UTF8.GetString(bytes, 0, length);
        return text[(text.IndexOf(':', StringComparison.Ordinal) + 1)..];
    }

    /// <summary>0: administration is allowed; else the status of the refusal.</summary>
    public int AdminStatus(HttpRequest request)
    {
        if (settings.AdminToken is not { } token) return 403;

        var given = request.Headers.Authorization.ToString();
        return given.StartsWith(Bearer, StringComparison.OrdinalIgnoreCase) && IsSame(given[Bearer.Length..], token)
            ? 0 : 401;
    }

    /// <summary>0: sync is allowed; else the status of the refusal.</summary>
    /// <param name="request">With the key in a header.</param>
    /// <param name="canBeQuery">The key may be a parameter instead: browsers cannot set headers of a stream.</param>
    public int SyncStatus(HttpRequest request, bool canBeQuery)
    {
        if (settings.SyncApiKey is not { } key) return 403;

        var given = request.Headers["X-Sync-Key"].ToString();
        if (given.Length == 0 && canBeQuery) given = request.Query["key"].ToString();
        return IsSame(given, key) ? 0 : 401;
    }

    /// <summary>Whether the caller is on this machine.</summary>
    public static bool IsOfThisMachine(HttpContext context) =>
        context.Connection.RemoteIpAddress is { } address
        && IPAddress.IsLoopback(address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address);

    /// <summary>
    /// Why a request is refused, or null. A page of another site can make a browser send requests to this machine: they
    /// carry that site as Origin, or, when its name was rebound to this machine, as Host.
    /// </summary>
    public string? Fault(HttpRequest request)
    {
        var host = request.Host.Host ?? "";
        if (isLoopback && host.Length > 0 && !IsOwnName(host))
            return "unknown Host; allowed_hosts (of a leaf: assets.hosts) in the settings names more";

        var origin = request.Headers.Origin.ToString();
        if (origin.Length == 0 || HttpMethods.IsGet(request.Method) || HttpMethods.IsHead(request.Method)) return null;

        return Uri.TryCreate(origin, UriKind.Absolute, out var uri)
            && string.Equals(uri.Authority, request.Host.Value, StringComparison.OrdinalIgnoreCase)
                ? null : "a page of another origin may not change assets";
    }

    private bool IsOwnName(string host)
    {
        var name = host.Trim('[', ']');
        return name.Equals("localhost", StringComparison.OrdinalIgnoreCase) || IPAddress.TryParse(name, out _)
            || settings.AllowedHosts.Contains(name, StringComparer.OrdinalIgnoreCase);
    }

    private static bool IsSame(string given, string expected) => CryptographicOperations.FixedTimeEquals(
        SHA256.HashData(Encoding.UTF8.GetBytes(given)), SHA256.HashData(Encoding.UTF8.GetBytes(expected)));
}
