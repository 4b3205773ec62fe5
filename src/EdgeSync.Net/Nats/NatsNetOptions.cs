using EdgeSync.Nats.Keys;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace EdgeSync.Net.Nats;

/// <summary>How a <see cref="NatsNetBus"/> connects to its server.</summary>
public sealed record NatsNetOptions
{
    /// <summary>
    /// One or more addresses with commas between: <c>nats://</c>, <c>tls://</c>, <c>ws://</c> or <c>wss://</c>.
    /// </summary>
    public required string Url { get; init; }

    /// <summary>Where the client library logs.</summary>
    public ILoggerFactory Loggers { get; init; } = NullLoggerFactory.Instance;

    /// <summary>For the server's reports.</summary>
    public string Name { get; init; } = "edgesync";

    /// <summary>Override the credentials in the first address.</summary>
    public NatsCredentials Credentials { get; init; } = NatsCredentials.None;

    /// <summary>PEM file with the authorities to trust instead of the system's.</summary>
    public string? CaFile { get; init; }

    /// <summary>PEM file with our certificate, for servers that verify clients.</summary>
    public string? CertFile { get; init; }

    /// <summary>PEM file with its key; null when it is in <see cref="CertFile"/>.</summary>
    public string? KeyFile { get; init; }

    /// <summary>The TLS handshake precedes the server's first line.</summary>
    public bool TlsFirst { get; init; }

    /// <summary>From dialling to the first PONG (default 10 s, for links of half a second a round trip).</summary>
    public TimeSpan ConnectTimeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>The first pause between attempts; it doubles from there.</summary>
    public TimeSpan ReconnectWaitMin { get; init; } = TimeSpan.FromMilliseconds(500);

    /// <summary>The longest pause between attempts.</summary>
    public TimeSpan ReconnectWaitMax { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>How often a silent server is pinged; the third ping without a reply ends the link.</summary>
    public TimeSpan PingInterval { get; init; } = TimeSpan.FromMinutes(2);

    /// <summary>Called with events of the connection, one after the other.</summary>
    public Action<NatsNetEvent>? Happened { get; init; }
}

/// <summary>The kind of a connection event.</summary>
public enum NatsNetEventKind
{
    Connected,

    /// <summary>A working connection was lost; attempts follow.</summary>
    Disconnected,

    /// <summary>An attempt failed; others follow.</summary>
    ConnectFailed,

    /// <summary>The server is about to stop, or rejected an operation, or a queue was full. The connection
    /// stays.</summary>
    Notice,
}

/// <summary>One event of a connection.</summary>
/// <param name="Kind">What happened.</param>
/// <param name="Server">Host and port.</param>
/// <param name="Text">The reason; of <see cref="NatsNetEventKind.Connected"/> the server's name.</param>
public sealed record NatsNetEvent(NatsNetEventKind Kind, string Server, string Text);
