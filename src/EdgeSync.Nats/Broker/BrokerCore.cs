using System.Diagnostics.CodeAnalysis;
using EdgeSync.Nats.Broker.Leafnodes;
using EdgeSync.Nats.Broker.Routing;
using EdgeSync.Primitives;

namespace EdgeSync.Nats.Broker;

/// <summary>
/// A NATS server without sockets: clients and leaf links are connections that bytes go into and come out of.
/// <code>
/// bytes in ─▶ connection (parse in place) ─▶ trie: subscriptions that match ─▶ router ─▶ bytes out, per
/// connection
/// </code>
/// The order for a shell: <see cref="Attach"/>; <see cref="Receive"/> with the bytes as they arrive, split anywhere;
/// then, until <see cref="TryTakeTouched"/> has no more, <see cref="TakeOutput"/> for each touched connection, send it,
/// and report it with <see cref="OutputSent"/>. A touched connection that is closed has its last output taken and is
/// then cut. <see cref="Detach"/> ends every connection, whichever side began. When <see cref="Deadline"/> passes, <see
/// cref="OnDeadline"/>. One caller at a time.
/// </summary>
public sealed class BrokerCore
{
    /// <summary>The part of the bound for waiting output that is kept as free segments.</summary>
    private const int SegmentPart = 8;

    /// <summary>More waiting output than this is a burst; on a small machine half of the bound is one.</summary>
    private const long BurstBytes = 32 * 1024 * 1024;

    /// <summary>Logins that wait for their password check; more are rejected.</summary>
    private const int ChecksMax = 256;

    private static readonly TimeSpan SweepInterval = TimeSpan.FromSeconds(1);

    private readonly Dictionary<ulong, BrokerConnection> _connections = [];
    private readonly Queue<BrokerConnection> _touched = new();
    private readonly Queue<PasswordCheck> _checks = new();
    private readonly PriorityQueue<BrokerConnection, long> _timers = new();
    private readonly LameDuck _lameDuck;
    private readonly BurstWatch _burst;
    private ulong _lastConnectionId;
    private int _inFlightConnections;
    private long _writtenUncounted;
    private Instant _nextSweep;
    private bool _isBurstOver;

    /// <param name="options">Limits and users.</param>
    /// <param name="entropy">For nonces.</param>
    /// <param name="prng">For all other random numbers: ids, timers, the choice of queue members.</param>
    /// <param name="now">The start.</param>
    /// <param name="logins">The account of failed logins, if shared.</param>
    public BrokerCore(BrokerOptions options, Entropy entropy, Prng prng, Instant now, LoginThrottle? logins = null)
    {
        options.Check();
        Logins = logins ?? new LoginThrottle();
        Options = options;
        SubscriptionMemory = new MemoryAccount(options.SubscriptionBytesMax);
        PartialMemory = new MemoryAccount(options.PartialBytesMax);
        Segments = new SegmentPool(options.TotalPendingBytesMax / SegmentPart);
        _burst = new BurstWatch(Math.Min(BurstBytes, options.TotalPendingBytesMax / 2));
        PauseBytes = Math.Min(options.PauseBytes, options.PendingBytesMax / 2);
        Entropy = entropy;
        Prng = prng;
        Now = Start = now;
        ServerId = ServerIdentity.Draw(prng);
        KeyComparer = new TokenComparer(prng.NextUInt64());
        Subscriptions = new SubjectTrie(KeyComparer);
        Router = new Router(prng.Fork());
        Authenticator = new Authenticator(options, entropy);
        ClosedConnections = new ClosedConnectionLog(options.ClosedConnectionsMax);
        _lameDuck = new LameDuck(options);
    }

    public BrokerOptions Options { get; private set; }

    /// <summary>Drawn at the start: distinguishes the runs of a server.</summary>
    public string ServerId { get; }

    public Instant Start { get; }

    /// <summary>Open connections of clients.</summary>
    public int ClientCount { get; private set; }

    /// <summary>Open leaf links, accepted and solicited.</summary>
    public int LeafCount { get; private set; }

    /// <summary>Connections closed because they did not read their output.</summary>
    public long SlowConsumers { get; private set; }

    /// <summary>Bytes of output that wait for all connections together, as of the last batch.</summary>
    public long PendingBytes { get; private set; }

    /// <summary>All connections ever accepted.</summary>
    public long TotalConnections { get; private set; }

    /// <summary>No new connections; existing ones are sent elsewhere.</summary>
    public bool IsLameDuck => _lameDuck.IsOn;

    /// <summary>In lame duck mode, and no connection of others is left.</summary>
    public bool IsDrained => _lameDuck.IsDrained;

