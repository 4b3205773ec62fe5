using System.Buffers;
using System.Runtime.InteropServices;
using System.Threading.Channels;
using EdgeSync.Can.Sync.Peers;
using EdgeSync.Net.Quic;
using EdgeSync.Primitives;

namespace EdgeSync.Node.Can.Mirror;

/// <summary>
/// One stream of a connection between stores: sends what the core has queued, and reads as the core takes it. What
/// waits is bounded by the core, which counts bytes that were not sent yet; of what is read one piece is under way.
/// </summary>
/// <param name="number">As the core names it.</param>
/// <param name="session">Of the stream.</param>
internal sealed class MirrorLane(int number, MirrorSession session) : IDisposable
{
    private const int PieceBytes = 128 * 1024;

    /// <summary>The code of streams that are given up.</summary>
    private const ulong GivenUp = 0;

    private readonly Channel<SyncEffect.Send> _queued =
        Channel.CreateUnbounded<SyncEffect.Send>(new UnboundedChannelOptions { SingleReader = true });

    private readonly SemaphoreSlim _mayRead = new(0);
    private readonly CancellationTokenSource _ended = new();
    private readonly Lock _gate = new();
    private int _isReported;
    private bool _isOver;
    private volatile bool _isAborted;

    public int Number => number;

    public long Session => session.Id;

    public void Send(SyncEffect.Send send) => _queued.Writer.TryWrite(send);

    /// <summary>The core takes more: once for each piece that it was given.</summary>
    public void ReadOn()
    {
        lock (_gate)
        {
            if (!_isOver) _mayRead.Release();
        }
    }

    /// <summary>Nothing more is sent.</summary>
    /// <param name="isAbort">What was not sent yet is not sent, and nothing more is read.</param>
    public void End(bool isAbort)
    {
        if (isAbort) _isAborted = true;
        _queued.Writer.TryComplete();
        lock (_gate)
        {
            if (isAbort && !_isOver) _ended.Cancel();
        }
    }

    public void Dispose()
    {
        lock (_gate)
        {
            _isOver = true;
            _ended.Dispose();
            _mayRead.Dispose();
        }
    }

    /// <summary>Serves the stream until it is over in both directions, or given up.</summary>
    /// <param name="stream">Null: it is opened.</param>
    /// <param name="cancellationToken">Ends with the connection.</param>
    public async Task RunAsync(HostStream? stream, CancellationToken cancellationToken)
    {
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, _ended.Token);
        try
        {
            stream ??= await session.Connection.OpenStreamAsync(cancellationToken: either.Token);
            var reading = ReadAsync(stream, either.Token);
            await WriteAsync(stream, either.Token);
            // One that the peer has opened is done with when all is sent.
            if (!session.IsOwn(number) && !session.HasHalves) await either.CancelAsync();
            await reading;
        }
        catch (Exception e) when (e is EdgeSyncException or OperationCanceledException)
        {
            ReportEnd();
        }
        finally
        {
            session.Remove(this);
            if (stream is not null) await EndAsync(stream);
            Dispose();
        }
    }

    private async Task WriteAsync(HostStream stream, CancellationToken cancellationToken)
    {
        await foreach (var send in _queued.Reader.ReadAllAsync(cancellationToken))
        {
            await stream.WriteAsync(send.Bytes, cancellationToken);
            session.OnSent(number, send.Bytes.Length);
            if (send.IsRented && MemoryMarshal.TryGetArray(send.Bytes, out var rented))
                ArrayPool<byte>.Shared.Return(rented.Array!);
        }

        if (!_isAborted) stream.CompleteWrites();
    }

    // Never fails: what goes wrong ends the stream.
    private async Task ReadAsync(HostStream stream, CancellationToken cancellationToken)
    {
        var buffer = ArrayPool<byte>.Shared.Rent(PieceBytes);
        try
        {
            while (await stream.ReadAsync(buffer, cancellationToken) is var count and > 0)
            {
                session.OnReceived(this, buffer.AsMemory(0, count));
                await _mayRead.WaitAsync(cancellationToken);
            }

            // Otherwise the core may still read what it has.
            ArrayPool<byte>.Shared.Return(buffer);
        }
        catch (Exception e) when (e is EdgeSyncException or OperationCanceledException)
        {
            // It is over.
        }

        ReportEnd();
        if (!session.HasHalves) _queued.Writer.TryComplete();
    }

    private void ReportEnd()
    {
        if (Interlocked.Exchange(ref _isReported, 1) == 0) session.OnEnded(number);
    }

    private async Task EndAsync(HostStream stream)
    {
        try
        {
            if (_isAborted) stream.Reset(GivenUp);
        }
        catch (EdgeSyncException)
        {
            // The connection is over.
        }

        await stream.DisposeAsync();
    }
}
