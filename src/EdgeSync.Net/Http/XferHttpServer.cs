using System.Buffers;
using System.Diagnostics;
using System.Globalization;
using System.Net;
using EdgeSync.Net.Tracing;
using EdgeSync.Primitives;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using BadHttpRequestException = Microsoft.AspNetCore.Http.BadHttpRequestException;

namespace EdgeSync.Net.Http;

/// <summary>
/// Carries cards over HTTP for a Fossil client: any path, told apart by content type alone. Knows nothing of what the
/// cards say; its host answers them.
/// <code>
/// POST *  application/x-fossil…     the exchange, always with a Content-Length (older clients need it)
/// POST *  application/json          a small document for its host; 415 where the host takes none
/// POST *  anything else             415
/// GET  /healthz  /readyz  /         alive; ready or 503 with reasons; one page of text
/// </code>
/// </summary>
public sealed class XferHttpServer : IAsyncDisposable
{
    private const string RetryAfter = "1";   // seconds

    /// <summary>What is read and thrown away of a request that was refused: clients send everything before they read why.</summary>
    private const long DrainedBytesMax = 16 << 20;

    private const int DocumentBytesMax = 4096;

    private static readonly TimeSpan DrainMax = TimeSpan.FromSeconds(5);

    private readonly BareKestrel _kestrel;
    private readonly XferHttpServerOptions _options;
    private readonly IXferHttpHost _host;
    private readonly TimeProvider _clock;
    private readonly SemaphoreSlim _exchanges;
    private readonly ConnectionCrowd _crowd;
    private int _waiting;

    private XferHttpServer(XferHttpServerOptions options, IXferHttpHost host, TimeProvider clock)
    {
        _options = options;
        _host = host;
        _clock = clock;
        _exchanges = new SemaphoreSlim(options.ConcurrentExchangesMax);
        _crowd = new ConnectionCrowd(options.ConnectionsMax, options.ConnectionsPerAddressMax);
        _kestrel = new BareKestrel(Configure, AnswerAsync);
    }

    /// <summary>Where it listens, such as <c>http://127.0.0.1:8080</c>, with the port that was picked.</summary>
    public IReadOnlyList<string> Addresses { get; private set; } = [];

    /// <summary>Connections that its limits have seen so far, the refused ones included.</summary>
    internal long ConnectionsSeen => _crowd.SeenCount;

    /// <exception cref="EdgeSyncException">The address is taken or not ours; a certificate cannot be read.</exception>
    public static async Task<XferHttpServer> StartAsync(
        XferHttpServerOptions options, IXferHttpHost host, TimeProvider clock, CancellationToken cancellationToken)
    {
        var server = new XferHttpServer(options, host, clock);
        try
        {
            await server._kestrel.StartAsync(cancellationToken);
        }
        catch (Exception e) when (BareKestrel.IsAddressFault(e))
        {
            await server.DisposeAsync();
            throw ListenFault.Of(string.Join(", ", options.Listen), e);
        }

        // Kestrel knows nothing of the TLS in between.
        server.Addresses = options.TlsCertificateFile is null
            ? server._kestrel.Addresses
            : [.. server._kestrel.Addresses.Select(a => a.Replace("http://", "https://", StringComparison.Ordinal))];
        return server;
    }

    /// <summary>No new requests; those in flight may finish until the token says otherwise.</summary>
    public Task StopAsync(CancellationToken cancellationToken) => _kestrel.StopAsync(cancellationToken);

    public async ValueTask DisposeAsync()
    {
        await _kestrel.DisposeAsync();
        _exchanges.Dispose();
    }

    private void Configure(KestrelServerOptions kestrel)
    {
        kestrel.AllowSynchronousIO = false;
        var limits = kestrel.Limits;
        // Our own limit instead (TryReadBodyAsync). Past its own, Kestrel closes with bytes unread, which resets the connection and
        // takes the answer along; what the application leaves unread it throws away, for at most five seconds.
        limits.MaxRequestBodySize = null;
        limits.MaxConcurrentConnections = null;   // the crowd's matter: Kestrel would refuse whoever comes last
        // Twice that for a body in chunks, for each connection, before any of it is counted.
        limits.MaxRequestBufferSize = Math.Clamp(GC.GetGCMemoryInfo().TotalAvailableMemoryBytes / 2048, 32 << 10, 1 << 20);
        limits.RequestHeadersTimeout = _options.HeadersTimeout;
        limits.KeepAliveTimeout = _options.KeepAliveTimeout;
        limits.MinRequestBodyDataRate = new MinDataRate(_options.BytesPerSecondMin, _options.SlownessGrace);
        limits.MinResponseDataRate = new MinDataRate(_options.BytesPerSecondMin, _options.SlownessGrace);

        var tls = _options.TlsCertificateFile is { } file ? TlsMiddleware.FromFiles(file, _options.TlsKeyFile, _clock) : null;
        foreach (var endpoint in _options.Listen)
        {
            kestrel.Listen(endpoint, listen =>
            {
                listen.Protocols = HttpProtocols.Http1;
                listen.Use(next => connection => HttpCrowdMember.ServeAsync(_crowd, connection, _clock, next));
                if (tls is not null) listen.Use(next => connection => tls.ServeAsync(connection, next));
                listen.Use(next => connection => BareHost.ServeAsync(connection, _options.KeepAliveTimeout, _clock, next));
            });
        }
    }

