using EdgeSync.Fossil.Xfer;
using EdgeSync.Net.Http;
using EdgeSync.Primitives;

namespace EdgeSync.Node.Sync;

/// <summary>
/// Messages as POST requests to a Fossil server. A plain reply (a clone's) can be processed while it arrives
/// (<see cref="ReplyBody"/>).
/// </summary>
internal sealed class HttpTransport(XferHttpClient http, PeerUrl peer, bool ownsClient = false) : ITransport
{
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
            var reply = new ReplyBody(response.ReadAsync, response, Target, OnReceived);
            var encoding = MessageFrame.EncodingOf(response.ContentType);
            return mayStream && encoding == XferEncoding.Plain
                ? reply.BeginStream(cancellationToken)
                : new TransportReply(await reply.ReadWholeAsync(encoding, cancellationToken));
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

    private void OnReceived(int bytes)
    {
        WireBytesReceived += bytes;
        Progressed?.Invoke();
    }
}
