using System.Net;
using EdgeSync.Primitives;
using EdgeSync.Quic;
using EdgeSync.Quic.Connections;
using EdgeSync.UnitTests.Quic.Tls;

namespace EdgeSync.UnitTests.Quic.Connections;

/// <summary>What a link does to datagrams, in each direction.</summary>
internal sealed record LinkFaults
{
    public TimeSpan Delay { get; init; } = TimeSpan.FromMilliseconds(10);

    public TimeSpan Jitter { get; init; }

    public double Loss { get; init; }

    public double Duplication { get; init; }

    public double Corruption { get; init; }

    public double CeMarks { get; init; }

    /// <summary>Bytes of the largest datagram that passes.</summary>
    public int Mtu { get; init; } = 1500;

    /// <summary>Bytes a second; 0 is without limit. What waits longer than the queue's time is dropped.</summary>
    public long Rate { get; init; }

    public TimeSpan QueueTime { get; init; } = TimeSpan.FromMilliseconds(100);

    /// <summary>Whether ECN marks are cleared.</summary>
    public bool BleachesEcn { get; init; }
}

/// <summary>A client's and a server's endpoint on a link in virtual time. Same seed, same run.</summary>
internal sealed class QuicWorld : IDisposable
{
    public static readonly UdpAddress ServerAddress = UdpAddress.From(IPAddress.Parse("198.51.100.1"), 443);
    public static readonly UdpAddress ClientAddress = UdpAddress.From(IPAddress.Parse("192.0.2.1"), 5000);

    private static readonly Instant Start = Instant.FromUnixSeconds(1_700_000_000);

    private readonly PriorityQueue<InFlight, (long Ticks, long Order)> _air = new();
    private readonly byte[] _buffer = new byte[2000];
    private readonly Instant[] _linkFree = [Start, Start];
    private readonly List<(bool OfServer, QuicEvent Event)> _events = [];
    private long _order;

    public QuicWorld(ulong seed = 1, QuicOptions? client = null, QuicOptions? server = null, bool retries = false)
    {
        Chance = new Prng(seed);
        Client = new QuicEndpoint(client ?? ClientOptions(), new SeededEntropy(seed + 1000));
        Server = new QuicEndpoint(server ?? ServerOptions(), new SeededEntropy(seed + 2000))
        {
            Accepts = true,
            AlwaysRetries = retries,
        };
    }

    public Prng Chance { get; }

    public Instant Now { get; private set; } = Start;

    /// <summary>Simulated time since the start; no wall clock.</summary>
    public TimeSpan VirtualElapsed => Now - Start;

    public LinkFaults Link { get; set; } = new();

    /// <summary>Nothing passes.</summary>
    public bool IsDown { get; set; }

    /// <summary>The address that the server sees of the client: a NAT's.</summary>
    public UdpAddress SeenClient { get; set; } = ClientAddress;

    /// <summary>The local address of the client after it has migrated.</summary>
    public UdpAddress? ClientLocal { get; set; }

    public QuicEndpoint Client { get; }

    public QuicEndpoint Server { get; }

    public QuicConnection? Dialled { get; private set; }

    public QuicConnection? Accepted { get; private set; }

    public int DatagramsSent { get; private set; }

    /// <summary>Changes datagrams before they leave; from the server when the flag is set.</summary>
    public Action<bool, byte[]>? Tamper { get; set; }

    /// <summary>What happened, in order; taken by the tests.</summary>
    public List<(bool OfServer, QuicEvent Event)> Events => _events;

    /// <summary>Answers events as an application would.</summary>
    public Action<QuicConnection, QuicEvent>? Application { get; set; }

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

    /// <summary>Runs until something holds; it must within the time.</summary>
    public void Run(Func<bool> until, double seconds = 120)
    {
        if (!TryRun(until, seconds))
        {
            throw new Xunit.Sdk.XunitException(
                $"not within {seconds} s of virtual time; client {Dialled?.CloseReason} {Dialled?.Statistics} "
                    + $"server {Accepted?.CloseReason} {Accepted?.Statistics}");
        }
    }

    /// <summary>Runs for a time.</summary>
    public void RunFor(double seconds) => TryRun(() => false, seconds);