    private async Task AnswerAsync(HttpContext context)
    {
        var begin = Stopwatch.GetTimestamp();
        var address = _options.Proxies.ClientOf(context.Connection.RemoteIpAddress ?? IPAddress.None, context.Request.Headers);
        var tally = new Tally();
        context.Features.Get<HttpCrowdMember>()?.Touch();
        var headers = context.Request.Headers;
        var span = HttpMethods.IsPost(context.Request.Method)
            ? HttpSpans.Answer(context.Request.Path, headers[TraceContext.ParentHeader], headers[TraceContext.StateHeader])
            : null;
        try
        {
            await RouteAsync(context, address, tally);
        }
        catch (BadHttpRequestException e)
        {
            // Kestrel found the body too slow or not as announced.
            tally.Fault = e.Message;
            await TextAsync(context, e.StatusCode, e.Message, tally);
        }
        catch (IOException e) when (e.InnerException is OverflowException)
        {
            // Kestrel's way to say that a chunk's size is no number that it can hold.
            tally.Fault = e.Message;
            await TextAsync(context, 400, e.Message, tally);
        }
        catch (OperationCanceledException) when (context.RequestAborted.IsCancellationRequested)
        {
            tally.Fault = "the client went away";
        }
        catch (OutOfMemoryException)
        {
            // The shares keep most of it away; what slips through costs this client, and what it holds is free again.
            var (status, sentence) = NoRoom(isBeyondAll: false);
            tally.Fault = sentence;
            context.Response.Headers.RetryAfter = RetryAfter;
            await TextAsync(context, status, sentence, tally);
        }
        catch (Exception e) when (e is not InvariantException)
        {
            tally.Fault = $"{e.GetType().Name}: {e.Message}";
            await TextAsync(context, 500, "The exchange failed; the log of this server says why.", tally);
        }

        _host.Log(new XferHttpLogEntry(
            context.Request.Method, context.Request.Path, context.Response.StatusCode, tally.BytesIn, tally.BytesOut,
            Stopwatch.GetElapsedTime(begin), address, tally.Note, tally.Fault));
        HttpSpans.End(span, context.Response.StatusCode, errorFrom: 500);
    }

    private Task RouteAsync(HttpContext context, IPAddress address, Tally tally)
    {
        var request = context.Request;
        if (HttpMethods.IsPost(request.Method))
        {
            return XferContentTypes.TryParse(request.ContentType, out var type) ? ExchangeAsync(context, type, address, tally)
                : request.ContentType == "application/json" && request.ContentLength is >= 0 and <= DocumentBytesMax
                ? DocumentAsync(context, address, tally)
                : RefuseAsync(context, 415, "Cards are sent as application/x-fossil or application/x-fossil-uncompressed.", tally);
        }

        if (!HttpMethods.IsGet(request.Method) && !HttpMethods.IsHead(request.Method))
        {
            context.Response.Headers.Allow = "GET, HEAD, POST";
            return TextAsync(context, 405, "GET, HEAD or POST.", tally);
        }

        return PageAsync(context, address, tally);
    }

    private async Task DocumentAsync(HttpContext context, IPAddress address, Tally tally)
    {
        var request = context.Request;
        var body = new byte[(int)request.ContentLength!.Value];
        await request.Body.ReadExactlyAsync(body, context.RequestAborted);
        tally.BytesIn = body.Length;
        var asked = new XferHttpPageRequest(request.Path.Value ?? "/", "", address) { Host = request.Host.Value ?? "", IsHttps = request.IsHttps };
        if (await _host.PostedAsync(asked, body, context.RequestAborted) is { } page)
            await WriteAsync(context, page.Status, page.ContentType, page.Body, tally);
        else
            await TextAsync(context, 415, "Nothing here takes JSON.", tally);
    }

