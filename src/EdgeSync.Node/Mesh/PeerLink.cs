using EdgeSync.Agent;
using EdgeSync.Iroh.Endpoints;
using EdgeSync.Net.Quic;
using EdgeSync.Node.Brokers;
using EdgeSync.Node.Iroh;
using EdgeSync.Primitives;

namespace EdgeSync.Node.Mesh;

/// <summary>
/// The link between our broker and that of one peer: opens and serves streams as <see cref="PeerLinkCore{TStream}"/>
/// decides. Thread-safe.
/// </summary>
internal sealed class PeerLink : IAsyncDisposable
{
    private readonly ITunnelledBroker _broker;
    private readonly PeerConnections _peers;
    private readonly EndpointId _peer;
    private readonly NodeRole _role;
    private readonly TimeProvider _clock;
    private readonly Lock _gate = new();
    private readonly CancellationTokenSource _stop = new();
    private readonly SemaphoreSlim _changed = new(0);
    private readonly Task _running;
    private readonly long _began;
    private readonly PeerLinkCore<HostStream> _core;
    private LinkStream? _accepted;
    private TunnelLink? _tunnel;

    /// <param name="broker">Ours.</param>
    /// <param name="peers">Opens the streams.</param>
    /// <param name="role">Of this node.</param>
    public PeerLink(
        ITunnelledBroker broker, PeerConnections peers, EndpointId peer, NodeRole role, TimeProvider clock)
    {
        (_broker, _peers, _peer, _role, _clock) = (broker, peers, peer, role, clock);
        Name = NameOf(peer);
        _began = clock.GetTimestamp();
        _core = new PeerLinkCore<HostStream>(role, peers.Id, peer, TimeSpan.Zero);
        _running = Task.Run(RunAsync);
    }

    /// <summary>The peer as the origin of messages.</summary>
    public string Name { get; }

    /// <summary>That it was made with.</summary>
    public NodeRole Role => _role;

    /// <summary>A link is up, or the other side's is served.</summary>
    public bool IsUp
    {
        get
        {
            lock (_gate) return _accepted is not null || _tunnel?.UpName is not null;
        }
    }

    /// <summary>Why the link is down; null while it is up, or when the other side is to open it.</summary>
    public string? LastError
    {
        get
        {
            lock (_gate) return _accepted is null ? _tunnel?.LastError : null;
        }
    }

    /// <summary>A peer as the origin of messages that come over its link.</summary>
    public static string NameOf(EndpointId peer) => $"iroh:{peer}";

    /// <summary>Serves a stream that the peer has opened, until it ends.</summary>
    public async Task ServeAsync(HostStream stream)
    {
        LinkStream accepted;
        LinkStream? older;
        lock (_gate)
        {
            if (_stop.IsCancellationRequested || !_core.TryAccept(stream, Now, out _))
            {
                Refuse(stream);
                return;
            }

            older = _accepted;
            _accepted = accepted = new LinkStream(stream, () => OnAcceptedEnded(stream));
        }

        // A second stream of one peer: it has lost the first.
        if (older is not null) await older.DisposeAsync();
        _changed.Release();
        await _broker.ServeLeafAsync(accepted, Name);
    }

    /// <summary>The peer can be reached now: ends a pause.</summary>
    public void DialNow()
    {
        lock (_gate) _tunnel?.DialNow();
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _running;
        LinkStream? accepted;
        lock (_gate) accepted = _accepted;
        if (accepted is not null) await accepted.DisposeAsync();
    }

    private static void Refuse(HostStream stream)
    {
        stream.Reset(IrohProtocol.AlreadyLinked);
        stream.StopReading(IrohProtocol.AlreadyLinked);
        stream.Dispose();
    }

    private async Task RunAsync()
    {
        try
        {
            while (true)
            {
                var wait = await StepAsync();
                await _changed.WaitAsync(wait, _stop.Token);
            }
        }
        catch (OperationCanceledException)
        {
            // Disposed.
        }

        if (_tunnel is not null) await _tunnel.DisposeAsync();
    }

    /// <summary>Begins or ends soliciting, by the rule.</summary>
    /// <returns>When to look again without a change.</returns>
    private async Task<TimeSpan> StepAsync()
    {
        TunnelLink? gone = null;
        TimeSpan wait = Timeout.InfiniteTimeSpan;
        lock (_gate)
        {
            // One moment for both: between two of them the time could come at which this side solicits.
            var now = Now;
            if (_core.Solicits(now)) _tunnel ??= _broker.AddTunnel(Name, OpenAsync);
            else if (_core.Accepted is not null) (gone, _tunnel) = (_tunnel, null);
            // Rounded up to the resolution of the wait, so that it does not end early.
            if (_core.SolicitsIn(now) is { } later)
                wait = TimeSpan.FromMilliseconds(Math.Ceiling(later.TotalMilliseconds));
        }

        if (gone is not null) await gone.DisposeAsync();
        return wait;
    }

    private async ValueTask<Stream> OpenAsync(CancellationToken cancellationToken)
    {
        HostStream stream;
        try
        {
            stream = await _peers.OpenStreamAsync(_peer, IrohProtocol.NatsLeaf, cancellationToken);
        }
        catch (QuicClosedException e)
        {
            throw _peers.Explain(_peer, e);
        }

        lock (_gate)
        {
            if (_core.TryOpen(Now)) return new LinkStream(stream, OnOpenedEnded);
        }

        stream.Reset(IrohProtocol.AlreadyLinked);
        await stream.DisposeAsync();
        throw new EdgeSyncException(ErrorKind.Unavailable, "the peer has opened a link meanwhile");
    }

    private void OnOpenedEnded()
    {
        lock (_gate) _core.OnOpenedEnded(Now);
    }

    private void OnAcceptedEnded(HostStream stream)
    {
        lock (_gate)
        {
            if (!_core.OnAcceptedEnded(stream, Now)) return;
            _accepted = null;
        }

        if (!_stop.IsCancellationRequested) _changed.Release();
    }

    private TimeSpan Now => _clock.GetElapsedTime(_began);
}
