using System.Diagnostics;
using System.Net;
using EdgeSync.Net.Tracing;
using EdgeSync.Primitives;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace EdgeSync.Net.Http;

/// <summary>
/// Around every request: the address of the real client, a span for a POST, a status for a failure, and the log entry.
/// </summary>
internal sealed class RequestRecorder(IXferHost host, TrustedProxies proxies)
{
    public async Task ServeAsync(HttpContext context, RequestDelegate next)
    {
        var begin = Stopwatch.GetTimestamp();
        var headers = context.Request.Headers;
        var address = proxies.ClientOf(context.Connection.RemoteIpAddress ?? IPAddress.None, headers);
        context.Connection.RemoteIpAddress = address;
        context.Features.Get<HttpAdmittedConnection>()?.Touch();
        var record = new RequestRecord();
        context.Features.Set(record);
        var span = HttpMethods.IsPost(context.Request.Method)
            ? HttpSpans.Answer(
                context.Request.Path, headers[TraceContext.ParentHeader], headers[TraceContext.StateHeader])
            : null;

        record.Fault = await FaultOfAsync(context, next) ?? record.Fault;

        var bytesOut = HttpMethods.IsHead(context.Request.Method) ? 0 : context.Response.ContentLength ?? 0;
        host.Log(new XferHttpLogEntry(
            context.Request.Method, context.Request.Path, context.Response.StatusCode, record.BytesIn, bytesOut,
            Stopwatch.GetElapsedTime(begin), address, record.Note, record.Fault));
        HttpSpans.End(span, context.Response.StatusCode, errorFrom: 500);
    }

    // Null: a reply was sent.
    private static async Task<string?> FaultOfAsync(HttpContext context, RequestDelegate next)
    {
        try
        {
            await next(context);
            return null;
        }
        catch (BadHttpRequestException e)
        {
            // Kestrel rejects the body as too slow, too long or not as announced.
            await WebAnswer.TextAsync(context, e.StatusCode, e.Message);
            return e.Message;
        }
        catch (IOException e) when (e.InnerException is OverflowException)
        {
            // Kestrel's exception for a chunk size that does not fit a number.
            await WebAnswer.TextAsync(context, 400, e.Message);
            return e.Message;
        }
        catch (OperationCanceledException) when (context.RequestAborted.IsCancellationRequested)
        {
            return "the client went away";
        }
        catch (OutOfMemoryException)
        {
            // The shares prevent most of it; the rest fails this request alone, and its memory is free again.
            var (status, sentence) = WebAnswer.NoRoom(isBeyondAll: false);
            context.Response.Headers.RetryAfter = WebAnswer.RetryAfter;
            await WebAnswer.TextAsync(context, status, sentence);
            return sentence;
        }
        catch (Exception e) when (e is not InvariantException)
        {
            await WebAnswer.TextAsync(context, 500, "The exchange failed; see the log of this server.");
            return $"{e.GetType().Name}: {e.Message}";
        }
    }
}

/// <summary>The result of one request, for its log entry.</summary>
public sealed class RequestRecord
{
    public long BytesIn { get; set; }

    public XferNote? Note { get; set; }

    public string? Fault { get; set; }

    public static RequestRecord Of(HttpContext context) => context.Features.GetRequiredFeature<RequestRecord>();
}
