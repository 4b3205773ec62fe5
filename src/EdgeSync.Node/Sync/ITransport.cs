using System.IO.Pipelines;
using EdgeSync.Primitives;

namespace EdgeSync.Node.Sync;

/// <summary>
/// Sends one decoded message to a peer and returns the decoded reply: HTTP, NATS, a repository file, ssh, iroh.
/// </summary>
internal interface ITransport : IDisposable
{
    /// <summary><c>http</c>, <c>nats</c>, <c>file</c>, <c>ssh</c> or <c>iroh</c>.</summary>
    string Route { get; }

    /// <summary>The target of messages, for display; contains no secret.</summary>
    string Target { get; }

    /// <summary>The node that replied, if the transport reports it.</summary>
    string? Responder { get; }

    /// <summary>Bytes sent so far, as framed.</summary>
    long WireBytesSent { get; }

    /// <summary>Bytes received so far, as framed.</summary>
    long WireBytesReceived { get; }

    /// <summary>Called, from any thread, whenever something was sent or received.</summary>
    Action? Progressed { get; set; }

    /// <summary>The new address of the peer after permanent redirects; otherwise null.</summary>
    PeerUrl? MovedTo => null;

    /// <param name="message">The decoded request; must not change until the reply arrives.</param>
    /// <param name="mayStream">The caller can process a reply while it arrives.</param>
    /// <param name="cancellationToken">Ends the exchange.</param>
    /// <exception cref="EdgeSyncException">
    /// Unavailable: the request may be sent again. <see cref="MessageTooLargeException"/>: a smaller one may.
    /// </exception>
    Task<TransportReply> ExchangeAsync(
        ReadOnlyMemory<byte> message, bool mayStream, CancellationToken cancellationToken);
}

/// <summary>A decoded reply: complete, or arriving.</summary>
internal sealed class TransportReply : IAsyncDisposable
{
    private readonly Func<ValueTask>? _end;

    /// <summary>A complete reply.</summary>
    public TransportReply(ReadOnlyMemory<byte> whole) => Whole = whole;

    /// <summary>A reply that is arriving; <paramref name="end"/> stops and awaits the writer of the pipe.</summary>
    public TransportReply(PipeReader stream, Func<ValueTask> end) => (Stream, _end) = (stream, end);

    public ReadOnlyMemory<byte> Whole { get; }

    /// <summary>
    /// Null when the reply is complete. A read error is thrown by the reader, after the bytes before it.
    /// </summary>
    public PipeReader? Stream { get; }

    public ValueTask DisposeAsync() => _end?.Invoke() ?? ValueTask.CompletedTask;
}

/// <summary>The peer, or a proxy, does not accept a message of this size.</summary>
internal sealed class MessageTooLargeException(string message, Exception? inner = null)
    : EdgeSyncException(ErrorKind.Unavailable, message, null, inner);

/// <summary>The reply was cut off; this decoded front of it arrived.</summary>
internal sealed class ReplyCutException(string message, ReadOnlyMemory<byte> front, Exception? inner = null)
    : EdgeSyncException(ErrorKind.Unavailable, message, null, inner)
{
    public ReadOnlyMemory<byte> Front { get; } = front;
}

/// <summary>The subject has no responder.</summary>
internal sealed class NoRespondersException(string message) : EdgeSyncException(ErrorKind.Unavailable, message);
