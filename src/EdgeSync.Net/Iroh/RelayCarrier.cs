using System.Buffers;
using EdgeSync.Iroh.Endpoints;
using EdgeSync.Iroh.Relay;
using EdgeSync.Net.Quic;
using EdgeSync.Net.Relay;
using EdgeSync.Quic;

namespace EdgeSync.Net.Iroh;

/// <summary>
/// Carries datagrams through relays: the home relay, and those of peers, which are connected to while they are needed.
/// Each pair of a relay and a peer behind it has a number, which stands for an address in QUIC (docs/adr/0030).
/// </summary>
/// <param name="open">Makes the link to a relay, which is the home relay or not.</param>
/// <param name="allows">Whether a relay may be connected to.</param>
/// <param name="told">Gets the events of relays other than datagrams, with their texts.</param>
/// <param name="clock">Of the age of pairs.</param>
internal sealed class RelayCarrier(
    Func<RelayUrl, bool, IRelayReceiver, RelayLink> open, Func<RelayUrl, bool> allows,
    Action<RelayUrl, RelayEventKind, string> told, TimeProvider clock)
    : IDatagramCarrier, IRelayReceiver, IAsyncDisposable
{
    /// <summary>Datagrams of one frame; of 1200 bytes they are less than a frame takes.</summary>
    private const int SegmentsOfFrame = 32;

    /// <summary>Pairs that are known at the same time, and relays that are connected to.</summary>
    private const int PairsMax = 65_536;
    private const int LinksMax = 64;

    /// <summary>Longer than any connection is silent.</summary>
    private static readonly TimeSpan PairIdle = TimeSpan.FromMinutes(5);

    private readonly Lock _lock = new();
    private readonly Dictionary<RelayUrl, RelayLink> _links = [];
    private readonly Dictionary<(RelayUrl Relay, EndpointId Peer), Pair> _pairs = [];
    private readonly Dictionary<ulong, Pair> _numbers = [];
    private QuicHost? _host;
    private RelayLink? _home;
    private ulong _nextNumber;
    private bool _isDisposed;

    /// <inheritdoc/>
    public UdpAddress Local { get; } = UdpAddress.Relayed(ulong.MaxValue);

    /// <inheritdoc/>
    public int SegmentsMax => SegmentsOfFrame;

    /// <summary>The link to the home relay; null: there is none.</summary>
    public RelayLink? Home
    {
        get
        {
            using (_lock.EnterScope()) return _home;
        }
    }

    /// <summary>Puts the carrier under a host.</summary>
    public void Attach(QuicHost host)
    {
        _host = host;
        host.Add(this);
    }

    /// <inheritdoc/>
    public bool Reaches(UdpAddress remote) => remote.IsRelayed;

    /// <summary>Connects to the home relay and stays; another one is left when it is not used.</summary>
    public void SetHome(RelayUrl relay)
    {
        using (_lock.EnterScope())
        {
            if (_isDisposed || _home?.Url == relay) return;
            _home?.SetHome(false);
            if (_links.TryGetValue(relay, out var link)) link.SetHome(true);
            else _links[relay] = link = open(relay, true, this);
            _home = link;
        }
    }

    /// <summary>Leaves relays; data to peers behind them is lost until they are found on another way.</summary>
    /// <param name="stays">A relay is still used.</param>
    /// <param name="isOurs">It may be the home relay.</param>
    public async Task LeaveAsync(Func<RelayUrl, bool> stays, Func<RelayUrl, bool> isOurs)
    {
        RelayLink[] left;
        using (_lock.EnterScope())
        {
            left = [.. _links.Where(l => !stays(l.Key)).Select(l => l.Value)];
            foreach (var link in left) _links.Remove(link.Url);
            if (_home is { } home && (left.Contains(home) || !isOurs(home.Url)))
            {
                _home = null;
                if (!left.Contains(home)) home.SetHome(false);
            }
        }

        await Task.WhenAll(left.Select(l => l.DisposeAsync().AsTask()));
    }

    /// <summary>The address of a peer behind a relay; null: the relay is not to be used.</summary>
    public UdpAddress? AddressOf(RelayUrl relay, EndpointId peer) =>
        allows(relay) && PairOf(relay, peer) is { } pair ? UdpAddress.Relayed(pair.Number) : null;

    /// <summary>The relay that an address leads over; null: it is not known any more.</summary>
    public RelayUrl? RelayOf(UdpAddress address)
    {
        using (_lock.EnterScope()) return _numbers.GetValueOrDefault(address.RelayedNumber)?.Relay;
    }

    /// <inheritdoc/>
    public void Send(UdpAddress remote, EcnMark ecn, ReadOnlySpan<byte> datagrams, int segmentBytes)
    {
        Pair? pair;
        RelayLink? link;
        using (_lock.EnterScope())
        {
            if (_isDisposed || !_numbers.TryGetValue(remote.RelayedNumber, out pair)) return;
            pair.UsedAt = clock.GetTimestamp();
            link = LinkTo(pair.Relay);
        }

        link?.Send(pair.Peer, ecn, datagrams.Length > segmentBytes ? segmentBytes : 0, datagrams);
    }

    /// <inheritdoc/>
    public void OnRelay(RelayLink link, RelayEvent what)
    {
        if (what.Kind != RelayEventKind.Datagrams)
        {
            told(link.Url, what.Kind, what.Text ?? "");
            return;
        }

        if (_host is not { } host || what.Datagrams.IsEmpty || PairOf(link.Url, what.Peer) is not { } pair) return;

        // Decrypted in place, and the relay's message is not ours to change.
        var copy = ArrayPool<byte>.Shared.Rent(what.Datagrams.Length);
        what.Datagrams.CopyTo(copy);
        host.Receive(
            new FourTuple(Local, UdpAddress.Relayed(pair.Number)), what.Ecn, copy.AsSpan(0, what.Datagrams.Length),
            what.SegmentBytes > 0 ? what.SegmentBytes : what.Datagrams.Length);
        ArrayPool<byte>.Shared.Return(copy);
    }

    /// <summary>The network may be another one: connections are tested.</summary>
    public void OnNetworkChange()
    {
        RelayLink[] links;
        using (_lock.EnterScope()) links = [.. _links.Values];
        foreach (var link in links) link.OnNetworkChange();
    }

    /// <summary>Nothing yet: what the host has sent last must leave first.</summary>
    public void Dispose()
    {
    }

    /// <summary>Leaves the relays.</summary>
    public async ValueTask DisposeAsync()
    {
        RelayLink[] links;
        using (_lock.EnterScope())
        {
            _isDisposed = true;
            links = [.. _links.Values];
        }

        await Task.WhenAll(links.Select(l => l.DisposeAsync().AsTask()));
    }

    private Pair? PairOf(RelayUrl relay, EndpointId peer)
    {
        using (_lock.EnterScope())
        {
            if (!_pairs.TryGetValue((relay, peer), out var pair))
            {
                if (_pairs.Count >= PairsMax) ForgetUnused();
                if (_pairs.Count >= PairsMax) return null;
                pair = new Pair(relay, peer, _nextNumber++);
                _pairs.Add((relay, peer), pair);
                _numbers.Add(pair.Number, pair);
            }

            pair.UsedAt = clock.GetTimestamp();
            return pair;
        }
    }

    private void ForgetUnused()
    {
        foreach (var pair in _pairs.Values.Where(p => clock.GetElapsedTime(p.UsedAt) > PairIdle).ToArray())
        {
            _pairs.Remove((pair.Relay, pair.Peer));
            _numbers.Remove(pair.Number);
        }
    }

    private RelayLink? LinkTo(RelayUrl relay)
    {
        if (_links.TryGetValue(relay, out var link)) return link;
        if (!allows(relay) || (_links.Count >= LinksMax && !TryEndOne())) return null;
        return _links[relay] = open(relay, false, this);
    }

    private bool TryEndOne()
    {
        var asleep = _links.FirstOrDefault(l => l.Value != _home && l.Value.State == RelayClientState.Asleep);
        if (asleep.Value is null) return false;
        _links.Remove(asleep.Key);
        _ = asleep.Value.DisposeAsync().AsTask();
        return true;
    }

    private sealed class Pair(RelayUrl relay, EndpointId peer, ulong number)
    {
        public RelayUrl Relay => relay;

        public EndpointId Peer => peer;

        public ulong Number => number;

        public long UsedAt { get; set; }
    }
}
