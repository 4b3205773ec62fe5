using System.Net.WebSockets;
using System.Security.Cryptography;
using System.Text;

namespace EdgeSync.Net.Nats;

/// <summary>NATS bytes inside the frames of a WebSocket that we opened, as a stream. Frames may cut them anywhere.</summary>
internal sealed class WebSocketStream(WebSocket socket, Stream inner) : Stream
{
    private const int AnswerBytesMax = 16 * 1024;
    private const string KeySuffix = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

    public override bool CanRead => true;

    public override bool CanWrite => true;

    public override bool CanSeek => false;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    // Spec: RFC 6455 §4.1.
    public static async Task<WebSocketStream> ConnectAsync(Stream stream, Uri url, string path, CancellationToken cancellationToken)
    {
        var key = Convert.ToBase64String(RandomNumberGenerator.GetBytes(16));
        var request = $"GET {path} HTTP/1.1\r\nHost: {url.Authority[(url.Authority.LastIndexOf('@') + 1)..]}\r\nUpgrade: websocket\r\n"
            + $"Connection: Upgrade\r\nSec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n";
        await stream.WriteAsync(Encoding.ASCII.GetBytes(request), cancellationToken);
        await stream.FlushAsync(cancellationToken);

        var answer = await ReadAnswerAsync(stream, cancellationToken);
        var accept = Convert.ToBase64String(SHA1.HashData(Encoding.ASCII.GetBytes(key + KeySuffix)));
        if (!answer.StartsWith("HTTP/1.1 101", StringComparison.Ordinal) || !answer.Contains(accept, StringComparison.Ordinal))
            throw new IOException($"the WebSocket was refused: {answer.Split("\r\n")[0]}");

        var socket = WebSocket.CreateFromStream(stream, new WebSocketCreationOptions { IsServer = false, KeepAliveInterval = TimeSpan.Zero });
        return new WebSocketStream(socket, stream);
    }

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        while (true)
        {
            var result = await socket.ReceiveAsync(buffer, cancellationToken);
            if (result.MessageType == WebSocketMessageType.Close) return 0;
            if (result.Count > 0) return result.Count;
        }
    }

    public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default) =>
        socket.SendAsync(buffer, WebSocketMessageType.Binary, endOfMessage: true, cancellationToken);

    public override Task FlushAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public override void Flush()
    {
    }

    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override Task WriteAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        WriteAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            socket.Abort();
            socket.Dispose();
            inner.Dispose();
        }

        base.Dispose(disposing);
    }

    /// <summary>Byte by byte: what follows the empty line belongs to the frames, and a hub speaks first.</summary>
    private static async Task<string> ReadAnswerAsync(Stream stream, CancellationToken cancellationToken)
    {
        var answer = new byte[AnswerBytesMax];
        var size = 0;
        while (!answer.AsSpan(0, size).EndsWith("\r\n\r\n"u8))
        {
            if (size == answer.Length) throw new IOException("the answer to the WebSocket request is too long");
            if (await stream.ReadAsync(answer.AsMemory(size, 1), cancellationToken) == 0) throw new IOException("the WebSocket request was not answered");

            size++;
        }

        return Encoding.Latin1.GetString(answer, 0, size);
    }
}