    private async Task PageAsync(HttpContext context, IPAddress address, Tally tally)
    {
        var request = context.Request;
        var asked = new XferHttpPageRequest(request.Path.Value ?? "/", request.QueryString.Value ?? "", address)
        {
            IsForwarded = TrustedProxies.IsForwarded(request.Headers),
            Host = request.Host.Value ?? "",
        };
        if (await _host.PageAsync(asked, context.RequestAborted) is { } page)
            await WriteAsync(context, page.Status, page.ContentType, page.Body, tally);
        else
            await OwnPageAsync(context, tally);
    }

    private Task OwnPageAsync(HttpContext context, Tally tally)
    {
        var request = context.Request;
        switch (request.Path.Value)
        {
            case "/healthz":
                return TextAsync(context, 200, "ok", tally);
            case "/readyz":
                return ReadinessAsync(context, tally);
            case "/" or "":
                return TextAsync(context, 200, _host.Describe(request.Host.Value ?? "", request.IsHttps), tally);
            case "/xfer":
                context.Response.Headers.Location = "/";
                return TextAsync(context, 302, "Cards are posted here; people go to /.", tally);
            default:
                return TextAsync(context, 404, "Nothing here. A Fossil client may use any path; people go to /.", tally);
        }
    }

    private async Task ExchangeAsync(HttpContext context, XferContentType type, IPAddress address, Tally tally)
    {
        using var body = new PooledBytes();
        using var reply = await ExchangeAsync(context, type, address, body, tally);
        body.Dispose();
        if (reply is not null) await SendAsync(context, address, reply, tally);
    }

    /// <summary>Until there is a reply, that is sent outside: a slow reader takes no place among the exchanges. Null: refused, and said so.</summary>
    private async Task<XferHttpReply?> ExchangeAsync(HttpContext context, XferContentType type, IPAddress address, PooledBytes body, Tally tally)
    {
        // A body that is coming in may be given up for others; one that is whole may not.
        using var memory = _options.Memory.OpenUnfinished(address, context.Abort);
        var refusal = await ReadBodyAsync(context, body, memory, tally);
        if (refusal is null && !memory.TryFinish()) refusal = NoRoom(isBeyondAll: false);
        if (refusal is var (status, sentence))
        {
            tally.Fault = sentence;
            await RefuseAsync(context, status, sentence, tally);
            return null;
        }

        // Counted from here on: who only begins many exchanges keeps nobody out.
        if (Interlocked.Increment(ref _waiting) > _options.ConcurrentExchangesMax * 2)
        {
            Interlocked.Decrement(ref _waiting);
            await RefuseAsync(context, 503, "Too many exchanges at once; try again shortly.", tally);
            return null;
        }

        var member = context.Features.Get<HttpCrowdMember>();
        member?.BeginWork();
        try
        {
            await _exchanges.WaitAsync(context.RequestAborted);
            try
            {
                return await ExchangeAsync(context, new XferHttpRequest(context.Request.Path.Value ?? "/", type, body.Written, address)
                {
                    Host = context.Request.Host.Value ?? "",
                    IsHttps = context.Request.IsHttps,
                    Cookies = string.Join("; ", context.Request.Headers.Cookie.AsEnumerable()),
                    Memory = memory,
                }, tally);
            }
            finally
            {
                _exchanges.Release();
            }
        }
        finally
        {
            member?.EndWork();
            Interlocked.Decrement(ref _waiting);
        }
    }