    /// <summary>When <see cref="OnDeadline"/> is due, or null. May become earlier with every call.</summary>
    public Instant? Deadline
    {
        get
        {
            var deadline = _timers.TryPeek(out _, out var ticks) ? new Instant(ticks) : (Instant?)null;
            if (_inFlightConnections > 0) deadline = Instant.Earlier(deadline, _nextSweep);
            deadline = Instant.Earlier(deadline, _lameDuck.Deadline);
            deadline = Instant.Earlier(deadline, _burst.Deadline);
            return Instant.Earlier(deadline, Leafnodes?.Deadline);
        }
    }

    internal Entropy Entropy { get; }

    internal long PauseBytes { get; }

    /// <summary>Limits guessing of passwords on the ports.</summary>
    internal LoginThrottle Logins { get; }

    /// <summary>For the subscriptions of clients and leaf links.</summary>
    internal MemoryAccount SubscriptionMemory { get; }

    /// <summary>For operations that have arrived in part.</summary>
    internal MemoryAccount PartialMemory { get; }

    /// <summary>Buffers for output.</summary>
    internal SegmentPool Segments { get; }

    internal Prng Prng { get; }

    internal SubjectTrie Subscriptions { get; }

    /// <summary>For all lookups by bytes.</summary>
    internal TokenComparer KeyComparer { get; }

    internal Router Router { get; }

    internal Authenticator Authenticator { get; private set; }

    internal ClosedConnectionLog ClosedConnections { get; }

    internal ConnectionCounters Totals { get; } = new();

    /// <summary>The totals of all connections, closed ones too.</summary>
    public BrokerTotals CurrentTotals =>
        new(Subscriptions.Count, Totals.InMessages, Totals.OutMessages, Totals.InBytes, Totals.OutBytes, SlowConsumers);

    /// <summary>The leaf links' side of the broker; null while there is none.</summary>
    internal ILeafnodes? Leafnodes { get; set; }

    /// <summary>The time of the latest call.</summary>
    internal Instant Now { get; set; }

    internal IReadOnlyDictionary<ulong, BrokerConnection> Connections => _connections;

    /// <summary>
    /// Replaces the users and the bound for waiting output. A connection whose user was removed, or has other rights
    /// now, is closed with a reason and may reconnect; all other limits stay as at the start.
    /// </summary>
    /// <exception cref="EdgeSyncException">The options can never work; nothing has changed.</exception>
    public void Reconfigure(BrokerOptions options, Instant now)
    {
        options.Check();
        Now = now;
        Options = Options with
        {
            Users = options.Users,
            Token = options.Token,
            TotalPendingBytesMax = options.TotalPendingBytesMax
        };
        Authenticator = new Authenticator(Options, Entropy);
        _checks.Clear();   // of hashes that may have changed; connections waiting for one are closed below
        foreach (var connection in _connections.Values.ToList())
        {
            if (!connection.IsStillWelcome)
                connection.CloseWithError("User Authentication Revoked"u8, CloseReason.AuthenticationFailure);
        }
    }

    /// <summary>
    /// A new connection; INFO is ready to be taken. It may be closed already, with the reason written.
    /// </summary>
    public BrokerConnection Attach(ConnectionOrigin origin, Instant now)
    {
        Now = now;
        if (origin.Kind == ConnectionKind.Leaf)
        {
            Invariant.Require(Leafnodes is not null);
            return Leafnodes.Accept(origin, now);
        }

        var client = new ClientConnection(this, origin, now);
        Register(client);
        client.Greet(now);
        if (ClientCount > Options.ConnectionsMax)
            client.CloseWithError("maximum connections exceeded"u8, CloseReason.MaxConnectionsExceeded);
        return client;
    }

    /// <summary>A client in this process, which uses calls instead of bytes.</summary>
    /// <param name="name">For reports.</param>
    /// <param name="now">The time of this call.</param>
    public LocalClient AttachLocal(string name, Instant now)
    {
        Now = now;
        var client = new LocalClient(this, name, now);
        Register(client);
        return client;
    }

    /// <summary>Bytes from the connection, split anywhere. A closed connection's bytes are dropped.</summary>
    public void Receive(BrokerConnection connection, Instant now, ReadOnlySpan<byte> bytes)
    {
        Now = now;
        if (!connection.IsClosed) connection.Receive(bytes, now);
    }

    /// <summary>Input of the connection could not be handled for want of memory: only this connection is
    /// closed.</summary>
    public void OnOutOfMemory(BrokerConnection connection, Instant now)
    {
        Now = now;
        connection.Close(CloseReason.SlowConsumerPendingBytes);
    }

