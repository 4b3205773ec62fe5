using System.Collections.Concurrent;
using System.Globalization;
using EdgeSync.Can.Sync.Compat;
using EdgeSync.Can.Sync.Passphrase;
using EdgeSync.Can.Sync.Peers;
using EdgeSync.Net.Iroh;
using EdgeSync.Node.Loops;
using EdgeSync.Primitives;

namespace EdgeSync.Node.Can.Mirror;

/// <summary>
/// A connection to another store, with its streams: the core's effects go out, what the peer does goes in. Effects come
/// from the core's loop alone.
/// </summary>
internal sealed class MirrorSession : IDisposable
{
    private const ulong Malformed = 400;

    private readonly ConcurrentDictionary<int, MirrorLane> _lanes = new();
    private readonly MirrorLoop _loop;
    private readonly RunningTasks _tasks;
    private readonly CancellationTokenSource _closed = new();
    private readonly CancellationToken _isClosed;
    private int _openedMax = -1;

    /// <param name="id">As the core knows it.</param>
    public MirrorSession(long id, IrohConnection connection, MirrorLoop loop, RunningTasks tasks)
    {
        (Id, Connection, _loop, _tasks) = (id, connection, loop, tasks);
        _isClosed = _closed.Token;
    }

    public long Id { get; }

    public IrohConnection Connection { get; }

    /// <summary>
    /// Whether each direction of a stream ends by itself, as the original's protocol has it; otherwise the end of what
    /// comes is the end of both.
    /// </summary>
    public bool HasHalves => Connection.Alpn == CompatFrames.Protocol;

    private bool IsDialler => !Connection.IsIncoming;

    /// <summary>Tells the core of the connection, and of all that happens on it until it is over.</summary>
    public async Task RunAsync()
    {
        Announce();
        try
        {
            while (true)
            {
                var stream = await Connection.AcceptStreamAsync(_isClosed);
                if (stream.IsUnidirectional)
                {
                    stream.StopReading(Malformed);
                    await stream.DisposeAsync();
                    continue;
                }

                var lane = new MirrorLane(NumberOf(stream.Id), this);
                _lanes[lane.Number] = lane;
                _tasks.Start(() => lane.RunAsync(stream, _isClosed));
            }
        }
        catch (EdgeSyncException)
        {
            // The connection is over.
        }
        finally
        {
            await _closed.CancelAsync();
            _loop.Forget(this);
            _loop.Post((node, at) => node.OnClosed(at, Id));
            Dispose();
        }
    }

    public void Dispose() => _closed.Dispose();

    /// <summary>Whether a stream of that number is opened by this side.</summary>
    public bool IsOwn(int lane) => lane == 0 ? IsDialler : (lane % 2 == 1) == IsDialler;

    public void Send(SyncEffect.Send send)
    {
        var number = send.Lane;
        if (!_lanes.TryGetValue(number, out var lane))
        {
            // One that was open and is over takes nothing any more.
            if (!IsOwn(number) || number <= _openedMax || _isClosed.IsCancellationRequested) return;

            _openedMax = number;
            _lanes[number] = lane = new MirrorLane(number, this);
            _tasks.Start(() => lane.RunAsync(null, _isClosed));
        }

        lane.Send(send);
    }

    public void EndLane(int number, bool isAbort)
    {
        if (_lanes.TryGetValue(number, out var lane)) lane.End(isAbort);
    }

    public void Close(SyncClose code, string reason) => Connection.Close((ulong)code, reason);

    public void OnReceived(MirrorLane lane, ReadOnlyMemory<byte> bytes) => _loop.Post((node, at) =>
    {
        node.Receive(at, Id, lane.Number, bytes.Span);
        _loop.ReadOnLater(lane);
    });

    public void OnSent(int lane, int bytes) => _loop.Post((node, at) => node.OnSent(at, Id, lane, bytes));

    public void OnEnded(int lane) => _loop.Post((node, at) => node.OnLaneEnded(at, Id, lane));

    public void Remove(MirrorLane lane) => _lanes.TryRemove(new KeyValuePair<int, MirrorLane>(lane.Number, lane));

    private void Announce()
    {
        if (HasHalves)
        {
            _loop.Post((node, at) => node.OnOriginalConnected(at, Id, Connection.Peer, IsDialler));
            return;
        }

        var binding = new byte[PassphraseProof.BindingBytes];
        Connection.Quic.Export(PassphraseProof.ExporterLabel, [], binding);
        var source = SourceOf(Connection);
        _loop.Post((node, at) => node.OnConnected(at, Id, Connection.Peer, IsDialler, binding, source));
    }

    // An address: of IPv6 the half that a provider assigns. Behind a relay only the id is known of a peer.
    private static string SourceOf(IrohConnection connection)
    {
        var remote = connection.Quic.Route.Remote;
        if (remote.IsRelayed) return $"{connection.Route?.Address} {connection.Peer}";

        return remote.IsIPv4
            ? remote.ToAddress().ToString()
            : ((ulong)(remote.Bits >> 64)).ToString("x16", CultureInfo.InvariantCulture);
    }

    // Streams of the peer, by their order: odd numbers are those of the dialling side, and its first one is 0.
    private int NumberOf(ulong streamId)
    {
        var order = (int)(streamId / 4);
        return IsDialler ? (2 * order) + 2 : order == 0 ? 0 : (2 * order) - 1;
    }
}
