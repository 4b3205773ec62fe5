using EdgeSync.Iroh.Endpoints;
using EdgeSync.Nats.Broker;
using EdgeSync.Nats.Broker.Leafnodes;
using EdgeSync.Primitives;

namespace EdgeSync.Simulation.Fleet;

/// <summary>The real broker core, its leaf links included, with streams of the simulation instead of sockets.</summary>
internal sealed class FleetBroker
{
    private readonly FleetClock _clock;
    private readonly Func<Instant> _now;
    private readonly List<Uplink> _uplinks = [];
    private readonly List<FleetTunnel> _tunnels = [];
    private readonly List<OutputSegment> _segments = [];
    private long _wake;

    public FleetBroker(string name, FleetClock clock, Func<Instant> now, Prng prng)
    {
        (_clock, _now) = (clock, now);
        Core = new BrokerCore(
            new BrokerOptions { ServerName = name }, new SeededEntropy(prng.NextUInt64()), prng.Fork(), now());
        Core.OpenLeafnodes(new LeafnodeOptions { PendingBytesMax = 4 << 20 });
        Links = (LeafLinks)Core.Leafnodes!;
    }

    public BrokerCore Core { get; }

    public LeafLinks Links { get; }

    public bool IsDead { get; private set; }

    /// <summary>Called when a leaf link of ours came up (true) or went, with the name over there.</summary>
    public Action<string, bool>? UplinkChanged { get; set; }

    /// <summary>For the trace.</summary>
    public Action<string>? Note { get; set; }

    public IEnumerable<string> UpstreamNames =>
        _uplinks.Where(u => u.Solicitor.IsUp).Select(u => u.Solicitor.Status().PeerName)
            .Concat(_tunnels.Select(t => t.UpName).OfType<string>());

    public long PendingBytes => Core.Connections.Values.Sum(c => c.PendingBytes);

    /// <summary>
    /// Keeps a leaf link to another broker; <paramref name="hub"/> finds the one that lives there now, if any.
    /// </summary>
    public void AddUplink(FleetLink link, Func<FleetBroker?> hub)
    {
        var remote = new LeafnodeRemote { Urls = ["nats-leaf://hub:7422"], Name = link.Name };
        _uplinks.Add(new Uplink(new LeafSolicitor(Core, remote, _now()), link, hub));
        Pump();
    }

    /// <summary>Keeps a link to another broker that either of them opens.</summary>
    public void AddTunnel(TunnelPlan plan)
    {
        _tunnels.Add(new FleetTunnel(this, plan, _clock, _now));
        Pump();
    }

    public FleetTunnel? TunnelTo(EndpointId peer) => _tunnels.Find(t => t.Peer == peer);

    /// <summary>A leaf that was identified by its endpoint.</summary>
    public BrokerEnd AcceptTrusted() => Wire(
        Core.Attach(new ConnectionOrigin { Kind = ConnectionKind.Leaf, IsTrusted = true }, _now()));

    /// <summary>Our end of a stream that a solicitor asked for.</summary>
    public BrokerEnd Connect(LeafSolicitor solicitor, Uri url)
    {
        var end = Wire(solicitor.Connected(url, false, new ConnectionOrigin { Kind = ConnectionKind.Leaf }, _now()));
        end.Uplink = solicitor;
        return end;
    }

    public BrokerEnd Accept(ConnectionKind kind) => Wire(Core.Attach(new ConnectionOrigin { Kind = kind }, _now()));

    /// <summary>The program is gone: no good-byes.</summary>
    public void Die()
    {
        IsDead = true;
        foreach (var connection in Core.Connections.Values.ToList()) (connection.Tag as BrokerEnd)?.Stream?.Close();
    }

    /// <summary>Sends what waits, dials what is due, and plans the next look.</summary>
    public void Pump()
    {
        if (IsDead) return;

        foreach (var uplink in _uplinks) Dial(uplink);
        foreach (var tunnel in _tunnels) tunnel.Step();
        while (Core.TryTakeTouched(out var connection)) Flush(connection);
        var wake = Core.Deadline;
        foreach (var uplink in _uplinks)
            if (uplink.Solicitor.NextDial is { } dial && (wake is null || dial < wake))
                wake = dial;
        foreach (var tunnel in _tunnels)
            if (tunnel.Wake is { } look && (wake is null || look < wake))
                wake = look;
        if (wake is not { } at) return;

        var ticket = ++_wake;
        var delay = at - _now();
        _clock.After(delay > TimeSpan.Zero ? delay : TimeSpan.FromMilliseconds(1), () =>
        {
            if (ticket != _wake || IsDead) return;

            Core.OnDeadline(_now());
            Pump();
        });
    }

