namespace EdgeSync.Quic.Connections;

/// <summary>
/// The events of one connection. A callback tells the endpoint when some wait, so that it looks at no other connection.
/// </summary>
internal sealed class EventQueue
{
    private readonly Queue<QuicEvent> _events = new();
    private QuicConnection? _connection;

    /// <summary>Whose events these are, once it belongs to an endpoint.</summary>
    public void Attach(QuicConnection connection)
    {
        _connection = connection;
        if (_events.Count > 0) connection.Schedule?.OnEvent(connection);
    }

    public void Enqueue(in QuicEvent happened)
    {
        _events.Enqueue(happened);
        _connection?.Schedule?.OnEvent(_connection);
    }

    public bool TryDequeue(out QuicEvent happened) => _events.TryDequeue(out happened);
}
