using EdgeSync.Agent;
using EdgeSync.Iroh.Endpoints;
using EdgeSync.Nats.Broker.Leafnodes;
using EdgeSync.Node.Mesh;
using EdgeSync.Primitives;

namespace EdgeSync.Simulation.Fleet;

/// <summary>What a link between two iroh endpoints is made with, on one side of it.</summary>
/// <param name="Other">The broker that lives at the other end now, if any.</param>
internal sealed record TunnelPlan(
    FleetLink Link, NodeRole Role, EndpointId Own, EndpointId Peer, Func<FleetBroker?> Other);

/// <summary>
/// One side of a link over iroh, which either side may open: the decisions are those of the shipped program, the
/// streams those of the simulation. A stream is not seen before its first byte.
/// </summary>
internal sealed class FleetTunnel
{
    private readonly FleetBroker _broker;
    private readonly TunnelPlan _plan;
    private readonly FleetClock _clock;
    private readonly Func<Instant> _now;
    private readonly Instant _began;
    private readonly PeerLinkCore<FleetStream> _core;
    private LeafSolicitor? _solicitor;
    private BrokerEnd? _opened;

    /// <param name="now">By the clock of the machine, which may be set; spans are measured without it.</param>
    public FleetTunnel(FleetBroker broker, TunnelPlan plan, FleetClock clock, Func<Instant> now)
    {
        (_broker, _plan, _clock, _now, _began) = (broker, plan, clock, now, clock.Now);
        _core = new PeerLinkCore<FleetStream>(plan.Role, plan.Own, plan.Peer, TimeSpan.Zero);
    }

    public EndpointId Peer => _plan.Peer;

    /// <summary>Streams to the peer that are up on this side: ours, and those that are served.</summary>
    public int UpCount => (_opened is { WasUp: true } ? 1 : 0) + (_core.Accepted is null ? 0 : 1);

    /// <summary>When to look again without a change.</summary>
    public Instant? Wake
    {
        get
        {
            Instant? dial = _solicitor?.NextDial;
            if (_core.SolicitsIn(Elapsed) is not { } span) return dial;

            var at = _now() + span;
            return dial is { } early && early < at ? early : at;
        }
    }

    /// <summary>The node at the other end of our stream; null: there is none that is up.</summary>
    public string? UpName => _solicitor is { IsUp: true } solicitor ? solicitor.Status().PeerName : null;

    private TimeSpan Elapsed => _clock.Now - _began;

    /// <summary>Begins or ends soliciting, and dials when that is due.</summary>
    public void Step()
    {
        if (_core.Solicits(Elapsed))
            _solicitor ??= new LeafSolicitor(
                _broker.Core,
                new LeafnodeRemote
                {
                    Name = _plan.Link.Name,
                    Urls = ["nats-leaf://tunnel:1"],
                    UseAnnouncedUrls = false,
                    SpeaksFirst = true,
                },
                _now());
        else if (_core.Accepted is not null) StopSoliciting();
        if (_solicitor?.NextDial is { } due && due <= _now()) Dial(_solicitor);
    }

    /// <summary>The peer has opened a stream; null: it is refused.</summary>
    public BrokerEnd? Accept(FleetStream stream)
    {
        if (!_core.TryAccept(stream, Elapsed, out var older)) return null;

        var end = _broker.AcceptTrusted();
        (end.Stream, end.Side) = (stream, 1);
        end.Over = () => _core.OnAcceptedEnded(stream, Elapsed);
        older?.Close();
        return end;
    }

    private void StopSoliciting()
    {
        if (_solicitor is not { } solicitor) return;

        (_solicitor, var opened) = (null, _opened);
        var peer = solicitor.Status().PeerName;
        if (opened is not null) opened.Uplink = null;
        solicitor.Stop();
        opened?.End();
        if (opened is { WasUp: true }) _broker.UplinkChanged?.Invoke(peer, false);
    }

    private void Dial(LeafSolicitor solicitor)
    {
        var url = solicitor.Begin();
        if (_plan.Link.IsCut || _plan.Other() is not { IsDead: false } || !_core.TryOpen(Elapsed))
        {
            solicitor.DialFailed("no answer", _now());
            return;
        }

        var mine = _opened = _broker.Connect(solicitor, url);
        mine.Over = () =>
        {
            _core.OnOpenedEnded(Elapsed);
            if (_opened == mine) _opened = null;
        };
        var arriving = new ArrivingEnd(_plan);
        mine.Stream = arriving.Stream = _plan.Link.Open(mine, arriving);
        mine.Side = 0;
    }

    /// <summary>The far end of a stream before it is seen there, and the broker's after that.</summary>
    private sealed class ArrivingEnd(TunnelPlan plan) : IStreamEnd
    {
        private BrokerEnd? _end;
        private bool _isRefused;

        public FleetStream? Stream { get; set; }

        public void OnBytes(byte[] bytes)
        {
            if (_end is null && !_isRefused)
            {
                var broker = plan.Other() is { IsDead: false } alive ? alive : null;
                _end = broker?.TunnelTo(plan.Own)?.Accept(Stream!);
                _isRefused = _end is null;
                if (_isRefused) Stream!.CloseFrom(1);
                broker?.Pump();
            }

            _end?.OnBytes(bytes);
        }

        public void OnSent(int bytes) => _end?.OnSent(bytes);

        public void OnClosed() => _end?.OnClosed();
    }
}
