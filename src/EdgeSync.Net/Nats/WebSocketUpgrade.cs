using System.Net.WebSockets;
using System.Security.Cryptography;
using System.Text;

namespace EdgeSync.Net.Nats;

/// <summary>What a WebSocket port offers.</summary>
internal sealed record WebSocketOffer
{
    /// <summary>
    /// Web pages of these origins may connect; null for those of the very host and port they connect to.
    /// </summary>
    public IReadOnlyList<string>? Origins { get; init; }

    public bool AcceptsLeaves { get; init; }

    /// <summary>Messages may be compressed, each by itself.</summary>
    public bool Compresses { get; init; }
}

/// <summary>
/// The HTTP request that a WebSocket begins with, and our answer:
/// <code>
/// GET /any/path HTTP/1.1                        HTTP/1.1 101 Switching Protocols
/// Upgrade: websocket                            Upgrade: websocket
/// Connection: Upgrade                           Connection: Upgrade
/// Sec-WebSocket-Version: 13                     Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=
/// Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==
/// </code>
/// The path <c>/leafnode</c> is for leaf links. What comes after is a stream of NATS bytes, cut into frames anywhere.
/// </summary>
// Spec: RFC 6455 §4.2.
internal sealed class WebSocketUpgrade
{
    private const int RequestBytesMax = 16 * 1024;
    private const string KeySuffix = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

    private WebSocketUpgrade(WebSocket socket) => Socket = socket;

    public WebSocket Socket { get; }

    public bool IsLeaf { get; private init; }

    /// <summary>Its frames are kept short.</summary>
    public bool IsBrowser { get; private init; }

    /// <summary>Both sides may compress.</summary>
    public bool IsCompressed { get; private init; }

    /// <exception cref="InvalidDataException">No proper request; the refusal has been sent.</exception>
    public static async Task<WebSocketUpgrade> AcceptAsync(
        Stream stream, WebSocketOffer offer, CancellationToken cancellationToken)
    {
        var request = Parse(await ReadRequestAsync(stream, cancellationToken));
        var (status, why) = Check(request, offer.Origins, offer.AcceptsLeaves);
        if (status != 101)
        {
            var body = $"websocket handshake error: {why}";
            await stream.WriteAsync(
                Encoding.ASCII.GetBytes(
                    $"HTTP/1.1 {status} {ReasonOf(status)}\r\nSec-WebSocket-Version: 13\r\nContent-Type: "
                        + $"text/plain\r\nContent-Length: {body.Length}\r\nConnection: close\r\n\r\n{body}"),
                cancellationToken);
            throw new InvalidDataException(why);
        }

        // Spec: RFC 7692; without memory of earlier messages, so that a quiet connection costs none.
        var compresses = offer.Compresses && OffersDeflate(request);
        var extension = compresses
            ? "Sec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover; client_no_context_takeover\r\n"
            : "";
        var accept = Convert.ToBase64String(
            SHA1.HashData(Encoding.ASCII.GetBytes(request["sec-websocket-key"] + KeySuffix)));
        await stream.WriteAsync(
            Encoding.ASCII.GetBytes(
                $"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: "
                    + $"Upgrade\r\nSec-WebSocket-Accept: {accept}\r\n{extension}\r\n"),
            cancellationToken);
        var socket = WebSocket.CreateFromStream(stream, new WebSocketCreationOptions
        {
            IsServer = true,
            KeepAliveInterval = TimeSpan.Zero,
            DangerousDeflateOptions = compresses
            ? new WebSocketDeflateOptions { ServerContextTakeover = false, ClientContextTakeover = false }
            : null,
        });
        return new WebSocketUpgrade(socket)
        {
            IsLeaf = IsLeafPath(request[":path"]),
            IsBrowser = request.GetValueOrDefault("user-agent", "").StartsWith("Mozilla/", StringComparison.Ordinal),
            IsCompressed = compresses,
        };
    }

