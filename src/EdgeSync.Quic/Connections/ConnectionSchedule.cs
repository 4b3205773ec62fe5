using EdgeSync.Primitives;
using EdgeSync.Quic.Packets;

namespace EdgeSync.Quic.Connections;

/// <summary>
/// Which connections may have something to send, and which is due next, without looking at all of them: an idle
/// connection costs nothing until its deadline.
/// </summary>
internal sealed class ConnectionSchedule
{
    private readonly Queue<QuicConnection> _ready = new();
    private readonly Queue<QuicConnection> _eventful = new();

    /// <summary>
    /// Connections by when they are due at the earliest. A connection may stand here with a time that has been put off;
    /// it is looked at when it comes first.
    /// </summary>
    private readonly PriorityQueue<Entry, long> _due = new();

    /// <summary>Takes a connection in.</summary>
    public void Add(Entry entry)
    {
        (entry.Connection.Schedule, entry.Connection.ScheduleEntry) = (this, entry);
        entry.Connection.State.Events.Attach(entry.Connection);
        OnTouched(entry.Connection);
    }

    /// <summary>A connection has an event.</summary>
    public void OnEvent(QuicConnection connection)
    {
        if (connection.ScheduleEntry is not { HasEvents: false } entry) return;
        entry.HasEvents = true;
        _eventful.Enqueue(connection);
    }

    /// <summary>The next connection with events; it is out of the queue, and all its events are taken now.</summary>
    public bool TryTakeEventful(out QuicConnection connection)
    {
        if (!_eventful.TryDequeue(out connection!)) return false;
        connection.ScheduleEntry!.HasEvents = false;
        return true;
    }

    /// <summary>Something was done to a connection: it may have something to send, or be due earlier.</summary>
    public void OnTouched(QuicConnection connection)
    {
        if (connection.ScheduleEntry is not { IsReady: false } entry) return;
        entry.IsReady = true;
        _ready.Enqueue(connection);
    }

    /// <summary>Connections that may have something to send.</summary>
    public Queue<QuicConnection> Ready => _ready;

    /// <summary>The next connection that may have something to send; it is out of the queue.</summary>
    public bool TryTakeReady(out QuicConnection connection)
    {
        if (!_ready.TryDequeue(out connection!)) return false;
        connection.ScheduleEntry!.IsReady = false;
        return true;
    }

    /// <summary>A connection has nothing to send now: it waits for its deadline.</summary>
    public void Wait(QuicConnection connection)
    {
        var entry = connection.ScheduleEntry!;
        if (connection.Deadline() is not { } at || entry.DueTicks <= at.UnixTicks) return;
        entry.DueTicks = at.UnixTicks;
        _due.Enqueue(entry, at.UnixTicks);
    }

    /// <summary>When the next connection is due.</summary>
    public Instant? Deadline()
    {
        WaitAll();
        while (_due.TryPeek(out var entry, out var ticks))
        {
            var deadline = entry.Connection.Deadline();
            if (entry.DueTicks == ticks && deadline?.UnixTicks == ticks) return deadline;
            _due.Dequeue();
            if (entry.DueTicks != ticks) continue;
            entry.DueTicks = long.MaxValue;
            Wait(entry.Connection);
        }

        return null;
    }

    /// <summary>Takes out all connections whose deadline has passed.</summary>
    public void TakeDue(Instant now, List<QuicConnection> due)
    {
        WaitAll();
        while (_due.TryPeek(out var entry, out var ticks) && ticks <= now.UnixTicks)
        {
            _due.Dequeue();
            if (entry.DueTicks != ticks) continue;
            entry.DueTicks = long.MaxValue;
            if (entry.Connection.Deadline() <= now) due.Add(entry.Connection);
            else Wait(entry.Connection);
        }
    }

    /// <summary>Takes in the connections that were touched and not polled since.</summary>
    private void WaitAll()
    {
        foreach (var connection in _ready) Wait(connection);
    }

    /// <summary>The state of a connection in the schedule and the endpoint.</summary>
    internal sealed class Entry(QuicConnection connection)
    {
        public QuicConnection Connection { get; } = connection;

        public bool IsReady { get; set; }

        public bool HasEvents { get; set; }

        /// <summary>Where it stands among the endpoint's connections; -1 when it is gone.</summary>
        public int Index { get; set; } = -1;

        /// <summary>The destination id of a client's first packet.</summary>
        public ConnectionId? FirstDestination { get; init; }

        /// <summary>Whether it counts among the handshakes that go on.</summary>
        public bool IsHandshake { get; set; }

        /// <summary>The time under which it stands in the queue of those that are due.</summary>
        public long DueTicks { get; set; } = long.MaxValue;
    }
}