    public bool TryRun(Func<bool> until, double seconds)
    {
        var end = Now + TimeSpan.FromSeconds(seconds);
        var still = 0;
        while (true)
        {
            Flush();
            if (until()) return true;
            var next = NextMoment();
            if (next is null || next > end)
            {
                Now = end;
                return false;
            }

            still = next <= Now ? still + 1 : 0;
            if (still > 10_000) throw new Xunit.Sdk.XunitException($"time stands still at {VirtualElapsed}");
            if (next > Now) Now = next.Value;
            while (_air.TryPeek(out var packet, out var at) && at.Ticks <= Now.UnixTicks)
            {
                _air.Dequeue();
                (packet.ToServer ? Server : Client).Receive(Now, packet.Tuple, packet.Ecn, packet.Bytes);
            }

            Client.OnDeadline(Now);
            Server.OnDeadline(Now);
        }
    }

    /// <summary>Hands bytes to an endpoint at once.</summary>
    public void Inject(bool toServer, byte[] bytes, UdpAddress? from = null)
    {
        var tuple = toServer
            ? new FourTuple(ServerAddress, from ?? SeenClient)
            : new FourTuple(ClientAddress, from ?? ServerAddress);
        (toServer ? Server : Client).Receive(Now, tuple, EcnMark.NotEct, bytes);
    }

    public void Dispose()
    {
        Client.Dispose();
        Server.Dispose();
    }

    private Instant? NextMoment()
    {
        Instant? next = _air.TryPeek(out _, out var at) ? new Instant(at.Ticks) : null;
        foreach (var deadline in new[] { Client.Deadline(), Server.Deadline() })
            if (deadline is not null && (next is null || deadline < next)) next = deadline;
        return next;
    }

    private void Flush()
    {
        for (var busy = true; busy;)
        {
            busy = false;
            while (Server.TryAccept(out var accepted)) Accepted = accepted;
            busy |= Take(Dialled, false) | Take(Accepted, true);
            busy |= Send(Client, toServer: true) | Send(Server, toServer: false);
        }
    }

    private bool Take(QuicConnection? connection, bool ofServer)
    {
        var any = false;
        while (connection is not null && connection.TryTakeEvent(out var happened))
        {
            any = true;
            _events.Add((ofServer, happened));
            Application?.Invoke(connection, happened);
        }

        return any;
    }

    private bool Send(QuicEndpoint from, bool toServer)
    {
        var any = false;
        while (from.TryTakeDatagram(Now, _buffer, out var datagram))
        {
            any = true;
            DatagramsSent++;
            var bytes = _buffer[..datagram.Length];
            Tamper?.Invoke(!toServer, bytes);
            Carry(toServer, datagram, bytes);
        }

        return any;
    }

    private void Carry(bool toServer, OutgoingDatagram datagram, byte[] bytes)
    {
        // A packet to an address that the client does not have any more is lost.
        if (!toServer && datagram.Tuple.Remote != SeenClient) return;
        if (IsDown || bytes.Length > Link.Mtu || Chance.Chance(Link.Loss)) return;

        var at = Now + Link.Delay + TimeSpan.FromTicks((long)(Link.Jitter.Ticks * Chance.NextDouble()));
        if (Link.Rate > 0)
        {
            ref var free = ref _linkFree[toServer ? 0 : 1];
            if (free - Now > Link.QueueTime) return;
            free = (free > Now ? free : Now) + TimeSpan.FromSeconds((double)bytes.Length / Link.Rate);
            at = free + (at - Now);
        }

        if (Chance.Chance(Link.Corruption)) bytes[Chance.NextInt32(bytes.Length)] ^= (byte)(1 << Chance.NextInt32(8));
        var ecn = Link.BleachesEcn ? EcnMark.NotEct
            : datagram.Ecn == EcnMark.Ect0 && Chance.Chance(Link.CeMarks) ? EcnMark.Ce
            : datagram.Ecn;
        var tuple = toServer
            ? new FourTuple(ServerAddress, datagram.Tuple.Local == ClientAddress ? SeenClient : datagram.Tuple.Local)
            : new FourTuple(ClientLocal ?? ClientAddress, ServerAddress);
        for (var copies = Chance.Chance(Link.Duplication) ? 2 : 1; copies > 0; copies--)
            _air.Enqueue(new InFlight(toServer, tuple, ecn, [.. bytes]), (at.UnixTicks, _order++));
    }

    private sealed record InFlight(bool ToServer, FourTuple Tuple, EcnMark Ecn, byte[] Bytes);
}
