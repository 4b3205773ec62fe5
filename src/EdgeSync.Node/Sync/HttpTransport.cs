using System.IO.Pipelines;
using EdgeSync.Fossil.Xfer;
using EdgeSync.Net.Http;
using EdgeSync.Primitives;

namespace EdgeSync.Node.Sync;

/// <summary>
/// Messages as POST requests to a Fossil server. A plain reply (a clone's) can be processed while it arrives; the
/// network runs at most <see cref="AheadBytesMax"/> ahead.
/// </summary>
internal sealed class HttpTransport(XferHttpClient http, PeerUrl peer, bool ownsClient = false) : ITransport
{
    private const int AheadBytesMax = 4 << 20;
    private const int PieceBytes = 64 * 1024;

    private readonly PooledBytes _body = new();
    private PeerUrl _peer = peer;

    public string Route => "http";

    public string Target => _peer.Address.AbsoluteUri;

    public string? Responder => null;

    public PeerUrl? MovedTo { get; private set; }

    public long WireBytesSent { get; private set; }

    public long WireBytesReceived { get; private set; }

    public Action? Progressed { get; set; }

    /// <summary>With a client of its own, for one session.</summary>
    /// <param name="peer">The address.</param>
    /// <param name="proxy">As in the repository's setting <c>proxy</c>; null is the environment's.</param>
    /// <param name="options">Credentials and a listener.</param>
    /// <param name="clock">Time of pauses.</param>
    public static HttpTransport Open(PeerUrl peer, string? proxy, PeerTransportOptions options, TimeProvider clock)
    {
        var client = new XferHttpClientOptions
        {
            HttpCredentials = options.HttpCredentials,
            UserAgent = $"EdgeSync/{BuildInfo.Version}",
            Proxy = proxy,
            Pin = options.Pin,
            SilenceMax = TimeSpan.FromMinutes(5),
            Retry = options.TriesOnce ? RetryPolicy.None : RetryPolicy.Standard,
        };
        return new HttpTransport(
            new XferHttpClient(client, clock) { OnRetry = options.OnRetry }, peer, ownsClient: true);
    }

    public async Task<TransportReply> ExchangeAsync(
        ReadOnlyMemory<byte> message, bool mayStream, CancellationToken cancellationToken)
    {
        _body.Clear();
        XferFrame.Encode(XferEncoding.Zlib, message.Span, _body);
        try
        {
            var response = await http.PostAsync(
                _peer, XferContentType.Compressed, _body.Written, mayRepeat: false, Progressed, cancellationToken);
            WireBytesSent += _body.Length;
            if (response.IsMovedForGood) MovedTo = _peer = _peer with { Address = response.Address };
            return mayStream && response.ContentType != XferContentType.Compressed
                ? BeginStream(response, cancellationToken)
                : new TransportReply(await ReceiveWholeAsync(response, cancellationToken));
        }
        catch (XferHttpException e) when (e.Status == 413)
        {
            throw new MessageTooLargeException(e.Message, e);
        }
    }

    public void Dispose()
    {
        _body.Dispose();
        if (ownsClient) http.Dispose();
    }

    private async Task<ReadOnlyMemory<byte>> ReceiveWholeAsync(
        XferHttpResponse response, CancellationToken cancellationToken)
    {
        using var owned = response;
        using var framed = new PooledBytes();
        var encoding = MessageFrame.EncodingOf(response.ContentType);
        try
        {
            while (await response.ReadAsync(framed.GetMemory(PieceBytes), cancellationToken) is > 0 and var read)
            {
                framed.Advance(read);
                WireBytesReceived += read;
                Progressed?.Invoke();
                MessageFrame.RequireSize(framed.Length, Target);
            }
        }
        catch (EdgeSyncException e) when (e.Kind == ErrorKind.Unavailable && framed.Length > 0)
        {
            throw new ReplyCutException(e.Message, MessageFrame.DecodeFront(encoding, framed.Written), e);
        }

        // A plain reply is a view of the buffer that ends here.
        var reply = MessageFrame.Decode(encoding, framed.Written, Target);
        return encoding == XferEncoding.Plain ? reply.ToArray() : reply;
    }

    private TransportReply BeginStream(XferHttpResponse response, CancellationToken cancellationToken)
    {
        var pipe = new Pipe(new PipeOptions(
            pauseWriterThreshold: AheadBytesMax, resumeWriterThreshold: AheadBytesMax / 2,
            minimumSegmentSize: PieceBytes,
            useSynchronizationContext: false));
        var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var filling = FillAsync(response, pipe.Writer, stop.Token);
        return new TransportReply(pipe.Reader, async () =>
        {
            await stop.CancelAsync();
            await pipe.Reader.CompleteAsync();
            await filling;
            stop.Dispose();
        });
    }

    /// <summary>A read error passes through the pipe, after the bytes before it.</summary>
    private async Task FillAsync(XferHttpResponse response, PipeWriter writer, CancellationToken cancellationToken)
    {
        using var owned = response;
        Exception? failure = null;
        try
        {
            while (await response.ReadAsync(writer.GetMemory(PieceBytes), cancellationToken) is > 0 and var read)
            {
                writer.Advance(read);
                WireBytesReceived += read;
                Progressed?.Invoke();
                if ((await writer.FlushAsync(cancellationToken)).IsCompleted) break;
            }
        }
        catch (Exception e) when (e is EdgeSyncException or OperationCanceledException)
        {
            failure = e;
        }

        await writer.CompleteAsync(failure);
    }
}
