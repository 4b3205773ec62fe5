using System.Net.WebSockets;
using EdgeSync.Primitives;

namespace EdgeSync.Net.Relay;

/// <summary>
/// The binary messages of a WebSocket, each whole. No buffer is held while none is on the way, so that many idle
/// connections cost little.
/// </summary>
internal sealed class MessageReader(WebSocket socket, int bytesMax) : IDisposable
{
    private readonly PooledBytes _message = new();

    /// <summary>
    /// The next message, valid until the next call; null when the other side closes or exceeds the limit.
    /// </summary>
    public async ValueTask<ReadOnlyMemory<byte>?> ReadAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            _message.Dispose();
            var result = await socket.ReceiveAsync(Memory<byte>.Empty, cancellationToken);
            while (!result.EndOfMessage && result.MessageType != WebSocketMessageType.Close)
            {
                result = await socket.ReceiveAsync(_message.GetMemory(), cancellationToken);
                _message.Advance(result.Count);
                if (_message.Length > bytesMax) return null;
            }

            if (result.MessageType == WebSocketMessageType.Close) return null;
            if (result.MessageType == WebSocketMessageType.Binary) return _message.Written;
        }
    }

    public void Dispose() => _message.Dispose();
}
