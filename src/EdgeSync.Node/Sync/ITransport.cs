using System.IO.Pipelines;
using EdgeSync.Primitives;

namespace EdgeSync.Node.Sync;

/// <summary>
/// Carries one decoded message to a peer and brings the decoded reply: HTTP, NATS, a repository file, ssh.
/// </summary>
internal interface ITransport : IDisposable
{
    /// <summary><c>http</c>, <c>nats</c>, <c>file</c> or <c>ssh</c>.</summary>
    string Route { get; }

    /// <summary>Where messages go, for people; holds no secret.</summary>
    string Target { get; }

    /// <summary>The node that answered, where the transport tells.</summary>
    string? Responder { get; }

    /// <summary>Bytes sent so far, as framed.</summary>
    long WireBytesSent { get; }

    /// <summary>Bytes received so far, as framed.</summary>
    long WireBytesReceived { get; }

    /// <summary>Called, from any thread, whenever something was sent or received.</summary>
    Action? Progressed { get; set; }

    /// <summary>Where the peer was found when redirects that are for good led elsewhere; otherwise null.</summary>
    PeerUrl? MovedTo => null;

    /// <param name="message">The decoded request; stays as it is until the reply is here.</param>
    /// <param name="mayStream">The caller can work on a reply while it arrives.</param>
    /// <param name="cancellationToken">Ends the exchange.</param>
    /// <exception cref="EdgeSyncException">
    /// Unavailable: the request may be sent again. <see cref="MessageTooLargeException"/>: a smaller one may.
    /// </exception>
    Task<TransportReply> ExchangeAsync(
        ReadOnlyMemory<byte> message, bool mayStream, CancellationToken cancellationToken);
}

/// <summary>A decoded reply: whole, or as it arrives.</summary>
internal sealed class TransportReply : IAsyncDisposable
{
    private readonly Func<ValueTask>? _end;

    /// <summary>A reply that is there.</summary>
    public TransportReply(ReadOnlyMemory<byte> whole) => Whole = whole;

    /// <summary>A reply that arrives; <paramref name="end"/> stops and awaits what fills the pipe.</summary>
    public TransportReply(PipeReader stream, Func<ValueTask> end) => (Stream, _end) = (stream, end);

    public ReadOnlyMemory<byte> Whole { get; }

    /// <summary>
    /// Null when the reply is whole. A failure to read is thrown by the reader, behind the bytes before it.
    /// </summary>
    public PipeReader? Stream { get; }

    public ValueTask DisposeAsync() => _end?.Invoke() ?? ValueTask.CompletedTask;
}

/// <summary>The peer, or what lies between, takes no message of this size.</summary>
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
