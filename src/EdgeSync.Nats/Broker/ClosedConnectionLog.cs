namespace EdgeSync.Nats.Broker;

/// <summary>The connections that ended last, for <c>/connz?state=closed</c>.</summary>
internal sealed class ClosedConnectionLog(int capacity)
{
    private readonly Queue<BrokerConnection> _closed = new();

    public IReadOnlyCollection<BrokerConnection> Items => _closed;

    public void Add(BrokerConnection connection)
    {
        if (capacity == 0) return;

        if (_closed.Count >= capacity) _closed.Dequeue();
        _closed.Enqueue(connection);
    }
}
