using EdgeSync.Fossil.Sync.Server;
using EdgeSync.Fossil.Xfer;
using EdgeSync.Net.Http;
using EdgeSync.Node.Metrics;
using EdgeSync.Node.Repositories;
using EdgeSync.Node.Sync;
using EdgeSync.Primitives;
using EdgeSync.Storage.Sqlite;

namespace EdgeSync.Node.Web;

/// <summary>
/// One exchange over HTTP, or over a stream of a known peer: unpacks the request, has a repository handle it, and packs
/// the reply.
/// </summary>
internal static class HttpExchange
{
    // Room comes by a person's hand: a client that would send a large push again each second gives up at once.
    private static readonly TimeSpan PauseOfFullDisk = TimeSpan.FromMinutes(1);

    public static async ValueTask<XferHttpReply> AnswerAsync(
        RepositoryHost host, LoginAccount logins, XferHttpRequest request, CancellationToken cancellationToken)
    {
        if (request.Peer is { } peer && peer.CapabilitiesAt(host.FilePath) is null)
            return XferHttpReply.Refusal(403, "This repository is not open to this peer.");

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
        using var span = HandleSpan.Begin(request.Peer is null ? "http" : "iroh");
        ServerOutcome outcome;
        try
        {
            outcome = await host.AnswerAsync(
                message, RequesterOf(request, host, logins), reply, long.MaxValue, cancellationToken);
        }
        catch (EdgeSyncException e) when (e.Kind == ErrorKind.Unavailable)
        {
            // The disk fails or is full, or another program holds the lock: the client retries.
            reply.Dispose();
            return XferHttpReply.Refusal(503, "The repository is not available; try again later.") with
            {
                Note = XferNote.OfError(e.Message),
                RetryAfter = e.InnerException is SqliteException { IsFull: true } ? PauseOfFullDisk : null,
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

    private static Requester RequesterOf(XferHttpRequest request, RepositoryHost host, LoginAccount logins) =>
        request.Peer is { } peer
            ? new Requester(peer.Name, logins.GateOf(peer.Name, host.FilePath))
            {
                Capabilities = peer.CapabilitiesAt(host.FilePath) ?? "",
            }
            : new Requester(
                request.RemoteAddress.ToString(), logins.GateOf(request.RemoteAddress, host.FilePath))
            {
                LoginCard = LoginCookie.CardIn(request.Cookies),
            };

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
