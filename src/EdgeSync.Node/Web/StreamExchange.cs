using System.Buffers;
using System.Globalization;
using System.IO.Pipelines;
using System.Text;
using EdgeSync.Fossil.Sync.Server;
using EdgeSync.Fossil.Xfer;
using EdgeSync.Net.Http;
using EdgeSync.Node.Sync;
using EdgeSync.Primitives;
using EdgeSync.Storage;
using EdgeSync.Storage.Sync;

namespace EdgeSync.Node.Web;

/// <summary>
/// HTTP requests out of one stream and their replies into another, one after the other, without a socket: stock's
/// <c>http</c> for one request of inetd or of a web server, and its <c>test-http</c> for a whole session over SSH.
/// </summary>
/// <remarks>
/// A POST of cards is one exchange with the repository; every other request gets a page of plain text.
/// </remarks>
// Spec: cmd_http, cmd_test_http and ssh_request_loop in main.c, cgi_handle_http_request in cgi.c.
internal sealed class StreamExchange : IDisposable
{
    private const int HeadBytesMax = 64 * 1024;

    private readonly RepositoryArtifactStore _store;
    private readonly ServerHandler _handler;
    private readonly StreamExchangeOptions _options;

    public StreamExchange(Repository repository, StreamExchangeOptions options)
    {
        _options = options;
        _store = new RepositoryArtifactStore(repository);
        _handler = new ServerHandler(_store, new ServerOptions
        {
            OwnerLogin = options.HasAllRights ? repository.Users.OwnerLogin : null,
        });
    }

    /// <summary>Handles requests until the input ends, or one of them.</summary>
    /// <exception cref="EdgeSyncException">What arrives is not HTTP.</exception>
    public async Task ServeAsync(Stream input, Stream output, CancellationToken cancellationToken)
    {
        var requests = PipeReader.Create(input, new StreamPipeReaderOptions(bufferSize: 64 * 1024, leaveOpen: true));
        while (await ReadHeadAsync(requests, cancellationToken) is { } head)
        {
            using var body = new PooledBytes();
            if (head.BodyBytes > MessageFrame.BytesMax)
            {
                await SendAsync(output, Page(413, "The message is too large."), cancellationToken);
                return;
            }

            if (!await ReadBodyAsync(requests, body, head.BodyBytes, cancellationToken)) return;

            using var reply = Answer(head, body);
            await SendAsync(output, reply, cancellationToken);
            if (_options.IsOnce) return;
        }
    }

    public void Dispose() => _store.Dispose();

    private XferHttpReply Answer(RequestHead head, PooledBytes body)
    {
        if (head.Method != "POST" || !XferContentTypes.TryParse(head.ContentType, out var type))
            return head.Path is "/" or "" ? Page(200, $"A Fossil project, served by edgesync {BuildInfo.Version}.")
                : Page(404, "There are no pages here; Fossil clients are served.");

        var encoding = MessageFrame.EncodingOf(type);
        if (MessageFrame.TryDecode(encoding, body.Written, memory: null, out var message) is not MessageFault.None)
            return Page(400, "The body does not match its content type.");

        var reply = new PooledBytes();
        var outcome = _handler.Handle(
            Instant.FromDateTime(_options.Clock.GetUtcNow()), message, _options.Address, reply,
            LoginCookie.CardIn(head.Cookies));
        if (outcome.MustBePlain) type = XferContentType.Uncompressed;
        if (type != XferContentType.Compressed) return new XferHttpReply(200, type, reply.Written, reply);

        var packed = new PooledBytes();
        using (reply) XferFrame.Encode(XferEncoding.Zlib, reply.Written.Span, packed);
        return new XferHttpReply(200, type, packed.Written, packed);
    }

