using System.Net;
using EdgeSync.Quic;
using EdgeSync.Quic.Connections;
using EdgeSync.UnitTests.Quic.Tls;

namespace EdgeSync.UnitTests.Quic.Connections;

/// <summary>How a NAT maps addresses, and whom it lets in (RFC 4787 §4, §5).</summary>
public enum NatKind
{
    None,

    /// <summary>One mapping for all destinations, which everyone may use.</summary>
    EndpointIndependent,

    /// <summary>One mapping for all destinations; only addresses that were sent to may use it.</summary>
    AddressDependent,

    /// <summary>A mapping for each destination, which that one alone may use.</summary>
    Symmetric,
}

/// <summary>A NAT in front of one host.</summary>
internal sealed class NatBox(NatKind kind, UInt128 publicBits)
{
    private readonly Dictionary<(UdpAddress Inside, UdpAddress Destination), ushort> _ports = [];
    private readonly Dictionary<ushort, (UdpAddress Inside, HashSet<UdpAddress> Peers)> _mappings = [];
    private ushort _next = 20_000;

    public NatKind Kind { get; } = kind;

    /// <summary>The address under which a datagram leaves.</summary>
    public UdpAddress Outbound(UdpAddress inside, UdpAddress destination)
    {
        if (Kind == NatKind.None) return inside;
        var key = (inside, Kind == NatKind.Symmetric ? destination : default);
        if (!_ports.TryGetValue(key, out var port))
        {
            _ports[key] = port = _next++;
            _mappings[port] = (inside, []);
        }

        _mappings[port].Peers.Add(destination);
        return new UdpAddress(publicBits, port);
    }

    /// <summary>Where a datagram goes inside; null when it is kept out.</summary>
    public UdpAddress? Inbound(UdpAddress destination, UdpAddress from)
    {
        if (Kind == NatKind.None) return destination;
        if (destination.Bits != publicBits || !_mappings.TryGetValue(destination.Port, out var mapping)) return null;
        var isLetIn = Kind switch
        {
            NatKind.EndpointIndependent => true,
            NatKind.AddressDependent => mapping.Peers.Any(peer => peer.Bits == from.Bits),
            _ => mapping.Peers.Contains(from),
        };
        return isLetIn ? mapping.Inside : null;
    }

    /// <summary>All mappings are lost, as after a restart of the router.</summary>
    public void Forget()
    {
        _ports.Clear();
        _mappings.Clear();
    }
}

/// <summary>
/// A client and a server that reach each other over a relay, and directly as far as their NATs let them, in virtual
/// time. Same seed, same run.
/// </summary>
internal sealed class PathWorld : VirtualWorld
{
    public static readonly UdpAddress Relay = UdpAddress.Relayed(1);

    /// <summary>A host that tells others which address it sees of them.</summary>
    private static readonly UdpAddress Observer = Address("203.0.113.200", 7842);

    private readonly Host _client;
    private readonly Host _server;
    private readonly LinkQueue[] _direct = [new(), new()];
    private readonly LinkQueue[] _relayed = [new(), new()];

    public PathWorld(
        ulong seed = 1, NatKind clientNat = NatKind.None, NatKind serverNat = NatKind.None,
        QuicOptions? client = null, QuicOptions? server = null)
        : base(seed, client ?? Options(TlsPair.ClientKey), server ?? Options(TlsPair.ServerKey), retries: false)
    {
        _client = new Host(Address(clientNat == NatKind.None ? "192.0.2.1" : "10.1.0.2", 5000), clientNat, "192.0.2.1");
        _server = new Host(
            Address(serverNat == NatKind.None ? "198.51.100.1" : "10.2.0.2", 443), serverNat, "198.51.100.1");
    }

    public LinkFaults Direct { get; set; } = new();

    public LinkFaults Relayed { get; set; } = new() { Delay = TimeSpan.FromMilliseconds(40) };

    public bool IsDirectDown { get; set; }

    public bool IsRelayDown { get; set; }

    /// <summary>Datagrams that arrived on direct addresses.</summary>
    public int ArrivedDirectly { get; private set; }

    public UdpAddress ServerAddress => _server.Local;

    public static QuicOptions Options(EdgeSync.Quic.Tls.Ed25519Key key) =>
        new(key, [TlsPair.Echo]) { PathsMax = 8, NatAddresses = 32 };

    public static UdpAddress Address(string address, int port) => UdpAddress.From(IPAddress.Parse(address), port);

