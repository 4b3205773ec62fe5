using System.Net.Security;
using System.Net.Sockets;
using EdgeSync.Nats.Broker;

namespace EdgeSync.Net.Nats.Transports;

/// <summary>TCP inside TLS.</summary>
internal sealed class TlsTransport(SslStream stream, Socket socket) : BrokerTransport
{
    public override ValueTask<int> ReadAsync(Memory<byte> target, CancellationToken cancellationToken) =>
        stream.ReadAsync(target, cancellationToken);

    public override ValueTask WriteAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken) =>
        stream.WriteAsync(bytes, cancellationToken);

    public override async ValueTask CompleteAsync(CloseReason reason, CancellationToken cancellationToken)
    {
        await stream.ShutdownAsync();
        socket.Shutdown(SocketShutdown.Send);
    }

    public override void Abort() => socket.Dispose();

    public override async ValueTask DisposeAsync()
    {
        Abort();
        await stream.DisposeAsync();
    }
}
