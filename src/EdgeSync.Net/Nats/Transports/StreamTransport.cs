using EdgeSync.Nats.Broker;

namespace EdgeSync.Net.Nats.Transports;

/// <summary>Any stream both ways: an outgoing socket, TLS around it, a tunnel that a caller opened.</summary>
internal sealed class StreamTransport(Stream stream) : BrokerTransport
{
    /// <summary>The present stream. A handshake after the first line puts TLS around it.</summary>
    public Stream Stream { get; set; } = stream;

    public override ValueTask<int> ReadAsync(Memory<byte> target, CancellationToken cancellationToken) =>
        Stream.ReadAsync(target, cancellationToken);

    public override async ValueTask WriteAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken)
    {
        await Stream.WriteAsync(bytes, cancellationToken);
        await Stream.FlushAsync(cancellationToken);
    }

    public override ValueTask CompleteAsync(CloseReason reason, CancellationToken cancellationToken) =>
        new(Stream.FlushAsync(cancellationToken));

    public override void Abort() => Stream.Dispose();

    public override ValueTask DisposeAsync() => Stream.DisposeAsync();
}
