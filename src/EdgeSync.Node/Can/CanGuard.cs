using System.Globalization;
using System.Net;
using System.Security.Cryptography;
using System.Text;
using EdgeSync.Primitives;
using Microsoft.AspNetCore.Http;

namespace EdgeSync.Node.Can;

/// <summary>Who may ask for what: the keys, and the protection of a service on this machine from web pages.</summary>
/// <remarks>
/// All wrong keys count, wherever they come: after ten within a minute from one address no key from there is looked at
/// for a while, so that none can be guessed. Keys of sync are counted apart from those of people: a wrong key in a form
/// does not hold up a mirror of the same machine, and one that is held up gets 429, after which it asks again.
/// </remarks>
internal sealed class CanGuard(CanSettings settings, bool isLoopback, CanSessions sessions, TimeProvider clock)
{
    private const string Bearer = "Bearer ", Basic = "Basic ", Realm = "can", SyncRealm = "can sync";

    /// <summary>Forms of the pages, which carry the token of their session.</summary>
    public const string FormsPrefix = "/page/";

    /// <summary>The text of a 429.</summary>
    public const string TooManyKeys = "too many wrong keys from this address; try again in a minute";

    private static readonly object CheckOfHeader = new();

    private readonly LoginThrottle _throttle = new();

    public CanSessions Sessions => sessions;

    /// <summary>Reading and storing need a key.</summary>
    public bool HasApiKey => settings.ApiKey is not null;

    public bool HasAdminToken => settings.AdminToken is not null;

    /// <summary>What the key allows that someone gave; a wrong one counts.</summary>
    public KeyCheck Check(HttpContext context, string key)
    {
        var wait = WaitOf(context, Realm);
        if (wait > TimeSpan.Zero) return new KeyCheck(CanAccess.None, wait);

        var access = AccessOfKey(key);
        // Who has the api_key may be guessing the token: that key forgives nothing where there is a greater one.
        Count(context, Realm, access != CanAccess.None, access == CanAccess.Admin || !HasAdminToken);
        return new KeyCheck(access, TimeSpan.Zero);
    }

    /// <summary>
    /// What a request may do: by its Bearer token, the password of Basic, or the cookie of a login. A browser sends
    /// cookies by itself, so they count for reading, and for forms with their token.
    /// </summary>
    public KeyCheck CheckOf(HttpContext context)
    {
        var request = context.Request;
        var access = HasApiKey ? CanAccess.None : CanAccess.Use;
        if (KeyOf(request) is { } key)
        {
            var check = CheckHeader(context, key);
            return check with { Access = Larger(access, check.Access) };
        }

        var canBeCookie = HttpMethods.IsGet(request.Method) || HttpMethods.IsHead(request.Method)
            || request.Path.StartsWithSegments(FormsPrefix[..^1], StringComparison.Ordinal);
        var session = canBeCookie ? sessions.AccessOf(request.Cookies[sessions.CookieName]) : CanAccess.None;
        return new KeyCheck(Larger(access, session), TimeSpan.Zero);
    }

    /// <summary>Of <see cref="CheckOf"/>.</summary>
    public CanAccess AccessOf(HttpContext context) => CheckOf(context).Access;

    /// <summary>Whether a path has a rule of its own: health, the keys of administration and sync, the login.</summary>
    public static bool IsOpen(PathString path) =>
        path.Value is "/healthz" or "/readyz" or "/status" or "/metrics" or "/page/login"
            or "/edgesync.css" or "/edgesync.js" or "/can.css" or "/can.js"
        || path.StartsWithSegments("/sync", StringComparison.Ordinal);

    /// <summary>0: administration is allowed; else the status of the refusal.</summary>
    public int AdminStatus(HttpContext context)
    {
        if (!HasAdminToken) return 403;
        if (BearerOf(context.Request) is not { } key) return 401;

        var check = CheckHeader(context, key);
        if (check.Wait > TimeSpan.Zero) return TooMany(context, check.Wait);

        return check.Access == CanAccess.Admin ? 0 : 401;
    }