    /// <summary>Closes it because others need its place. False when it has ended already.</summary>
    public bool Evict(BrokerConnection connection, Instant now)
    {
        Now = now;
        if (connection.IsClosed) return false;

        connection.CloseWithError("maximum connections exceeded"u8, CloseReason.MaxConnectionsExceeded);
        return true;
    }

    /// <summary>
    /// Whether to read from this connection only after a pause: a receiver of its messages reads slower than it writes.
    /// A shell calls this after each batch, and pauses for a bounded time, so that pings still pass.
    /// </summary>
    public bool IsToPause(BrokerConnection connection, Instant now)
    {
        Now = now;
        if (connection.Receiver is not { } receiver) return false;
        if (receiver.IsWorthAPause(now)) return true;

        connection.Receiver = null;
        return false;
    }

    /// <summary>The connection has ended: closed by the other side, broken, or cut after it was closed here.</summary>
    public void Detach(BrokerConnection connection, CloseReason reason, Instant now)
    {
        Now = now;
        connection.Close(reason);
        connection.Output.Clear();
        if (connection.InFlightBytes > 0) SetInFlight(connection, 0);
        Count(connection);
    }

    /// <summary>The next connection that has output, or was closed, since it was last taken here.</summary>
    public bool TryTakeTouched([NotNullWhen(true)] out BrokerConnection? connection)
    {
        if (!_touched.TryDequeue(out connection)) return false;

        connection.IsTouched = false;
        Count(connection);
        if (!connection.IsClosed && connection.PendingBytes > connection.PendingBytesMax)
        {
            connection.Close(CloseReason.SlowConsumerPendingBytes);
            Count(connection);
        }

        if (PendingBytes > Options.TotalPendingBytesMax) CloseWidest();
        return true;
    }

    /// <summary>True while a password waits to be checked.</summary>
    public bool HasChecks => _checks.Count > 0;

    /// <summary>
    /// The next password to check; those verified meanwhile, or of closed connections, are completed here.
    /// </summary>
    public bool TryTakeCheck(Instant now, [NotNullWhen(true)] out PasswordCheck? check)
    {
        Now = now;
        while (_checks.TryDequeue(out check))
        {
            if (check.Connection.IsClosed) continue;
            if (!Authenticator.IsKnown(check)) return true;

            check.Connection.OnChecked(isRight: true, now);
        }

        return false;
    }

    /// <summary>The result of a check.</summary>
    public void OnChecked(PasswordCheck check, bool isRight, Instant now)
    {
        Now = now;
        if (isRight && !check.Connection.IsClosed) Authenticator.Remember(check);
        check.Connection.OnChecked(isRight, now);
    }

    /// <summary>
    /// Moves the waiting output into <paramref name="target"/>, to be sent in order and returned. Returns its size, 0
    /// for nothing.
    /// </summary>
    public int TakeOutput(BrokerConnection connection, List<OutputSegment> target, Instant now)
    {
        if (connection.Output.IsEmpty) return 0;

        if (connection.InFlightBytes == 0) connection.LastProgress = now;
        var size = connection.Output.TakeInto(target);
        SetInFlight(connection, connection.InFlightBytes + size);
        connection.OnOutputTaken();
        return size;
    }

    /// <summary>Bytes of the taken output that have been passed to the network.</summary>
    public void OutputSent(BrokerConnection connection, int bytes, Instant now)
    {
        Now = connection.LastProgress = now;
        SetInFlight(connection, Math.Max(0, connection.InFlightBytes - bytes));
        Count(connection);
    }

    /// <summary>The segment is free.</summary>
    public void Recycle(OutputSegment segment) => Segments.Return(segment.Buffer);

    /// <summary>
    /// True once after a burst has ended: its memory is garbage now, which a shell may collect.
    /// </summary>
    public bool TryTakeBurstEnd()
    {
        var isOver = _isBurstOver;
        _isBurstOver = false;
        return isOver;
    }

    /// <summary>Pings, timeouts and all other work due by time.</summary>
    public void OnDeadline(Instant now)
    {
        Now = now;
        while (_timers.TryPeek(out var connection, out var ticks) && ticks <= now.UnixTicks)
        {
            _timers.Dequeue();
            if (connection.ScheduledTicks != ticks || connection.IsClosed) continue;   // was set again meanwhile

            connection.ScheduledTicks = 0;
            if (connection.OnDeadline(now) is { } next) Schedule(connection, next);
        }

        if (_inFlightConnections > 0 && now >= _nextSweep) SweepSlowWriters(now);
        _lameDuck.OnDeadline(now);
        if (_burst.OnDeadline(now))
        {
            Segments.Trim();
            _isBurstOver = true;
        }

        Leafnodes?.OnDeadline(now);
    }