    private async Task<XferHttpReply?> ExchangeAsync(HttpContext context, XferHttpRequest request, Tally tally)
    {
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted);
        deadline.CancelAfter(_options.ExchangeTimeout);
        try
        {
            return await _host.ExchangeAsync(request, deadline.Token);
        }
        catch (OperationCanceledException) when (!context.RequestAborted.IsCancellationRequested)
        {
            tally.Fault = $"no reply within {_options.ExchangeTimeout.TotalSeconds:F0} s";
            await RefuseAsync(context, 503, "The exchange took too long.", tally);
            return null;
        }
    }

    // What waits for a slow reader counts too, and may be given up for others.
    private async Task SendAsync(HttpContext context, IPAddress address, XferHttpReply reply, Tally tally)
    {
        using var memory = _options.Memory.OpenUnfinished(address, context.Abort);
        if (!memory.IsBeyondAll(reply.Body.Length) && !memory.TryGrow(reply.Body.Length))
        {
            var (status, sentence) = NoRoom(isBeyondAll: false);
            await RefuseAsync(context, status, sentence, tally);
            return;
        }

        var response = context.Response;
        response.StatusCode = reply.Status;
        if (reply.RetryAfter is { } wait) response.Headers.RetryAfter = Math.Ceiling(wait.TotalSeconds).ToString(CultureInfo.InvariantCulture);
        else if (reply.Status == 503) response.Headers.RetryAfter = RetryAfter;
        response.ContentType = reply.IsPlainText ? "text/plain; charset=utf-8" : XferContentTypes.NameOf(reply.ContentType);
        response.ContentLength = reply.Body.Length;
        response.Headers.CacheControl = "no-store";
        tally.BytesOut = reply.Body.Length;
        tally.Note = reply.Note;
        await response.Body.WriteAsync(reply.Body, context.RequestAborted);
    }

    // Null: read whole.
    private async ValueTask<(int Status, string Sentence)?> ReadBodyAsync(HttpContext context, PooledBytes body, ByteShare memory, Tally tally)
    {
        // Too long: announced so, before any of it is read, or when it passes the limit.
        if (context.Request.ContentLength > _options.RequestBytesMax) return TooLong();
        if (memory.IsBeyondAll(context.Request.ContentLength ?? 0)) return NoRoom(isBeyondAll: true);

        var stream = context.Request.Body;
        while (true)
        {
            var room = body.GetMemory(16 * 1024);
            var read = await stream.ReadAsync(room, context.RequestAborted);
            if (read == 0) return null;

            tally.BytesIn += read;
            if (tally.BytesIn > _options.RequestBytesMax) return TooLong();
            if (!memory.TryGrow(read)) return NoRoom(memory.IsBeyondAll(read));
            body.Advance(read);
        }
    }

    private (int Status, string Sentence) TooLong() => (413, $"This server takes requests of up to {_options.RequestBytesMax} bytes.");

    /// <summary>What a message is answered for which there is no memory, ever or now.</summary>
    public static (int Status, string Sentence) NoRoom(bool isBeyondAll) => isBeyondAll
        ? (413, "This machine has not the memory for such a large message; send less at once.")
        : (503, "Too much is being received at once; try again shortly.");

    /// <summary>Answers at once, and reads on for a moment so that the answer arrives instead of a reset; then it is cut.</summary>
    private static async Task RefuseAsync(HttpContext context, int status, string sentence, Tally tally)
    {
        if (status == 503) context.Response.Headers.RetryAfter = RetryAfter;
        await TextAsync(context, status, sentence, tally);
        await context.Response.Body.FlushAsync(context.RequestAborted);
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted);
        patience.CancelAfter(DrainMax);
        var buffer = ArrayPool<byte>.Shared.Rent(16 * 1024);
        try
        {
            for (var drained = 0L; drained < DrainedBytesMax;)
            {
                var read = await context.Request.Body.ReadAsync(buffer, patience.Token);
                if (read == 0) return;

                drained += read;
            }
        }
        catch (Exception e) when (e is OperationCanceledException or IOException or BadHttpRequestException)
        {
            // Too slow, or gone.
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }

        context.Abort();
    }

    private async Task ReadinessAsync(HttpContext context, Tally tally)
    {
        var readiness = await _host.CheckReadinessAsync(context.RequestAborted);
        var lines = readiness.Checks.Select(c => $"{c.Name}: {c.Fault ?? "ok"}");
        await TextAsync(context, readiness.IsReady ? 200 : 503, string.Join('\n', lines), tally);
    }

    private static Task TextAsync(HttpContext context, int status, string text, Tally tally) =>
        WriteAsync(context, status, "text/plain; charset=utf-8", System.Text.Encoding.UTF8.GetBytes(text + "\n"), tally);

    private static async Task WriteAsync(HttpContext context, int status, string contentType, ReadOnlyMemory<byte> body, Tally tally)
    {
        var response = context.Response;
        if (response.HasStarted) return;

        response.StatusCode = status;
        response.ContentType = contentType;
        response.ContentLength = body.Length;
        if (HttpMethods.IsHead(context.Request.Method)) return;

        tally.BytesOut = body.Length;
        await response.Body.WriteAsync(body, context.RequestAborted);
    }

    /// <summary>What one request came to, for its log line.</summary>
    private sealed class Tally
    {
        public long BytesIn { get; set; }

        public long BytesOut { get; set; }

        public string? Note { get; set; }

        public string? Fault { get; set; }
    }
}