    /// <summary>0: sync is allowed; else the status of the refusal.</summary>
    /// <param name="context">Of a request with the key in a header.</param>
    /// <param name="canBeQuery">The key may be a parameter instead: browsers cannot set headers of a stream.</param>
    public int SyncStatus(HttpContext context, bool canBeQuery)
    {
        if (settings.SyncApiKey is not { } key) return 403;

        var given = context.Request.Headers["X-Sync-Key"].ToString();
        if (given.Length == 0 && canBeQuery) given = context.Request.Query["key"].ToString();
        if (given.Length == 0) return 401;

        var wait = WaitOf(context, SyncRealm);
        if (wait > TimeSpan.Zero) return TooMany(context, wait);

        var isRight = IsSame(given, key);
        Count(context, SyncRealm, isRight, forgives: true);
        return isRight ? 0 : 401;
    }

    /// <summary>Says when to try again; returns the status.</summary>
    public static int TooMany(HttpContext context, TimeSpan wait)
    {
        context.Response.Headers.RetryAfter = string.Create(
            CultureInfo.InvariantCulture, $"{Math.Ceiling(wait.TotalSeconds)}");
        return StatusCodes.Status429TooManyRequests;
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

    private CanAccess AccessOfKey(string key)
    {
        if (settings.AdminToken is { } token && IsSame(key, token)) return CanAccess.Admin;

        return settings.ApiKey is { } api && IsSame(key, api) ? CanAccess.Use : CanAccess.None;
    }

    // A request is asked several times what it may do, and its key counts once.
    private KeyCheck CheckHeader(HttpContext context, string key)
    {
        if (context.Items.TryGetValue(CheckOfHeader, out var known)) return (KeyCheck)known!;

        var check = Check(context, key);
        context.Items[CheckOfHeader] = check;
        return check;
    }

    // Where no key is asked for, Basic is the login of a proxy before this service, which none of its keys is.
    private string? KeyOf(HttpRequest request)
    {
        if (!HasApiKey) return HasAdminToken ? BearerOf(request) : null;

        var given = request.Headers.Authorization.ToString();
        return given.StartsWith(Basic, StringComparison.OrdinalIgnoreCase)
            ? PasswordOf(given[Basic.Length..].Trim()) : BearerOf(request);
    }

    private static string? BearerOf(HttpRequest request)
    {
        var given = request.Headers.Authorization.ToString();
        return given.StartsWith(Bearer, StringComparison.OrdinalIgnoreCase) ? given[Bearer.Length..].Trim() : null;
    }

    private static string PasswordOf(string base64)
    {
        var bytes = new byte[base64.Length];
        if (!Convert.TryFromBase64String(base64, bytes, out var length)) return "";

        var text = Encoding.UTF8.GetString(bytes, 0, length);
        return text[(text.IndexOf(':', StringComparison.Ordinal) + 1)..];
    }

    private TimeSpan WaitOf(HttpContext context, string realm) => _throttle.WaitOf(AddressOf(context), realm, Now());

    private void Count(HttpContext context, string realm, bool isRight, bool forgives)
    {
        if (!isRight) _throttle.OnFailure(AddressOf(context), realm, realm, Now());
        else if (forgives) _throttle.OnSuccess(AddressOf(context), realm, realm);
    }

    private static string AddressOf(HttpContext context) => context.Connection.RemoteIpAddress?.ToString() ?? "";

    private Instant Now() => Instant.FromDateTime(clock.GetUtcNow());

    private static CanAccess Larger(CanAccess one, CanAccess other) => one > other ? one : other;

    private static bool IsSame(string given, string expected) => CryptographicOperations.FixedTimeEquals(
        SHA256.HashData(Encoding.UTF8.GetBytes(given)), SHA256.HashData(Encoding.UTF8.GetBytes(expected)));
}

/// <summary>What a key allows.</summary>
/// <param name="Access">None while too many wrong ones are counted.</param>
/// <param name="Wait">Until keys from that address are looked at again; zero: they are.</param>
internal readonly record struct KeyCheck(CanAccess Access, TimeSpan Wait);