    /// <summary>Dials over the relay, or directly.</summary>
    public QuicConnection Dial(bool directly = false, params FourTuple[] others)
    {
        var tuple = directly ? new FourTuple(_client.Local, _server.Local) : new FourTuple(default, Relay);
        Dialled = Client.Connect(TlsPair.ServerKey.PublicKey.ToArray(), tuple, Now, others);
        Announce(_client, Dialled);
        return Dialled;
    }

    /// <summary>Runs until both sides are connected.</summary>
    public PathWorld Connected(bool directly = false)
    {
        Dial(directly);
        Run(() => Dialled!.IsConnected && Accepted is { IsConnected: true } && Dialled.State.IsConfirmed);
        return this;
    }

    /// <summary>Both sides send on a direct path.</summary>
    public bool IsDirect =>
        Dialled is { Route.Remote.IsRelayed: false } && Accepted is { Route.Remote.IsRelayed: false };

    /// <summary>A router forgets its mappings; the endpoint does not notice.</summary>
    public void Rebind(bool ofServer) => (ofServer ? _server : _client).Nat.Forget();

    /// <summary>A host moves to another network behind the same router, and its endpoint is told.</summary>
    public void Move(bool ofServer)
    {
        var host = ofServer ? _server : _client;
        var gone = host.Local;
        host.Local = gone with { Bits = gone.Bits + 1 };
        if ((ofServer ? Accepted : Dialled) is not { } connection) return;
        connection.OnNetworkChange([gone]);
        Announce(host, connection);
    }

    /// <summary>Both sides' paths, for a failure's message.</summary>
    public string Describe() =>
        $"{VirtualElapsed} client {Dialled?.Statistics} {string.Join(' ', Dialled?.Paths ?? [])} "
            + $"server {Accepted?.CloseReason} {Accepted?.Statistics} {string.Join(' ', Accepted?.Paths ?? [])}";

    /// <summary>Hands the server a datagram of the client's path at once.</summary>
    public void InjectToServer(byte[] bytes)
    {
        var tuple = Dialled!.Route.Remote.IsRelayed
            ? new FourTuple(default, Relay)
            : new FourTuple(_server.Local, _client.Local);
        Server.Receive(Now, tuple, EcnMark.NotEct, bytes);
    }

    protected override void OnAccepted(QuicConnection connection) => Announce(_server, connection);

    protected override void Carry(bool toServer, OutgoingDatagram datagram, byte[] bytes)
    {
        var isRelayed = datagram.Tuple.Remote.IsRelayed;
        if (isRelayed ? IsRelayDown : IsDirectDown) return;
        var host = toServer ? _client : _server;
        var local = datagram.Tuple.Local;
        // An interface that is gone sends nothing.
        if (!isRelayed && !local.IsUnspecified && local != host.Local) return;
        var link = isRelayed ? Relayed : Direct;
        var from = isRelayed ? default : host.Nat.Outbound(host.Local, datagram.Tuple.Remote);
        var queue = (isRelayed ? _relayed : _direct)[toServer ? 0 : 1];
        if (queue.Pass(Now, link, Chance, bytes) is not { } at) return;
        var ecn = LinkQueue.Mark(link, Chance, datagram.Ecn);
        // On its way a datagram carries where it is from and where it goes.
        var tuple = new FourTuple(datagram.Tuple.Remote, from);
        for (var copies = Chance.Chance(link.Duplication) ? 2 : 1; copies > 0; copies--)
            Send(at, new InFlight(toServer, tuple, ecn, [.. bytes]));
    }

    protected override FourTuple? Arrive(InFlight packet)
    {
        var (destination, from) = (packet.Tuple.Local, packet.Tuple.Remote);
        if (destination.IsRelayed) return new FourTuple(default, Relay);
        var host = packet.ToServer ? _server : _client;
        if (host.Nat.Inbound(destination, from) is not { } inside || inside != host.Local) return null;
        ArrivedDirectly++;
        return new FourTuple(inside, from);
    }

    /// <summary>An endpoint learns its own addresses: those of its interfaces, and what others see of it.</summary>
    private static void Announce(Host host, QuicConnection connection) =>
        connection.SetCandidates([host.Local, host.Nat.Outbound(host.Local, Observer)]);

    private sealed class Host(UdpAddress local, NatKind kind, string publicAddress)
    {
        public UdpAddress Local { get; set; } = local;

        public NatBox Nat { get; } = new(kind, Address(publicAddress, 0).Bits);
    }
}
