using System.Buffers;
using System.Net.Sockets;
using System.Security.Authentication;
using EdgeSync.Nats.Broker;
using EdgeSync.Net.Nats.Transports;
using EdgeSync.Primitives;

namespace EdgeSync.Net.Nats;

/// <summary>
/// Moves bytes between one transport and the core: one read loop, one write loop. Both have ended when <see
/// cref="RunAsync"/> completes.
/// </summary>
internal sealed class BrokerPump : IBrokerWaiter
{
    private const int SmallestBufferBytes = 512;
    private const int LargestBufferBytes = 64 * 1024;
    private const int ShortReadsMax = 3;
    private const int WritesInARowMax = 8;
    private const int PausesMax = 10;

    /// <summary>
    /// The bytes read and discarded of a closed connection, so that the reason arrives instead of a reset.
    /// </summary>
    private const int DrainedBytesMax = 1 << 20;

    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(1);

    /// <summary>How long a closed connection may take to read the reason.</summary>
    private static readonly TimeSpan Farewell = TimeSpan.FromSeconds(1);

    private readonly BrokerDriver _driver;
    private readonly BrokerTransport _transport;
    private readonly AsyncSignal _output = new();
    private readonly TaskCompletionSource _closed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly List<OutputSegment> _segments = [];

    public BrokerPump(BrokerDriver driver, BrokerTransport transport, ConnectionOrigin origin)
        : this(driver, transport, (core, now) => core.Attach(origin, now))
    {
    }

    /// <summary>For a connection that the core opens itself (a solicited leaf link).</summary>
    public BrokerPump(
        BrokerDriver driver, BrokerTransport transport, Func<BrokerCore, Instant, BrokerConnection> attach)
    {
        _driver = driver;
        _transport = transport;

        // It may be touched at once, so both are set before another call.
        Connection = driver.Call((core, now) =>
        {
            Connection = attach(core, now);
            Connection.Tag = this;
            return Connection;
        });
    }

    public BrokerConnection Connection { get; private set; }

    /// <summary>Called, in addition, whenever there is output.</summary>
    public Action? Woken { get; set; }

    /// <summary>There is output, or the connection was closed.</summary>
    public void Wake()
    {
        if (Connection.IsClosed) _closed.TrySetResult();
        _output.Set();
        Woken?.Invoke();
    }

    /// <summary>Until the connection has ended, whichever side ends it.</summary>
    public async Task RunAsync()
    {
        var writing = WriteAllAsync();
        var reading = ReadAllAsync();
        if (await Task.WhenAny(reading, _closed.Task) == reading) _driver.Detach(Connection, await reading);

        // It is closed now. A reader gets the rest, and is cut off when it takes long.
        if (IsCutAtOnce(Connection.CloseReason)) _transport.Abort();
        using (var done = new CancellationTokenSource())
        {
            await Task.WhenAny(Task.WhenAll(reading, writing), Task.Delay(Farewell, _driver.Clock, done.Token));
            await done.CancelAsync();
        }

        _transport.Abort();
        await writing;
        _driver.Detach(Connection, await reading);
        await _transport.DisposeAsync();
    }

    /// <summary>
    /// Reads into a buffer that grows while it is filled, so that a quiet connection holds half a KiB.
    /// </summary>
    private async Task<CloseReason> ReadAllAsync()
    {
        var buffer = ArrayPool<byte>.Shared.Rent(SmallestBufferBytes);
        var shortReads = 0;
        var bytesAfterEnd = 0L;
        try
        {
            while (true)
            {
                var size = await _transport.ReadAsync(buffer, CancellationToken.None);
                if (size == 0) return CloseReason.ClientClosed;

                // Dropped when the connection is closed: the last output is still being sent. Bounded.
                if (Connection.IsClosed && (bytesAfterEnd += size) > DrainedBytesMax) return CloseReason.ReadError;
                if (_driver.Receive(Connection, buffer.AsSpan(0, size))) await PauseAsync();

                shortReads = size < buffer.Length / 2 ? shortReads + 1 : 0;
                if (size == buffer.Length && buffer.Length < LargestBufferBytes) Resize(ref buffer, buffer.Length * 4);
                else if (shortReads > ShortReadsMax && buffer.Length > SmallestBufferBytes)
                    (shortReads, _) = (0, Resize(ref buffer, buffer.Length / 2));
            }
        }
        catch (Exception e) when (IsDisconnection(e))
        {
            return CloseReason.ReadError;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    private async ValueTask PauseAsync()
    {
        for (var i = 0; i < PausesMax && _driver.IsToPause(Connection); i++) await Task.Delay(Pause, _driver.Clock);
    }

    private async Task WriteAllAsync()
    {
        try
        {
            var inARow = 0;
            while (true)
            {
                if (_driver.TryTakeOutput(Connection, _segments))
                {
                    await WriteSegmentsAsync();

                    // This may be the thread of a publisher: let it continue with its own work.
                    if (++inARow % WritesInARowMax == 0) await Task.Yield();
                    continue;
                }

                inARow = 0;
                if (Connection.IsClosed) break;

                await _output.WaitAsync();
            }

            await _transport.CompleteAsync(Connection.CloseReason, CancellationToken.None).AsTask();
        }
        catch (Exception e) when (IsDisconnection(e))
        {
            _driver.Detach(Connection, CloseReason.WriteError);
            _transport.Abort();
        }
    }

    private async ValueTask WriteSegmentsAsync()
    {
        try
        {
            foreach (var segment in _segments)
            {
                await _transport.WriteAsync(segment.Buffer.AsMemory(0, segment.Length), CancellationToken.None);
                _driver.OutputSent(Connection, segment);
            }
        }
        finally
        {
            _segments.Clear();
        }
    }

    private static int Resize(ref byte[] buffer, int size)
    {
        ArrayPool<byte>.Shared.Return(buffer);
        buffer = ArrayPool<byte>.Shared.Rent(Math.Clamp(size, SmallestBufferBytes, LargestBufferBytes));
        return buffer.Length;
    }

    private static bool IsCutAtOnce(CloseReason reason) =>
        reason is CloseReason.ClientClosed or CloseReason.ReadError or CloseReason.WriteError
            or CloseReason.SlowConsumerPendingBytes or CloseReason.SlowConsumerWriteDeadline;

    private static bool IsDisconnection(Exception e) =>
        e is IOException or SocketException or OutOfMemoryException or ObjectDisposedException
        or OperationCanceledException or AuthenticationException
            or System.Net.WebSockets.WebSocketException;
}
