using System.Globalization;
using System.Net;
using Microsoft.AspNetCore.Http;

namespace EdgeSync.Net.Http;

/// <summary>
/// Handles exchanges with Fossil clients: a limited number at a time, each with a share of the memory. It does not
/// parse the cards; its host does.
/// </summary>
internal sealed class XferExchanges(WebServerOptions options, IXferHost host) : IDisposable
{
    /// <summary>
    /// Kestrel copies a write into blocks of its own before any of it leaves: a few that are used again, instead of a
    /// second copy of the whole reply for as long as a slow reader takes.
    /// </summary>
    private const int PieceBytes = 128 * 1024;

    private readonly SemaphoreSlim _exchanges = new(options.ConcurrentExchangesMax);
    private int _waiting;

    /// <summary>Handles a POST of cards; all other requests pass on.</summary>
    public Task ServeAsync(HttpContext context, RequestDelegate next) =>
        HttpMethods.IsPost(context.Request.Method)
        && XferContentTypes.TryParse(context.Request.ContentType, out var type)
            ? ExchangeAsync(context, type, context.Connection.RemoteIpAddress!)
            : next(context);

    public void Dispose() => _exchanges.Dispose();

    private async Task ExchangeAsync(HttpContext context, XferContentType type, IPAddress address)
    {
        using var body = new ReceivedBody();
        using var reply = await ExchangeAsync(context, type, address, body);
        body.Dispose();
        if (reply is not null) await SendAsync(context, address, reply);
    }

    /// <summary>
    /// Up to the reply, which is sent outside: a slow reader takes no place among the exchanges. Null: rejected, with a
    /// status.
    /// </summary>
    private async Task<XferHttpReply?> ExchangeAsync(
        HttpContext context, XferContentType type, IPAddress address, ReceivedBody body)
    {
        // A body that is arriving may be dropped for others; a complete one may not.
        using var memory = options.Memory.OpenUnfinished(address, context.Abort);
        var refusal = await ReadBodyAsync(context, body, memory);
        if (refusal is null && !memory.TryFinish()) refusal = WebAnswer.NoRoom(isBeyondAll: false);
        if (refusal is var (status, sentence))
        {
            // Before the rest is read and discarded, which may take seconds.
            body.Dispose();
            memory.Dispose();
            RequestRecord.Of(context).Fault = sentence;
            await WebAnswer.RefuseAsync(context, status, sentence);
            return null;
        }

        body.Finish();
        // Counted from here on: a client that only begins many exchanges blocks no other.
        if (Interlocked.Increment(ref _waiting) > options.ConcurrentExchangesMax * 2)
        {
            Interlocked.Decrement(ref _waiting);
            await WebAnswer.RefuseAsync(context, 503, "Too many exchanges at once; try again shortly.");
            return null;
        }

        var member = context.Features.Get<HttpAdmittedConnection>();
        member?.BeginWork();
        try
        {
            await _exchanges.WaitAsync(context.RequestAborted);
            try
            {
                return await ExchangeAsync(
                    context, new XferHttpRequest(context.Request.Path.Value ?? "/", type, body.Whole, address)
                    {
                        Host = context.Request.Host.Value ?? "",
                        IsHttps = context.Request.IsHttps,
                        Cookies = string.Join("; ", context.Request.Headers.Cookie.AsEnumerable()),
                        Memory = memory,
                    });
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

    private async Task<XferHttpReply?> ExchangeAsync(HttpContext context, XferHttpRequest request)
    {
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted);
        deadline.CancelAfter(options.ExchangeTimeout);
        try
        {
            return await host.ExchangeAsync(request, deadline.Token);
        }
        catch (OperationCanceledException) when (!context.RequestAborted.IsCancellationRequested)
        {
            RequestRecord.Of(context).Fault = $"no reply within {options.ExchangeTimeout.TotalSeconds:F0} s";
            await WebAnswer.RefuseAsync(context, 503, "The exchange took too long.");
            return null;
        }
    }

    // A reply that waits for a slow reader counts too, and may be dropped for others.
    private async Task SendAsync(HttpContext context, IPAddress address, XferHttpReply reply)
    {
        using var memory = options.Memory.OpenUnfinished(address, context.Abort);
        if (!memory.IsBeyondAll(reply.Body.Length) && !memory.TryGrow(reply.Body.Length))
        {
            var (status, sentence) = WebAnswer.NoRoom(isBeyondAll: false);
            await WebAnswer.RefuseAsync(context, status, sentence);
            return;
        }

        var response = context.Response;
        response.StatusCode = reply.Status;
        if (reply.RetryAfter is { } wait)
            response.Headers.RetryAfter = Math.Ceiling(wait.TotalSeconds).ToString(CultureInfo.InvariantCulture);
        else if (reply.Status == 503) response.Headers.RetryAfter = WebAnswer.RetryAfter;
        response.ContentType = reply.IsPlainText
            ? "text/plain; charset=utf-8"
            : XferContentTypes.NameOf(reply.ContentType);
        response.ContentLength = reply.Body.Length;
        response.Headers.CacheControl = "no-store";
        RequestRecord.Of(context).Note = reply.Note;
        await WriteAsync(response, reply.Body, context.RequestAborted);
    }

    private static async Task WriteAsync(
        HttpResponse response, ReadOnlyMemory<byte> body, CancellationToken cancellationToken)
    {
        for (var at = 0; at < body.Length; at += PieceBytes)
            await response.Body.WriteAsync(
                body.Slice(at, Math.Min(PieceBytes, body.Length - at)), cancellationToken);
    }

    // Null: read completely.
    private async ValueTask<(int Status, string Sentence)?> ReadBodyAsync(
        HttpContext context, ReceivedBody body, ByteShare memory)
    {
        // Too long: as announced, before any of it is read, or when it passes the limit.
        if (context.Request.ContentLength > options.RequestBytesMax) return TooLong();
        if (memory.IsBeyondAll(context.Request.ContentLength ?? 0)) return WebAnswer.NoRoom(isBeyondAll: true);

        var record = RequestRecord.Of(context);
        var stream = context.Request.Body;
        while (true)
        {
            var room = body.GetMemory();
            var read = await stream.ReadAsync(room, context.RequestAborted);
            if (read == 0) return null;

            record.BytesIn += read;
            if (record.BytesIn > options.RequestBytesMax) return TooLong();
            if (!memory.TryGrow(read)) return WebAnswer.NoRoom(memory.IsBeyondAll(read));
            body.Advance(read);
        }
    }

    private (int Status, string Sentence) TooLong() =>
        (413, $"This server accepts requests of up to {options.RequestBytesMax} bytes.");
}
