using EdgeSync.Net;
using EdgeSync.Net.Quic;
using EdgeSync.Primitives;

namespace EdgeSync.Node.Mesh;

/// <summary>
/// A stream of a connection as a broker's link uses it: disposing it ends a pending read or write, and a failure of the
/// connection is one of the stream.
/// </summary>
/// <param name="ended">Called once, when it is disposed.</param>
internal sealed class LinkStream(HostStream stream, Action ended) : AsyncStream
{
    private readonly CancellationTokenSource _closing = new();
    private int _isDisposed;

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        try
        {
            return await stream.ReadAsync(buffer, _closing.Token);
        }
        catch (EdgeSyncException e)
        {
            throw new IOException(e.Message, e);
        }
    }

    public override async ValueTask WriteAsync(
        ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        try
        {
            await stream.WriteAsync(buffer, _closing.Token);
        }
        catch (Exception e) when (e is EdgeSyncException or InvalidOperationException)
        {
            throw new IOException(e.Message, e);
        }
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing && Interlocked.Exchange(ref _isDisposed, 1) == 0)
        {
            _closing.Cancel();
            stream.Dispose();
            ended();
        }

        base.Dispose(disposing);
    }
}
