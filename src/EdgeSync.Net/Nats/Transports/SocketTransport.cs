using System.Net.Sockets;
using EdgeSync.Nats.Broker;

namespace EdgeSync.Net.Nats.Transports;

/// <summary>TCP in clear.</summary>
internal sealed class SocketTransport(Socket socket) : BrokerTransport
{
    public override ValueTask<int> ReadAsync(Memory<byte> target, CancellationToken cancellationToken) =>
        socket.ReceiveAsync(target, SocketFlags.None, cancellationToken);

    public override async ValueTask WriteAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken)
    {
        while (!bytes.IsEmpty) bytes = bytes[await socket.SendAsync(bytes, SocketFlags.None, cancellationToken)..];
    }

    public override ValueTask CompleteAsync(CloseReason reason, CancellationToken cancellationToken)
    {
        socket.Shutdown(SocketShutdown.Send);
        return default;
    }

    public override void Abort() => socket.Dispose();

    public override ValueTask DisposeAsync()
    {
        Abort();
        return default;
    }
}
