using EdgeSync.Nats.Broker;

namespace EdgeSync.Net.Nats.Transports;

/// <summary>
/// A stream of bytes both ways, over any carrier. One reader and one writer at a time; each call ends when it is
/// aborted.
/// </summary>
internal abstract class BrokerTransport : IAsyncDisposable
{
    /// <summary>0 when the other side has ended.</summary>
    public abstract ValueTask<int> ReadAsync(Memory<byte> target, CancellationToken cancellationToken);

    /// <summary>Sends all bytes, which may be used again afterwards.</summary>
    public abstract ValueTask WriteAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken);

    /// <summary>Nothing more will be written, for this reason.</summary>
    public abstract ValueTask CompleteAsync(CloseReason reason, CancellationToken cancellationToken);

    /// <summary>Closes it at once, also during a read or write. May be called repeatedly.</summary>
    public abstract void Abort();

    /// <summary>Called when no read or write is running.</summary>
    public abstract ValueTask DisposeAsync();
}