    private async Task SendAsync(Stream output, XferHttpReply reply, CancellationToken cancellationToken)
    {
        var type = reply.IsPlainText ? "text/plain; charset=utf-8" : XferContentTypes.NameOf(reply.ContentType);
        var head = $"HTTP/1.0 {reply.Status} {(reply.Status == 200 ? "OK" : "Refused")}\r\n"
            + $"Connection: {(_options.IsOnce ? "close" : "keep-alive")}\r\nCache-Control: no-store\r\n"
            + $"Content-Type: {type}\r\nContent-Length: {Text(reply.Body.Length)}\r\n\r\n";
        await output.WriteAsync(Encoding.ASCII.GetBytes(head), cancellationToken);
        await output.WriteAsync(reply.Body, cancellationToken);
        await output.FlushAsync(cancellationToken);
    }

    private static XferHttpReply Page(int status, string sentence) => XferHttpReply.Refusal(status, sentence);

    private static string Text(long number) => number.ToString(CultureInfo.InvariantCulture);

    // Null at the end of the input. The last request may end without the empty line.
    private static async Task<RequestHead?> ReadHeadAsync(PipeReader requests, CancellationToken cancellationToken)
    {
        while (true)
        {
            var read = await requests.ReadAsync(cancellationToken);
            var end = EndOfHead(read.Buffer) ?? (read.IsCompleted ? read.Buffer.End : null);
            if (end is { } at)
            {
                var head = Encoding.Latin1.GetString(read.Buffer.Slice(0, at));
                requests.AdvanceTo(at);
                return head.Trim().Length == 0 ? null : RequestHead.Parse(head);
            }

            if (read.Buffer.Length > HeadBytesMax)
                throw new EdgeSyncException(ErrorKind.Protocol, "the request has a head of more than 64 KiB");

            requests.AdvanceTo(read.Buffer.Start, read.Buffer.End);
        }
    }

    private static SequencePosition? EndOfHead(ReadOnlySequence<byte> buffer)
    {
        var reader = new SequenceReader<byte>(buffer);
        while (reader.TryReadTo(out ReadOnlySequence<byte> _, (byte)'\n'))
        {
            var rest = reader;
            _ = rest.IsNext((byte)'\r', advancePast: true);
            if (rest.IsNext((byte)'\n', advancePast: true)) return rest.Position;
        }

        return null;
    }

    // False when the input ends before.
    private static async Task<bool> ReadBodyAsync(
        PipeReader requests, PooledBytes body, long length, CancellationToken cancellationToken)
    {
        while (body.Length < length)
        {
            var read = await requests.ReadAsync(cancellationToken);
            if (read.Buffer.IsEmpty && read.IsCompleted) return false;

            var piece = read.Buffer.Slice(0, Math.Min(read.Buffer.Length, length - body.Length));
            foreach (var segment in piece) body.Write(segment.Span);
            requests.AdvanceTo(piece.End);
        }

        return true;
    }

    /// <summary>What of a request's head matters here.</summary>
    private sealed record RequestHead(string Method, string Path, string ContentType, string Cookies, long BodyBytes)
    {
        public static RequestHead Parse(string text)
        {
            var lines = text.Split('\n');
            var words = lines[0].Trim().Split(' ', StringSplitOptions.RemoveEmptyEntries);
            if (words is not [("GET" or "HEAD" or "POST") and var method, ['/', ..] and var path, ..])
                throw new EdgeSyncException(ErrorKind.Protocol, "malformed HTTP header");

            string Value(string name) => lines.Skip(1)
                .Where(l => l.StartsWith(name + ":", StringComparison.OrdinalIgnoreCase))
                .Select(l => l[(name.Length + 1)..].Trim()).FirstOrDefault("");
            _ = long.TryParse(Value("Content-Length"), NumberStyles.None, CultureInfo.InvariantCulture, out var length);
            return new RequestHead(method, path, Value("Content-Type"), Value("Cookie"), length);
        }
    }
}

/// <summary>How requests out of a stream are served.</summary>
/// <param name="Address">Of the client, for the records of the repository.</param>
/// <param name="HasAllRights">The right to run the command implies every right: no login is needed.</param>
/// <param name="IsOnce">One request, and no other after it.</param>
internal sealed record StreamExchangeOptions(string Address, bool HasAllRights, bool IsOnce, TimeProvider Clock);
