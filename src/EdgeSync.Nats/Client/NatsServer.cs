using System.Globalization;
using EdgeSync.Primitives;

namespace EdgeSync.Nats.Client;

/// <summary>How bytes reach a server.</summary>
public enum NatsScheme : byte
{
    /// <summary><c>nats://</c>: TCP, upgraded to TLS when the server asks.</summary>
    Nats,

    /// <summary><c>tls://</c>: TCP, TLS or nothing.</summary>
    Tls,

    /// <summary><c>ws://</c>: WebSocket.</summary>
    WebSocket,

    /// <summary><c>wss://</c>: WebSocket over TLS.</summary>
    SecureWebSocket,
}

/// <summary>One address of a server, with the credentials that its URL carried.</summary>
public sealed record NatsServer
{
    public const int DefaultPort = 4222;

    private NatsServer(NatsScheme scheme, string host, int port) => (Scheme, Host, Port) = (scheme, host, port);

    public NatsScheme Scheme { get; private init; }

    public string Host { get; }

    public int Port { get; }

    /// <summary>Of a WebSocket URL.</summary>
    public string Path { get; private init; } = "/";

    /// <summary>A user without a password is a token.</summary>
    public string User { get; private init; } = "";

    public string Password { get; private init; } = "";

    /// <summary>The name that a certificate must bear: the host that was configured, kept for addresses learned from it.</summary>
    public string TlsName { get; private init; } = "";

    /// <summary>From a server's INFO, not from the configuration.</summary>
    public bool IsLearned { get; private init; }

    public bool IsWebSocket => Scheme is NatsScheme.WebSocket or NatsScheme.SecureWebSocket;

    /// <summary>Host and port, the key of a pool.</summary>
    public string Address => Host.Contains(':') ? string.Create(CultureInfo.InvariantCulture, $"[{Host}]:{Port}") : string.Create(CultureInfo.InvariantCulture, $"{Host}:{Port}");

    /// <summary>Reads <c>[scheme://][user[:password]@]host[:port][/path]</c>.</summary>
    /// <exception cref="EdgeSyncException">The text is no such URL.</exception>
    public static NatsServer Parse(string url)
    {
        var text = url.Contains("://", StringComparison.Ordinal) ? url : $"nats://{url}";
        if (!Uri.TryCreate(text, UriKind.Absolute, out var uri) || uri.Host.Length == 0 || SchemeOf(uri.Scheme) is not { } scheme)
        {
            throw new EdgeSyncException(
                ErrorKind.Usage, $"'{url}' is no NATS URL.", "write nats://host:4222, tls://host:4222, ws://host:8080 or wss://host");
        }

        var defaultPort = scheme switch { NatsScheme.WebSocket => 80, NatsScheme.SecureWebSocket => 443, _ => DefaultPort };
        var host = uri.Host.Trim('[', ']');
        var (user, password) = uri.UserInfo.Split(':', 2) switch
        {
            [var name, var secret] => (name, secret),
            [var name] => (name, ""),
            _ => ("", ""),
        };
        return new NatsServer(scheme, host, uri.Port < 0 ? defaultPort : uri.Port)
        {
            Path = uri.PathAndQuery.Length == 0 ? "/" : uri.PathAndQuery,
            User = Uri.UnescapeDataString(user),
            Password = Uri.UnescapeDataString(password),
            TlsName = host,
        };
    }

    /// <summary>An address from <c>connect_urls</c>: host and port, reached as the server that told it. Null when it is none.</summary>
    public NatsServer? TryLearn(string address)
    {
        var colon = address.LastIndexOf(':');
        if (colon <= 0 || !ushort.TryParse(address.AsSpan(colon + 1), NumberStyles.None, CultureInfo.InvariantCulture, out var port))
            return null;

        return new NatsServer(Scheme, address[..colon].Trim('[', ']'), port)
        {
            Path = Path,
            User = User,
            Password = Password,
            TlsName = TlsName,
            IsLearned = true,
        };
    }

    /// <summary>The URL without its secrets.</summary>
    public override string ToString() => $"{SchemeText}://{Address}{(IsWebSocket && Path != "/" ? Path : "")}";

    private string SchemeText => Scheme switch
    {
        NatsScheme.Tls => "tls",
        NatsScheme.WebSocket => "ws",
        NatsScheme.SecureWebSocket => "wss",
        _ => "nats",
    };

    private static NatsScheme? SchemeOf(string text) => text switch
    {
        "nats" or "tcp" => NatsScheme.Nats,
        "tls" => NatsScheme.Tls,
        "ws" => NatsScheme.WebSocket,
        "wss" => NatsScheme.SecureWebSocket,
        _ => null,
    };
}
