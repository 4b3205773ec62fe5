using System.Buffers;
using System.Text;
using EdgeSync.Fossil.Xfer;
using EdgeSync.Iroh.Endpoints;
using EdgeSync.Net.Iroh;
using EdgeSync.Net.Quic;
using EdgeSync.Node.Iroh;
using EdgeSync.Node.Settings;
using EdgeSync.Primitives;
using EdgeSync.Storage;

namespace EdgeSync.Node.Sync;

/// <summary>
/// Messages over streams of an iroh connection, one bidirectional stream for each exchange: the request, framed as for
/// HTTP, then the end of that side; the reply in the same way. Where a node has several repositories, a line with the
/// name of one precedes the request (docs/formats/iroh-links.md).
/// </summary>
internal sealed class IrohTransport : ITransport
{
    private readonly PeerConnections _peers;
    private readonly EndpointId _peer;
    private readonly string _path;
    private readonly IAsyncDisposable? _owned;
    private readonly PooledBytes _body = new();

    /// <param name="peers">Of the endpoint that sends.</param>
    /// <param name="path">The repository there; empty for the only one, or that of the project.</param>
    public IrohTransport(PeerConnections peers, EndpointAddress peer, string path)
        : this(peers, peer, path, owned: null)
    {
    }

    private IrohTransport(PeerConnections peers, EndpointAddress peer, string path, IAsyncDisposable? owned)
    {
        (_peers, _peer, _path, _owned) = (peers, peer.Id, path, owned);
        _peers.Learn(peer);
    }

    public string Route => "iroh";

    public string Target => $"iroh:{_peer}";

    public string? Responder => null;

    public long WireBytesSent { get; private set; }

    public long WireBytesReceived { get; private set; }

    public Action? Progressed { get; set; }

    /// <summary>With an endpoint of its own, for one session; its key is the repository's.</summary>
    /// <exception cref="EdgeSyncException">The address has no ticket or id; the key cannot be read.</exception>
    public static IrohTransport Open(PeerUrl peer, string repository, TimeProvider clock)
    {
        var address = IrohPeer.Parse(peer.Endpoint!);
        var settings = EndpointSettings.OfEnvironment();
        var key = EndpointKeyFile.Ensure(EndpointSettings.KeyFileOf(settings, repository));
        var endpoint = IrohEndpoint.Start(
            EndpointSettings.OfCommand(settings, key), SystemEntropy.Instance, clock);
        return new IrohTransport(
            new PeerConnections(endpoint, clock), address, peer.EndpointPath, new OwnedEndpoint(endpoint, key));
    }

    public async Task<TransportReply> ExchangeAsync(
        ReadOnlyMemory<byte> message, bool mayStream, CancellationToken cancellationToken)
    {
        _body.Clear();
        if (_path.Length > 0) _body.Write(Encoding.UTF8.GetBytes($"/{_path}\n"));
        XferFrame.Encode(XferEncoding.Zlib, message.Span, _body);
        try
        {
            var stream = await _peers.OpenStreamAsync(_peer, IrohProtocol.Xfer, cancellationToken);
            try
            {
                return await ExchangeAsync(stream, mayStream, cancellationToken);
            }
            catch
            {
                await stream.DisposeAsync();
                throw;
            }
        }
        catch (QuicClosedException e)
        {
            throw _peers.Explain(_peer, e);
        }
        catch (QuicStreamException e)
        {
            throw Refusal(e);
        }
    }

    public void Dispose()
    {
        _body.Dispose();
        // A last packet tells the peer; there is nothing to wait for but that it is sent.
        _owned?.DisposeAsync().AsTask().Wait(TimeSpan.FromSeconds(1));
    }

    private async Task<TransportReply> ExchangeAsync(
        HostStream stream, bool mayStream, CancellationToken cancellationToken)
    {
        await stream.WriteLastAsync(_body.Written, cancellationToken);
        WireBytesSent += _body.Length;
        Progressed?.Invoke();

        // Nothing but its first byte says whether a reply is plain.
        var first = new byte[1];
        var count = await stream.ReadAsync(first, cancellationToken);
        if (count == 0)
            throw new EdgeSyncException(
                ErrorKind.Protocol, $"{Target} sent an empty reply, which means that it failed");

        var isFirst = true;
        var reply = new ReplyBody(
            (target, token) =>
            {
                if (!isFirst) return stream.ReadAsync(target, token);

                isFirst = false;
                target.Span[0] = first[0];
                return ValueTask.FromResult(1);
            },
            stream, Target, OnReceived);
        var encoding = XferFrame.IsPlain(first) ? XferEncoding.Plain : XferEncoding.Zlib;
        return mayStream && encoding == XferEncoding.Plain
            ? reply.BeginStream(cancellationToken)
            : new TransportReply(await reply.ReadWholeAsync(encoding, cancellationToken));
    }

    private void OnReceived(int bytes)
    {
        WireBytesReceived += bytes;
        Progressed?.Invoke();
    }

    private EdgeSyncException Refusal(QuicStreamException e) => e.Code switch
    {
        IrohProtocol.TooLarge => new MessageTooLargeException($"{Target} does not accept a message of this size", e),
        IrohProtocol.NotAllowed => new EdgeSyncException(
            ErrorKind.Denied, $"{Target}: the repository is not open to this endpoint",
            $"on the other machine: edgesync peers trust {_peers.Id}", e),
        IrohProtocol.NotFound => new EdgeSyncException(
            ErrorKind.NotFound, $"{Target} has no such repository, or several",
            "name one: iroh:TICKET/NAME", e),
        IrohProtocol.Malformed => new EdgeSyncException(
            ErrorKind.Protocol, $"{Target} cannot read the request", "edgesync version, on both machines", e),
        IrohProtocol.Busy => new EdgeSyncException(
            ErrorKind.Unavailable, $"{Target} is busy, or too many logins failed", "try again in a minute", e),
        _ => new EdgeSyncException(
            ErrorKind.Unavailable, $"{Target} ended the exchange with code {e.Code}", "try again in a minute", e),
    };

    private sealed class OwnedEndpoint(IrohEndpoint endpoint, SecretKey key) : IAsyncDisposable
    {
        public async ValueTask DisposeAsync()
        {
            await endpoint.DisposeAsync();
            key.Dispose();
        }
    }
}
