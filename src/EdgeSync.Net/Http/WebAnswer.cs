using System.Buffers;
using System.Text;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace EdgeSync.Net.Http;

/// <summary>Short replies in plain text.</summary>
public static class WebAnswer
{
    /// <summary>In seconds, with a 503.</summary>
    internal const string RetryAfter = "1";

    /// <summary>
    /// The bytes read and discarded of a rejected request: clients send everything before they read the reply.
    /// </summary>
    private const long DrainedBytesMax = 16 << 20;

    private static readonly TimeSpan DrainMax = TimeSpan.FromSeconds(5);

    /// <summary>The reply to a message for which there is no memory, ever or now.</summary>
    public static (int Status, string Sentence) NoRoom(bool isBeyondAll) => isBeyondAll
        ? (413, "This machine has not the memory for such a large message; send less at once.")
        : (503, "Too much is being received at once; try again shortly.");

    internal static async Task TextAsync(HttpContext context, int status, string text)
    {
        var response = context.Response;
        if (response.HasStarted) return;

        var body = Encoding.UTF8.GetBytes(text + "\n");
        response.StatusCode = status;
        response.ContentType = "text/plain; charset=utf-8";
        response.ContentLength = body.Length;
        if (!HttpMethods.IsHead(context.Request.Method)) await response.Body.WriteAsync(body, context.RequestAborted);
    }

    /// <summary>
    /// Replies at once, and reads on for a moment so that the reply arrives instead of a reset; then closes.
    /// </summary>
    internal static async Task RefuseAsync(HttpContext context, int status, string sentence)
    {
        if (status == 503) context.Response.Headers.RetryAfter = RetryAfter;
        // ours is below
        if (context.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } limit)
            limit.MaxRequestBodySize = null;
        await TextAsync(context, status, sentence);
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
            // Too slow, or closed.
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }

        context.Abort();
    }
}
