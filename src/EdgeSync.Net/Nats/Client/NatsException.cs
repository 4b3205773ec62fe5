using EdgeSync.Primitives;

namespace EdgeSync.Net.Nats;

/// <summary>Why something over NATS failed.</summary>
public enum NatsFailure
{
    /// <summary>No server took the connection.</summary>
    NotConnected,

    /// <summary>The server does not accept the credentials.</summary>
    Refused,

    /// <summary>Nobody listens on the subject of a request.</summary>
    NoResponders,

    /// <summary>No reply in time.</summary>
    Timeout,

    /// <summary>The link broke while a reply was awaited.</summary>
    Disconnected,

    /// <summary>A buffer or table of this client is full.</summary>
    Overloaded,

    /// <summary>The message is larger than the server takes.</summary>
    TooLarge,

    /// <summary>The connection was closed.</summary>
    Closed,
}

/// <summary>An operation over NATS failed.</summary>
public sealed class NatsException(NatsFailure failure, string message, string? hint = null, Exception? inner = null)
    : EdgeSyncException(KindOf(failure), message, hint, inner)
{
    public NatsFailure Failure { get; } = failure;

    private static ErrorKind KindOf(NatsFailure failure) => failure switch
    {
        NatsFailure.Refused => ErrorKind.Denied,
        NatsFailure.TooLarge => ErrorKind.Usage,
        NatsFailure.NoResponders => ErrorKind.NotFound,
        _ => ErrorKind.Unavailable,
    };
}
