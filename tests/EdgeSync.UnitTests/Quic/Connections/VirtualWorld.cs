using EdgeSync.Primitives;
using EdgeSync.Quic;
using EdgeSync.Quic.Connections;

namespace EdgeSync.UnitTests.Quic.Connections;

/// <summary>
/// Two endpoints in virtual time; what lies between them is the subclass's. One connection of the client's and the
/// server's is watched.
/// </summary>
internal abstract class VirtualWorld : IDisposable
{
    private static readonly Instant Start = Instant.FromUnixSeconds(1_700_000_000);

    private readonly PriorityQueue<InFlight, (long Ticks, long Order)> _air = new();
    private readonly byte[] _buffer = new byte[QuicOptions.JumboPayload];
    private readonly List<(bool OfServer, QuicEvent Event)> _events = [];
    private readonly List<QuicConnection> _accepted = [];
    private long _order;

    protected VirtualWorld(ulong seed, QuicOptions client, QuicOptions server, bool retries)
    {
        Chance = new Prng(seed);
        Client = new QuicEndpoint(client, new SeededEntropy(seed + 1000));
        Server = new QuicEndpoint(server, new SeededEntropy(seed + 2000)) { Accepts = true, AlwaysRetries = retries };
    }

    public Prng Chance { get; }

    public Instant Now { get; private set; } = Start;

    /// <summary>Simulated time since the start; no wall clock.</summary>
    public TimeSpan VirtualElapsed => Now - Start;

    public QuicEndpoint Client { get; }

    public QuicEndpoint Server { get; }

    public QuicConnection? Dialled { get; protected set; }

    public QuicConnection? Accepted { get; private set; }

    public int DatagramsSent { get; private set; }

    /// <summary>Changes datagrams before they leave; from the server when the flag is set.</summary>
    public Action<bool, byte[]>? Tamper { get; set; }

    /// <summary>What happened, in order; taken by the tests.</summary>
    public List<(bool OfServer, QuicEvent Event)> Events => _events;

    /// <summary>Answers events as an application would.</summary>
    public Action<QuicConnection, QuicEvent>? Application { get; set; }

    /// <summary>Answers events of every connection that was accepted, not of the last one alone.</summary>
    public Action<QuicConnection, QuicEvent>? ApplicationOfAll { get; set; }

    /// <summary>A connection was accepted.</summary>
    protected virtual void OnAccepted(QuicConnection connection)
    {
    }

    /// <summary>Takes a datagram to the other side, or not.</summary>
    protected abstract void Carry(bool toServer, OutgoingDatagram datagram, byte[] bytes);

    /// <summary>The 4-tuple under which a datagram arrives now; null when it does not.</summary>
    protected virtual FourTuple? Arrive(InFlight packet) => packet.Tuple;

    /// <summary>Puts a datagram into the air until a moment.</summary>
    protected void Send(Instant at, InFlight packet) => _air.Enqueue(packet, (at.UnixTicks, _order++));

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
                if (Arrive(packet) is { } tuple)
                    (packet.ToServer ? Server : Client).Receive(Now, tuple, packet.Ecn, packet.Bytes);
            }

            Client.OnDeadline(Now);
            Server.OnDeadline(Now);
        }
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
            while (Server.TryAccept(out var accepted))
            {
                Accepted = accepted;
                _accepted.Add(accepted);
                OnAccepted(accepted);
            }

            busy |= Take(Dialled, false) | Take(Accepted, true);
            if (ApplicationOfAll is { } answer)
            {
                foreach (var connection in _accepted)
                    while (connection.TryTakeEvent(out var happened)) answer(connection, happened);
            }

            busy |= Flush(Client, toServer: true) | Flush(Server, toServer: false);
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
            if (ofServer) ApplicationOfAll?.Invoke(connection, happened);
        }

        return any;
    }

    private bool Flush(QuicEndpoint from, bool toServer)
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

    internal sealed record InFlight(bool ToServer, FourTuple Tuple, EcnMark Ecn, byte[] Bytes);
}
