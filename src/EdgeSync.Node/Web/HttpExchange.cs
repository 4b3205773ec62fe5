using EdgeSync.Fossil.Sync.Server;
using EdgeSync.Fossil.Xfer;
using EdgeSync.Net.Http;
using EdgeSync.Node.Metrics;
using EdgeSync.Node.Repositories;
using EdgeSync.Node.Sync;
using EdgeSync.Primitives;

namespace EdgeSync.Node.Web;

/// <summary>One exchange over HTTP: unpacks the request, has a repository handle it, and packs the reply.</summary>
internal static class HttpExchange
{
    public static async ValueTask<XferHttpReply> AnswerAsync(
        RepositoryHost host, LoginAccount logins, XferHttpRequest request, CancellationToken cancellationToken)
    {
        var encoding = request.ContentType == XferContentType.Compressed ? XferEncoding.Zlib : XferEncoding.Plain;
        if (MessageFrame.TryDecode(
            encoding, request.Body, request.Memory, out var message) is not MessageFault.None and var fault)
        {
            var (status, sentence) = fault switch
            {
                MessageFault.TooLarge => (413, $"A message holds at most {MessageFrame.BytesMax} bytes."),
                MessageFault.Damaged => (400, "The body does not match its content type."),
                _ => WebAnswer.NoRoom(isBeyondAll: fault == MessageFault.BeyondMemory),
            };
            return XferHttpReply.Refusal(status, sentence);
        }

        var reply = new PooledBytes();
        using var span = HandleSpan.Begin("http");
        ServerOutcome outcome;
        try
        {
            outcome = await host.AnswerAsync(
                message, request.RemoteAddress.ToString(), logins.GateOf(request.RemoteAddress, host.FilePath), reply,
                long.MaxValue,
                LoginCookie.CardIn(request.Cookies), cancellationToken);
        }
        catch (EdgeSyncException e) when (e.Kind == ErrorKind.Unavailable)
        {
            // The disk fails or is full, or another program holds the lock: the client retries.
            reply.Dispose();
            return XferHttpReply.Refusal(503, "The repository is not available; try again later.") with
            {
                Note = XferNote.OfError(e.Message)
            };
        }

        span.Complete(outcome);
        if (outcome.LoginMustWait)
        {
            reply.Dispose();
            return XferHttpReply.Refusal(
                429, "Too many failed logins of this name from your address; wait a minute.") with
            {
                RetryAfter = logins.Pause
            };
        }

        return Frame(request, outcome, reply);
    }

    private static XferHttpReply Frame(XferHttpRequest request, ServerOutcome outcome, PooledBytes reply)
    {
        // Spec: the reply has the encoding of the request, except for clone 3, whose content is compressed already.
        var type = outcome.MustBePlain ? XferContentType.Uncompressed : request.ContentType;
        var body = reply;
        if (type == XferContentType.Compressed)
        {
            body = new PooledBytes();
            using (reply) XferFrame.Encode(XferEncoding.Zlib, reply.Written.Span, body);
        }

        return new XferHttpReply(200, type, body.Written, body) { Note = NoteOf(outcome) };
    }

    private static XferNote NoteOf(ServerOutcome outcome) => new(
        outcome.Operation, outcome.Login ?? "nobody", outcome.ArtifactsSent, outcome.ArtifactsReceived,
        outcome.UnversionedReceived > 0 ? outcome.UnversionedReceived : null, outcome.Error);
}
