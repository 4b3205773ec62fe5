using EdgeSync.Nats.Keys;

namespace EdgeSync.Nats.Broker.Leafnodes;

/// <summary>
/// Addresses of hubs: <c>scheme://user:password@host:port</c>, where scheme and port may be omitted.
/// </summary>
public static class LeafUrl
{
    /// <summary>The default port of hubs.</summary>
    public const int DefaultPort = 7422;

    private static readonly string[] Schemes = ["nats-leaf", "nats", "tls", "ws", "wss"];

    /// <summary>False for another scheme, or no host.</summary>
    public static bool TryParse(string text, out Uri url)
    {
        url = null!;
        if (!text.Contains("://", StringComparison.Ordinal)) text = "nats-leaf://" + text;
        if (!Uri.TryCreate(text, UriKind.Absolute, out var parsed)) return false;
        if (!Schemes.Contains(parsed.Scheme, StringComparer.OrdinalIgnoreCase) || parsed.Host.Length == 0) return false;

        url = parsed;
        return true;
    }

    /// <summary>The port to dial: as written, or the usual one of the scheme.</summary>
    public static int PortOf(Uri url) => url switch
    {
        { IsDefaultPort: false, Port: > 0 } => url.Port,
        { Scheme: "ws" } => 80,
        { Scheme: "wss" } => 443,
        _ => DefaultPort,
    };

    /// <summary>The link runs inside WebSocket frames.</summary>
    public static bool IsWebSocket(Uri url) => url.Scheme is "ws" or "wss";

    /// <summary>Whether the scheme itself requires TLS.</summary>
    public static bool IsTls(Uri url) => url.Scheme is "tls" or "wss";

    /// <summary>For display and logs.</summary>
    public static string WithoutCredentials(string text) =>
        TryParse(text, out var url) ? $"{url.Scheme}://{url.Host}:{PortOf(url)}" : text;

    /// <summary>
    /// The credentials inside an address; a user part alone is a token as well as a user, as servers since 2.10 send
    /// it.
    /// </summary>
    // Spec: specs of the leaf CONNECT: `user` (2.9) or `user` + `auth_token` (2.10 and later).
    public static NatsCredentials CredentialsOf(Uri url)
    {
        if (url.UserInfo.Length == 0) return NatsCredentials.None;

        var parts = url.UserInfo.Split(':', 2);
        var user = Uri.UnescapeDataString(parts[0]);
        return parts.Length == 2
            ? new NatsCredentials { User = user, Password = Uri.UnescapeDataString(parts[1]) }
            : new NatsCredentials { User = user, Token = user };
    }
}