    /// <summary>
    /// Sends clients elsewhere, then closes them one after the other. The shell closes its listeners first.
    /// </summary>
    public void EnterLameDuck(Instant now)
    {
        Now = now;
        _lameDuck.Enter(this, now);
    }

    /// <summary>Closes every connection. Output written before may still be sent.</summary>
    public void Shutdown(Instant now)
    {
        Now = now;
        foreach (var connection in _connections.Values.ToArray()) connection.Close(CloseReason.ServerShutdown);
    }

    /// <summary>
    /// From now on leaf links are accepted and may be solicited (<see cref="LeafSolicitor"/>). Once, before the first
    /// connection.
    /// </summary>
    public void OpenLeafnodes(LeafnodeOptions options) => Leafnodes = new LeafLinks(this, options);

    internal bool TryAddCheck(PasswordCheck check)
    {
        if (_checks.Count >= ChecksMax) return false;

        _checks.Enqueue(check);
        return true;
    }

    internal ulong NextConnectionId() => ++_lastConnectionId;

    internal bool HasLink(string name)
    {
        foreach (var connection in _connections.Values)
            if (connection is LeafLink && connection.Name == name)
                return true;
        return false;
    }

    internal void Register(BrokerConnection connection)
    {
        _connections.Add(connection.Id, connection);
        TotalConnections++;
        if (connection is LeafLink) LeafCount++;
        else ClientCount++;
    }

    internal void OnClosed(BrokerConnection connection)
    {
        if (!_connections.Remove(connection.Id)) return;

        if (connection is LeafLink) LeafCount--;
        else ClientCount--;
        if (connection.CloseReason is CloseReason.SlowConsumerPendingBytes or CloseReason.SlowConsumerWriteDeadline)
            SlowConsumers++;
        ClosedConnections.Add(connection, Now);
        Touch(connection);
    }

    internal void Touch(BrokerConnection connection)
    {
        if (connection.IsTouched) return;

        connection.IsTouched = true;
        _touched.Enqueue(connection);
    }

    /// <summary>Sets the connection's timer, unless it runs earlier anyway.</summary>
    internal void Schedule(BrokerConnection connection, Instant at)
    {
        if (connection.ScheduledTicks != 0 && connection.ScheduledTicks <= at.UnixTicks) return;

        connection.ScheduledTicks = at.UnixTicks;
        _timers.Enqueue(connection, at.UnixTicks);
    }

    /// <summary>
    /// Counts output written for a receiver. One message may go to thousands: waiting output is counted within a batch
    /// too, each time that an eighth of the bound has been written.
    /// </summary>
    internal void OnWritten(int bytes)
    {
        _writtenUncounted += bytes;
        if (_writtenUncounted < Options.TotalPendingBytesMax / SegmentPart) return;

        _writtenUncounted = 0;
        foreach (var connection in _connections.Values) Count(connection);
        while (PendingBytes > Options.TotalPendingBytesMax && CloseWidest())
        {
        }
    }

    private void SetInFlight(BrokerConnection connection, long bytes)
    {
        if (connection.InFlightBytes == 0 && bytes > 0 && _inFlightConnections++ == 0) _nextSweep = Now + SweepInterval;
        if (connection.InFlightBytes > 0 && bytes == 0) _inFlightConnections--;
        connection.InFlightBytes = bytes;
    }

    private void Count(BrokerConnection connection)
    {
        PendingBytes += connection.PendingBytes - connection.CountedBytes;
        connection.CountedBytes = connection.PendingBytes;
        _burst.Observe(PendingBytes, Now);
    }

    /// <summary>Memory for the whole process is short: closes the connection that holds most of it.</summary>
    private bool CloseWidest()
    {
        if (_connections.Values.MaxBy(c => c.PendingBytes) is not { PendingBytes: > 0 } widest) return false;

        widest.Close(CloseReason.SlowConsumerPendingBytes);
        Count(widest);
        return true;
    }

    private void SweepSlowWriters(Instant now)
    {
        _nextSweep = now + SweepInterval;
        List<BrokerConnection>? slow = null;
        foreach (var connection in _connections.Values)
        {
            if (connection.InFlightBytes > 0 && now - connection.LastProgress > Options.WriteDeadline)
                (slow ??= []).Add(connection);
        }

        foreach (var connection in slow ?? []) connection.Close(CloseReason.SlowConsumerWriteDeadline);
    }
}
