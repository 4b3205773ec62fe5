using System.IO.Pipelines;
using EdgeSync.Fossil.Sync;
using EdgeSync.Fossil.Xfer;
using EdgeSync.Net.Http;
using EdgeSync.Node.Metrics;
using EdgeSync.Node.Settings;
using EdgeSync.Primitives;

namespace EdgeSync.Node.Sync;

/// <summary>How a peer is reached over HTTP.</summary>
internal sealed record HttpSyncOptions
{
    /// <summary><c>USER:PASSWORD</c> for a web server in front of the peer.</summary>
    public string? Credentials { get; init; }

    /// <summary>As the repository's setting <c>proxy</c> spells it; null is the environment's.</summary>
    public string? Proxy { get; init; }

    /// <summary>Hears why a request is sent again, and after which pause.</summary>
    public Action<string, TimeSpan>? OnRetry { get; init; }
}

/// <summary>
/// Drives one session with a peer over HTTP: requests out, replies in, lost ones again. A plain reply (a clone's) is worked
/// on while it arrives; the network runs at most <see cref="AheadBytesMax"/> ahead.
/// </summary>
internal sealed class HttpSync(
    IArtifactStore store, ClientOptions options, PeerUrl peer, HttpSyncOptions way, TimeProvider clock, Entropy entropy) : IDisposable
{
    private const int AheadBytesMax = 4 << 20;
    private static readonly int MessageBytesMax = MemoryLimit.MessageBytesMax;
    private const int LossesMax = 4;

    private readonly XferHttpClient _http = Open(way, clock);
    private PeerUrl _peer = peer;

    /// <summary>On the wire, as framed.</summary>
    public long WireBytesSent { get; private set; }

    public long WireBytesReceived { get; private set; }

    /// <summary>Where the peer was found, after redirects that are for good.</summary>
    public PeerUrl Peer => _peer;

    /// <exception cref="EdgeSyncException">The peer cannot be reached, or does not answer as one.</exception>
    public async Task<SyncReport> RunAsync(Action<SyncProgress>? observer, CancellationToken cancellationToken)
    {
        using var span = SessionSpan.Begin(SessionFacts.Of("http", store.ProjectCode, options.Actions));
        try
        {
            var report = await ExchangeAllAsync(observer, cancellationToken);
            span.Complete(report, WireBytesSent, WireBytesReceived);
            return report;
        }
        catch (EdgeSyncException e)
        {
            span.Fail(e);
            throw;
        }
    }

    public void Dispose() => _http.Dispose();

    private static XferHttpClient Open(HttpSyncOptions way, TimeProvider clock)
    {
        var options = new XferHttpClientOptions
        {
            HttpCredentials = way.Credentials,
            UserAgent = $"EdgeSync/{BuildInfo.Version}",
            Proxy = way.Proxy,
        };
        return new XferHttpClient(options, clock) { OnRetry = way.OnRetry };
    }

    private async Task<SyncReport> ExchangeAllAsync(Action<SyncProgress>? observer, CancellationToken cancellationToken)
    {
        using var session = new ClientSession(store, options with { RequestBytesMax = Math.Min(options.RequestBytesMax, MemoryLimit.RequestBytesMax) }, entropy, observer);
        using var message = new PooledBytes();
        using var body = new PooledBytes();
        var losses = 0;
        while (BuildRequest(session, message))
        {
            body.Clear();
            XferFrame.Encode(XferEncoding.Zlib, message.Written.Span, body);
            try
            {
                await ExchangeAsync(session, body.Written, cancellationToken);
                losses = 0;
            }
            catch (ReplyCutException e)
            {
                // What came is kept, so this ends: each time less is missing.
                losses = session.ReceiveFront(Now, e.Front) ? 0 : losses + 1;
                if (losses >= LossesMax) throw;
                await Task.Delay(RetryPolicy.Standard.PauseAfter(Math.Max(losses, 1), null) ?? TimeSpan.Zero, clock, cancellationToken);
            }
            catch (XferHttpException e) when (e.Status == 413)
            {
                if (++losses >= LossesMax) throw;
                session.OnLost(tooLarge: true);
            }
            catch (EdgeSyncException e) when (e.Kind == ErrorKind.Unavailable && session.Report.Rounds > 0 && ++losses < LossesMax)
            {
                // In the middle of a session it is worth another try; at its beginning the client has tried often enough.
                // The request is built anew: a login that the peer may have seen already must not look like a replay.
                session.OnLost();
                await Task.Delay(RetryPolicy.Standard.PauseAfter(losses, null) ?? TimeSpan.Zero, clock, cancellationToken);
            }
        }

        return session.Report;
    }

    private bool BuildRequest(ClientSession session, PooledBytes message)
    {
        message.Clear();
        return session.TryBuildRequest(Now, message);
    }

    private async Task ExchangeAsync(ClientSession session, ReadOnlyMemory<byte> body, CancellationToken cancellationToken)
    {
        using var response = await _http.PostAsync(_peer, XferContentType.Compressed, body, mayRepeat: false, cancellationToken);
        WireBytesSent += body.Length;
        if (response.IsMovedForGood) _peer = _peer with { Address = response.Address };
        try
        {
            if (response.ContentType == XferContentType.Compressed) await ReceiveWholeAsync(session, response, cancellationToken);
            else await ReceiveStreamAsync(session, response, cancellationToken);
        }
        finally
        {
            WireBytesReceived += response.BytesRead;
        }
    }

    private async Task ReceiveWholeAsync(ClientSession session, XferHttpResponse response, CancellationToken cancellationToken)
    {
        using var framed = new PooledBytes();
        try
        {
            while (await response.ReadAsync(framed.GetMemory(64 * 1024), cancellationToken) is > 0 and var read)
            {
                framed.Advance(read);
                if (framed.Length > MessageBytesMax) throw TooLarge(response);
            }
        }
        catch (EdgeSyncException e) when (e.Kind == ErrorKind.Unavailable && framed.Length > 0)
        {
            throw new ReplyCutException(e.Message, XferFrame.DecodeFront(XferEncoding.Zlib, framed.Written.ToArray(), MessageBytesMax), e);
        }

        switch (XferFrame.TryDecode(XferEncoding.Zlib, framed.Written, MessageBytesMax, out var message))
        {
            case XferFrameFault.None:
                session.Receive(Now, message);
                return;
            case XferFrameFault.TooLarge:
                throw TooLarge(response);
            default:
                throw new EdgeSyncException(ErrorKind.Protocol, $"the reply of {response.Address} does not unpack");
        }
    }

    private async Task ReceiveStreamAsync(ClientSession session, XferHttpResponse response, CancellationToken cancellationToken)
    {
        var pipe = new Pipe(new PipeOptions(
            pauseWriterThreshold: AheadBytesMax, resumeWriterThreshold: AheadBytesMax / 2, minimumSegmentSize: 64 * 1024, useSynchronizationContext: false));
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var reading = FillAsync(response, pipe.Writer, stop.Token);
        try
        {
            session.BeginReply(Now);
            await FeedAsync(session, pipe.Reader, cancellationToken);
        }
        finally
        {
            await stop.CancelAsync();
            await pipe.Reader.CompleteAsync();
            await reading;
        }

        session.EndReply();
    }

    /// <summary>A failure to read travels through the pipe, behind the bytes that came before it.</summary>
    private static async Task FillAsync(XferHttpResponse response, PipeWriter writer, CancellationToken cancellationToken)
    {
        Exception? failure = null;
        try
        {
            while (true)
            {
                var read = await response.ReadAsync(writer.GetMemory(64 * 1024), cancellationToken);
                if (read == 0) break;

                writer.Advance(read);
                var flushed = await writer.FlushAsync(cancellationToken);
                if (flushed.IsCompleted) break;
            }
        }
        catch (Exception e) when (e is EdgeSyncException or OperationCanceledException)
        {
            failure = e;
        }

        await writer.CompleteAsync(failure);
    }

    private static async Task FeedAsync(ClientSession session, PipeReader reader, CancellationToken cancellationToken)
    {
        while (true)
        {
            var read = await reader.ReadAsync(cancellationToken);
            session.Feed(read.Buffer, read.IsCompleted, out var consumed);
            reader.AdvanceTo(consumed, read.Buffer.End);
            if (read.IsCompleted) return;
        }
    }

    private static EdgeSyncException TooLarge(XferHttpResponse response) =>
        new(ErrorKind.Protocol, $"{response.Address} sends a message of more than {MessageBytesMax} bytes");

    private Instant Now => Instant.FromDateTime(clock.GetUtcNow());
}
