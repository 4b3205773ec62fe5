using EdgeSync.Nats.Broker.Monitoring;
using EdgeSync.Primitives;

namespace EdgeSync.Nats.Broker;

/// <summary>
/// The latest closed connections, for <c>/connz?state=closed</c>. Kept as reports, so that the connections are
/// released.
/// </summary>
internal sealed class ClosedConnectionLog(int capacity)
{
    private readonly Queue<ConnectionReport> _closed = new();

    public IReadOnlyCollection<ConnectionReport> Items => _closed;

    public void Add(BrokerConnection connection, Instant now)
    {
        if (capacity == 0) return;

        if (_closed.Count >= capacity) _closed.Dequeue();
        _closed.Enqueue(ConnectionReports.Of(connection, now));
    }
}
