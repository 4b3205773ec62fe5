using System.Runtime.CompilerServices;

namespace EdgeSync.Net.Quic;

/// <summary>
/// A stream of a connection: reads wait for bytes, writes for room in the stream's buffer (back-pressure). One read and
/// one write at a time. Disposing ends the writing side, and sends STOP_SENDING when not all was read.
/// </summary>
public sealed class HostStream : AsyncStream
{
    private const ulong ServerBit = 1;
    private const ulong UniBit = 2;

    private readonly HostConnection _connection;
    private readonly AsyncSignal _readable = new() { ContinuesOnPool = true };
    private readonly AsyncSignal _writable = new() { ContinuesOnPool = true };
    private readonly TaskCompletionSource<ulong?> _sendEnd = new(TaskCreationOptions.RunContinuationsAsynchronously);

    internal HostStream(HostConnection connection, ulong id)
    {
        (_connection, Id) = (connection, id);
        var isOwn = ((id & ServerBit) != 0) == connection.IsServer;
        (CanRead, CanWrite) = (!isOwn || !IsUnidirectional, isOwn || !IsUnidirectional);
    }

    /// <summary>The number of the stream on the wire (RFC 9000 §2.1).</summary>
    public ulong Id { get; }

    public bool IsUnidirectional => (Id & UniBit) != 0;

    public override bool CanRead { get; }

    public override bool CanWrite { get; }

    /// <summary>
    /// Ends with null when the peer has all that was written, or with the code by which it has stopped the stream.
    /// </summary>
    public Task<ulong?> SendEnd => _sendEnd.Task;

    // What follows is the connection's, under its host's lock.

    internal bool ReadEnded { get; set; }

    internal bool WriteEnded { get; set; }

    internal ulong? ResetCode { get; private set; }

    internal ulong? StopCode { get; private set; }

    /// <summary>Bytes that have come, or 0 at the end of the stream.</summary>
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        while (true)
        {
            cancellationToken.ThrowIfCancellationRequested();
            if (_connection.TryRead(this, buffer.Span, out var count)) return count;
            await _readable.WaitOrCancelAsync(cancellationToken);
        }
    }

    /// <summary>Writes all bytes, and waits for room between.</summary>
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder))]
    public override async ValueTask WriteAsync(
        ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        while (true)
        {
            cancellationToken.ThrowIfCancellationRequested();
            buffer = buffer[_connection.Write(this, buffer.Span, finish: false)..];
            if (buffer.IsEmpty) return;
            await _writable.WaitOrCancelAsync(cancellationToken);
        }
    }

    /// <summary>The last bytes, and the end of the stream with them.</summary>
    public async ValueTask WriteLastAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        while (true)
        {
            cancellationToken.ThrowIfCancellationRequested();
            var taken = _connection.Write(this, buffer.Span, finish: true);
            buffer = buffer[taken..];
            if (buffer.IsEmpty) return;
            await _writable.WaitOrCancelAsync(cancellationToken);
        }
    }

    /// <summary>Ends the writing side behind what was written.</summary>
    public void CompleteWrites() => _connection.Write(this, [], finish: true);

    /// <summary>Gives up the writing side with a code; what is under way may be lost.</summary>
    public void Reset(ulong code) => _connection.Reset(this, code);

    /// <summary>Sends STOP_SENDING.</summary>
    public void StopReading(ulong code) => _connection.Stop(this, code);

    public override int Read(byte[] buffer, int offset, int count) =>
        ReadAsync(buffer.AsMemory(offset, count)).AsTask().GetAwaiter().GetResult();

    public override void Write(byte[] buffer, int offset, int count) =>
        WriteAsync(buffer.AsMemory(offset, count)).AsTask().GetAwaiter().GetResult();

    protected override void Dispose(bool disposing)
    {
        if (disposing) _connection.Release(this);
        base.Dispose(disposing);
    }

    internal void OnReadable() => _readable.Set();

    internal void OnWritable() => _writable.Set();

    internal void OnReset(ulong code)
    {
        ResetCode ??= code;
        _readable.Set();
    }

    internal void OnStopped(ulong code)
    {
        StopCode ??= code;
        _sendEnd.TrySetResult(code);
        _writable.Set();
    }

    internal void OnFinished() => _sendEnd.TrySetResult(null);

    internal void OnClosed(QuicClosedException reason)
    {
        if (_sendEnd.TrySetException(reason)) _ = _sendEnd.Task.Exception;
        _readable.Set();
        _writable.Set();
    }
}