    /// <summary>
    /// Up to the empty line, byte by byte at the end of what may be read: what follows belongs to the frames.
    /// </summary>
    private static async Task<string> ReadRequestAsync(Stream stream, CancellationToken cancellationToken)
    {
        var buffer = new byte[RequestBytesMax];
        var size = 0;
        while (size < buffer.Length)
        {
            // A client sends nothing behind its request before it has our answer (RFC 6455 §4.1).
            var read = await stream.ReadAsync(buffer.AsMemory(size), cancellationToken);
            if (read == 0) throw new InvalidDataException("the request is cut off");

            size += read;
            if (buffer.AsSpan(0, size).EndsWith("\r\n\r\n"u8)) return Encoding.Latin1.GetString(buffer, 0, size);
        }

        throw new InvalidDataException("the request is too long");
    }

    /// <summary>Header names in lower case; the request line as <c>:method</c> and <c>:path</c>.</summary>
    private static Dictionary<string, string> Parse(string text)
    {
        var lines = text.Split("\r\n");
        var requestLine = lines[0].Split(' ');
        var fields = new Dictionary<string, string>(StringComparer.Ordinal)
        {
            [":method"] = requestLine[0],
            [":path"] = requestLine.Length == 3 && requestLine[2].StartsWith("HTTP/1.", StringComparison.Ordinal)
                ? requestLine[1]
                : "",
        };
        foreach (var line in lines.Skip(1))
        {
            if (line.IndexOf(':') is var colon and > 0)
                fields[line[..colon].ToLowerInvariant()] = line[(colon + 1)..].Trim();
        }

        return fields;
    }

    private static (int Status, string Why) Check(
        Dictionary<string, string> request, IReadOnlyList<string>? origins, bool acceptsLeaves)
    {
        if (request[":method"] != "GET") return (405, "request method must be GET");
        if (!request[":path"].StartsWith('/')) return (400, "malformed request line");
        if (request[":path"].StartsWith("/mqtt", StringComparison.Ordinal)) return (404, "no MQTT here");
        if (IsLeafPath(request[":path"]) && !acceptsLeaves) return (404, "no leaf links here");
        if (!request.ContainsKey("host")) return (400, "'Host' missing in request");
        if (!HasToken(request, "upgrade", "websocket")) return (400, "invalid value for header 'Upgrade'");
        if (!HasToken(request, "connection", "upgrade")) return (400, "invalid value for header 'Connection'");
        if (request.GetValueOrDefault("sec-websocket-key", "").Length == 0) return (400, "key missing");
        if (request.GetValueOrDefault("sec-websocket-version") != "13") return (400, "invalid version");

        // No Origin: not a browser, so not a web page.
        if (!request.TryGetValue("origin", out var origin)) return (101, "");
        var isAllowed = origins is null
            ? IsOwnPage(origin, request["host"])
            : origins.Contains(origin, StringComparer.OrdinalIgnoreCase);
        return isAllowed ? (101, "") : (403, "origin not allowed");
    }

    // Otherwise any page in a browser could use the broker on the same machine.
    private static bool IsOwnPage(string origin, string host) =>
        origin.IndexOf("://", StringComparison.Ordinal) is var scheme and > 0
        && origin[(scheme + 3)..].Equals(host, StringComparison.OrdinalIgnoreCase);

    private static bool IsLeafPath(string path) => path.StartsWith("/leafnode", StringComparison.Ordinal);

    private static bool OffersDeflate(Dictionary<string, string> request) =>
        request.GetValueOrDefault("sec-websocket-extensions", "").Split([',', ';'], StringSplitOptions.TrimEntries)
        .Contains("permessage-deflate", StringComparer.OrdinalIgnoreCase);

    private static bool HasToken(Dictionary<string, string> request, string header, string token) =>
        request.GetValueOrDefault(header, "").Split(',', StringSplitOptions.TrimEntries)
        .Contains(token, StringComparer.OrdinalIgnoreCase);

    private static string ReasonOf(int status) => status switch
    {
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        _ => "Bad Request",
    };
}
