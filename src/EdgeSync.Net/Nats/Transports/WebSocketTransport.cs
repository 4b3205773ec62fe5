using System.Net.Sockets;
using System.Net.WebSockets;
using EdgeSync.Nats.Broker;

namespace EdgeSync.Net.Nats.Transports;

/// <summary>A stream of bytes inside the frames of a WebSocket: text frames count as binary ones.</summary>
internal sealed class WebSocketTransport(WebSocketUpgrade upgrade, Socket socket) : BrokerTransport
{
    // Spec: nats-server splits messages to browsers.
    private const int BrowserFrameBytes = 4096;

    // Spec: nats-server sends shorter ones uncompressed.
    private const int CompressedBytesMin = 64;

    private readonly WebSocket _socket = upgrade.Socket;

    public override async ValueTask<int> ReadAsync(Memory<byte> target, CancellationToken cancellationToken)
    {
        while (true)
        {
            var result = await _socket.ReceiveAsync(target, cancellationToken);
            if (result.MessageType == WebSocketMessageType.Close) return 0;
            if (result.Count > 0) return result.Count;
        }
    }

    public override async ValueTask WriteAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken)
    {
        while (!bytes.IsEmpty)
        {
            var frame = upgrade.IsBrowser && bytes.Length > BrowserFrameBytes ? bytes[..BrowserFrameBytes] : bytes;
            var flags = WebSocketMessageFlags.EndOfMessage;
            if (!upgrade.IsCompressed || frame.Length < CompressedBytesMin)
                flags |= WebSocketMessageFlags.DisableCompression;
            await _socket.SendAsync(frame, WebSocketMessageType.Binary, flags, cancellationToken);
            bytes = bytes[frame.Length..];
        }
    }

    public override async ValueTask CompleteAsync(CloseReason reason, CancellationToken cancellationToken)
    {
        await _socket.CloseOutputAsync(StatusOf(reason), CloseReasonText.Of(reason), cancellationToken);
        if (_socket.State != WebSocketState.CloseSent) socket.Shutdown(SocketShutdown.Send);
    }

    public override void Abort()
    {
        _socket.Abort();
        socket.Dispose();
    }

    public override ValueTask DisposeAsync()
    {
        Abort();
        _socket.Dispose();
        return default;
    }

    private static WebSocketCloseStatus StatusOf(CloseReason reason) => reason switch
    {
        CloseReason.ClientClosed => WebSocketCloseStatus.NormalClosure,
        CloseReason.ServerShutdown => WebSocketCloseStatus.EndpointUnavailable,
        CloseReason.MaxPayloadExceeded => WebSocketCloseStatus.MessageTooBig,
        CloseReason.ParseError or CloseReason.ProtocolViolation or CloseReason.BadClientProtocolVersion =>
            WebSocketCloseStatus.ProtocolError,
        _ => WebSocketCloseStatus.PolicyViolation,
    };
}
