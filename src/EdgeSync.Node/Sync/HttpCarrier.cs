using EdgeSync.Fossil.Xfer;
using EdgeSync.Net.Http;
using EdgeSync.Node.Settings;
using EdgeSync.Primitives;

namespace EdgeSync.Node.Sync;

/// <summary>Messages as POST requests to a Fossil server.</summary>
internal sealed class HttpCarrier(XferHttpClient http, PeerUrl peer) : IXferCarrier
{
    private static readonly int MessageBytesMax = MemoryLimit.MessageBytesMax;

    private readonly PooledBytes _body = new();
    private PeerUrl _peer = peer;

    public string Route => "http";

    public string Target => _peer.Address.AbsoluteUri;

    public string? Responder => null;

    public long WireBytesSent { get; private set; }

    public long WireBytesReceived { get; private set; }

    public Action? Progressed { get; set; }

    public async Task<ReadOnlyMemory<byte>> ExchangeAsync(ReadOnlyMemory<byte> message, CancellationToken cancellationToken)
    {
        _body.Clear();
        XferFrame.Encode(XferEncoding.Zlib, message.Span, _body);
        try
        {
            return await PostAsync(cancellationToken);
        }
        catch (XferHttpException e) when (e.Status == 413)
        {
            throw new MessageTooLargeException(e.Message, e);
        }
    }

    public void Dispose() => _body.Dispose();

    private async Task<ReadOnlyMemory<byte>> PostAsync(CancellationToken cancellationToken)
    {
        using var response = await http.PostAsync(_peer, XferContentType.Compressed, _body.Written, mayRepeat: false, Progressed, cancellationToken);
        WireBytesSent += _body.Length;
        if (response.IsMovedForGood) _peer = _peer with { Address = response.Address };

        using var framed = new PooledBytes();
        var encoding = response.ContentType == XferContentType.Compressed ? XferEncoding.Zlib : XferEncoding.Plain;
        try
        {
            while (await response.ReadAsync(framed.GetMemory(64 * 1024), cancellationToken) is > 0 and var read)
            {
                framed.Advance(read);
                Progressed?.Invoke();
                if (framed.Length > MessageBytesMax) throw TooLarge();
            }
        }
        catch (EdgeSyncException e) when (e.Kind == ErrorKind.Unavailable && framed.Length > 0)
        {
            throw new ReplyCutException(e.Message, XferFrame.DecodeFront(encoding, framed.Written.ToArray(), MessageBytesMax), e);
        }
        finally
        {
            WireBytesReceived += response.BytesRead;
        }

        return XferFrame.TryDecode(encoding, framed.Written, MessageBytesMax, out var reply) switch
        {
            // A plain reply is a view of the buffer that ends here.
            XferFrameFault.None => encoding == XferEncoding.Plain ? reply.ToArray() : reply,
            XferFrameFault.TooLarge => throw TooLarge(),
            _ => throw new EdgeSyncException(ErrorKind.Protocol, $"the reply of {Target} does not unpack"),
        };
    }

    private EdgeSyncException TooLarge() => new(ErrorKind.Protocol, $"{Target} sends a message of more than {MessageBytesMax} bytes");
}
