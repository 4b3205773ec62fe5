namespace EdgeSync.Node.Sync;

/// <summary>Carries one decoded message to a peer and brings the decoded reply: HTTP, or NATS.</summary>
internal interface IXferCarrier : IDisposable
{
    /// <summary><c>http</c> or <c>nats</c>.</summary>
    string Route { get; }

    /// <summary>Where it goes, for messages.</summary>
    string Target { get; }

    /// <summary>Who answered, where the transport tells.</summary>
    string? Responder { get; }

    long WireBytesSent { get; }

    long WireBytesReceived { get; }

    /// <summary>Called, from any thread, whenever something went or came.</summary>
    Action? Progressed { get; set; }

    /// <exception cref="Primitives.EdgeSyncException">
    /// Unavailable: the request may go again. <see cref="MessageTooLargeException"/>: a smaller one may.
    /// </exception>
    Task<ReadOnlyMemory<byte>> ExchangeAsync(ReadOnlyMemory<byte> message, CancellationToken cancellationToken);
}

/// <summary>The peer, or what lies between, takes no message of this size.</summary>
internal sealed class MessageTooLargeException(string message, Exception? inner = null)
    : Primitives.EdgeSyncException(Primitives.ErrorKind.Unavailable, message, null, inner);

/// <summary>The reply broke off, and this decoded front of it has come.</summary>
internal sealed class ReplyCutException(string message, ReadOnlyMemory<byte> front, Exception? inner = null)
    : Primitives.EdgeSyncException(Primitives.ErrorKind.Unavailable, message, null, inner)
{
    public ReadOnlyMemory<byte> Front { get; } = front;
}

/// <summary>Nobody listens on the subject.</summary>
internal sealed class NoRespondersException(string message)
    : Primitives.EdgeSyncException(Primitives.ErrorKind.Unavailable, message);