    private void Dial(Uplink uplink)
    {
        if (uplink.Solicitor.NextDial is not { } due || due > _now()) return;

        var url = uplink.Solicitor.Begin();
        if (uplink.Link.IsCut || uplink.Hub() is not { IsDead: false } hub)
        {
            uplink.Solicitor.DialFailed("connection refused", _now());
            return;
        }

        var mine = Connect(uplink.Solicitor, url);
        var theirs = hub.Accept(ConnectionKind.Leaf);
        mine.Stream = theirs.Stream = uplink.Link.Open(mine, theirs);
        (mine.Side, theirs.Side) = (0, 1);
        hub.Pump();
    }

    private BrokerEnd Wire(BrokerConnection connection)
    {
        var end = new BrokerEnd(this, connection);
        connection.Tag = end;
        return end;
    }

    private void Flush(BrokerConnection connection)
    {
        (connection.Tag as FleetLocalClient)?.Wake();
        if (connection.Tag is not BrokerEnd end) return;

        if (end.Stream is { } stream && !end.IsWindowFull)
        {
            _segments.Clear();
            if (Core.TakeOutput(connection, _segments, _now()) is > 0 and var size)
            {
                var bytes = new byte[size];
                var at = 0;
                foreach (var segment in _segments)
                {
                    segment.Buffer.AsSpan(0, segment.Length).CopyTo(bytes.AsSpan(at));
                    at += segment.Length;
                    Core.Recycle(segment);
                }

                end.UnsentBytes += size;
                stream.Send(end.Side, bytes);
            }
        }

        if (connection.IsClosed) end.End();
    }

    internal void OnBytes(BrokerEnd end, byte[] bytes)
    {
        if (IsDead) return;

        var wasUp = end.Uplink is { IsUp: true };
        Core.Receive(end.Connection, _now(), bytes);
        Pump();
        if (end.Uplink is not { IsUp: true } solicitor || wasUp) return;

        end.WasUp = true;
        Note?.Invoke($"{Core.Options.ServerName} joins {solicitor.Remote.Name}");
        UplinkChanged?.Invoke(solicitor.Status().PeerName, true);
    }

    internal void OnSent(BrokerEnd end, int bytes)
    {
        if (IsDead) return;

        end.UnsentBytes -= bytes;
        Core.OutputSent(end.Connection, bytes, _now());
        Flush(end.Connection);
    }

    internal void OnClosed(BrokerEnd end)
    {
        if (IsDead) return;

        Core.Detach(end.Connection, CloseReason.ReadError, _now());
        end.Over?.Invoke();
        if (end.Uplink is { } solicitor)
        {
            end.Uplink = null;
            solicitor.Ended(_now());
            Note?.Invoke($"{Core.Options.ServerName} loses {solicitor.Remote.Name}: {solicitor.Status().LastError}");
            if (end.WasUp) UplinkChanged?.Invoke(solicitor.Status().PeerName, false);
        }

        Pump();
    }

    private sealed record Uplink(LeafSolicitor Solicitor, FleetLink Link, Func<FleetBroker?> Hub);
}

/// <summary>The broker's end of one stream.</summary>
internal sealed class BrokerEnd(FleetBroker broker, BrokerConnection connection) : IStreamEnd
{
    private const int WindowBytes = 256 << 10;

    private bool _isOver;

    public BrokerConnection Connection => connection;

    public FleetStream? Stream { get; set; }

    public int Side { get; set; } = 1;

    public int UnsentBytes { get; set; }

    /// <summary>As a socket's buffer: what it does not take waits in the broker, and counts there.</summary>
    public bool IsWindowFull => UnsentBytes >= WindowBytes;

    /// <summary>Set where this broker dialled.</summary>
    public LeafSolicitor? Uplink { get; set; }

    /// <summary>Called when it has ended.</summary>
    public Action? Over { get; set; }

    /// <summary>The handshake came to its end.</summary>
    public bool WasUp { get; set; }

    public void OnBytes(byte[] bytes) => broker.OnBytes(this, bytes);

    public void OnSent(int bytes) => broker.OnSent(this, bytes);

    public void OnClosed()
    {
        if (_isOver) return;

        _isOver = true;
        broker.OnClosed(this);
    }

    /// <summary>The broker closed it.</summary>
    public void End()
    {
        if (_isOver) return;

        _isOver = true;
        Stream?.CloseFrom(Side);
        broker.OnClosed(this);
    }
}
