using System.Net;
using EdgeSync.Quic;
using EdgeSync.Quic.Connections;
using EdgeSync.UnitTests.Quic.Tls;

namespace EdgeSync.UnitTests.Quic.Connections;

/// <summary>A client's and a server's endpoint on a link in virtual time. Same seed, same run.</summary>
internal sealed class QuicWorld : VirtualWorld
{
    public static readonly UdpAddress ServerAddress = UdpAddress.From(IPAddress.Parse("198.51.100.1"), 443);
    public static readonly UdpAddress ClientAddress = UdpAddress.From(IPAddress.Parse("192.0.2.1"), 5000);

    private readonly LinkQueue[] _queues = [new(), new()];

    public QuicWorld(ulong seed = 1, QuicOptions? client = null, QuicOptions? server = null, bool retries = false)
        : base(seed, client ?? ClientOptions(), server ?? ServerOptions(), retries)
    {
    }

    public LinkFaults Link { get; set; } = new();

    /// <summary>Nothing passes.</summary>
    public bool IsDown { get; set; }

    /// <summary>The address that the server sees of the client: a NAT's.</summary>
    public UdpAddress SeenClient { get; set; } = ClientAddress;

    /// <summary>The local address of the client after it has migrated.</summary>
    public UdpAddress? ClientLocal { get; set; }

    public static QuicOptions ClientOptions() => new(TlsPair.ClientKey, [TlsPair.Echo]);

    public static QuicOptions ServerOptions() => new(TlsPair.ServerKey, [TlsPair.Echo]);

    public QuicConnection Dial(byte[]? expected = null) => Dialled = Client.Connect(
        expected ?? TlsPair.ServerKey.PublicKey.ToArray(), new FourTuple(ClientAddress, ServerAddress), Now);

    /// <summary>Dials and runs until both sides are connected.</summary>
    public QuicWorld Connected()
    {
        Dial();
        Run(() => Dialled!.IsConnected && Accepted is { IsConnected: true } && Dialled.State.IsConfirmed);
        return this;
    }

    /// <summary>Hands bytes to an endpoint at once.</summary>
    public void Inject(bool toServer, byte[] bytes, UdpAddress? from = null)
    {
        var tuple = toServer
            ? new FourTuple(ServerAddress, from ?? SeenClient)
            : new FourTuple(ClientAddress, from ?? ServerAddress);
        (toServer ? Server : Client).Receive(Now, tuple, EcnMark.NotEct, bytes);
    }

    protected override void Carry(bool toServer, OutgoingDatagram datagram, byte[] bytes)
    {
        // A packet to an address that the client does not have any more is lost.
        if (!toServer && datagram.Tuple.Remote != SeenClient) return;
        if (IsDown || _queues[toServer ? 0 : 1].Pass(Now, Link, Chance, bytes) is not { } at) return;
        var ecn = LinkQueue.Mark(Link, Chance, datagram.Ecn);
        var tuple = toServer
            ? new FourTuple(ServerAddress, datagram.Tuple.Local == ClientAddress ? SeenClient : datagram.Tuple.Local)
            : new FourTuple(ClientLocal ?? ClientAddress, ServerAddress);
        for (var copies = Chance.Chance(Link.Duplication) ? 2 : 1; copies > 0; copies--)
            Send(at, new InFlight(toServer, tuple, ecn, [.. bytes]));
    }
}
