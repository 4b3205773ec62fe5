using EdgeSync.Nats.Broker.Leafnodes;
using EdgeSync.Net.Nats;
using EdgeSync.Net.Nats.Leafnodes;
using Microsoft.Extensions.Logging;

namespace EdgeSync.Node.Brokers;

/// <summary>
/// A link that our broker solicits over streams that its caller opens, reconnected until it is disposed. The caller
/// identifies the peer.
/// </summary>
internal sealed class TunnelLink : IAsyncDisposable
{
    private const string Mode = "tunnel";

    private readonly string _name;
    private readonly ILogger _log;
    private readonly Action<bool, string> _changed;
    private readonly LeafnodeHandle _handle;
    private volatile string? _upName;
    private volatile bool _isLeft;

    /// <param name="broker">Ours.</param>
    /// <param name="name">The peer, for display, and as the origin of its messages.</param>
    /// <param name="open">Opens a stream; disposing that must end its reads and writes.</param>
    /// <param name="changed">The link came up (true) or down, with the node id at its other end. On the broker's
    /// threads.</param>
    public TunnelLink(
        NatsBroker broker, string name, Func<CancellationToken, ValueTask<Stream>> open, Action<bool, string> changed,
        ILogger log)
    {
        (_name, _changed, _log) = (name, changed, log);
        var remote = new LeafnodeRemote
        {
            Name = name,
            Urls = ["nats-leaf://tunnel:1"],   // not dialled
            UseAnnouncedUrls = false,
            SpeaksFirst = true,
        };
        _handle = broker.AddRemote(
            remote,
            new LeafnodeDialing
            {
                OpenStream = (_, token) => open(token),
                PeerName = name,
                OnChanged = OnChanged,
            });
    }

    /// <summary>The node at the other end; null while the link is down.</summary>
    public string? UpName => _upName;

    /// <summary>It was disposed.</summary>
    public bool IsLeft => _isLeft;

    /// <summary>Why the link is down; null while it is up.</summary>
    public string? LastError =>
        _handle.Status is { IsConnected: false, LastError: { Length: > 0 } error } ? error : null;

    /// <summary>Ends a pause: an attempt may succeed now.</summary>
    public void DialNow() => _handle.DialNow();

    public async ValueTask DisposeAsync()
    {
        _isLeft = true;
        await _handle.DisposeAsync();
        if (_upName is not { } upName) return;

        _upName = null;
        _changed(false, upName);
    }

    // On the broker's threads: only record it.
    private void OnChanged(LeafRemoteStatus status)
    {
        if (_isLeft || status.IsConnected == (_upName is not null)) return;

        if (status.IsConnected)
        {
            _upName = status.PeerName;
            _log.NatsConnected(_name, status.PeerName, Mode);
            _changed(true, status.PeerName);
            return;
        }

        var upName = _upName!;
        _upName = null;
        _log.NatsDisconnected(_name, status.LastError, Mode);
        _changed(false, upName);
    }
}

/// <summary>What the links between brokers over other transports need of the embedded broker.</summary>
internal interface ITunnelledBroker
{
    /// <summary>Serves the leaf at the other end of a stream, which was identified; ends with the link.</summary>
    /// <param name="name">The peer, as the origin of its messages.</param>
    Task ServeLeafAsync(Stream stream, string name);

    /// <summary>Joins the broker at the other end of streams that <paramref name="open"/> opens.</summary>
    TunnelLink AddTunnel(string name, Func<CancellationToken, ValueTask<Stream>> open);
}
