using System.Buffers;
using System.Buffers.Binary;
using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text;
using System.Threading.Channels;
using EdgeSync.Iroh.Endpoints;
using EdgeSync.Net.Iroh;
using EdgeSync.Net.Quic;
using EdgeSync.Primitives;

namespace EdgeSync.Node.Iroh.Diagnostics;

/// <summary>The listening side of <c>edgesync iroh test</c>.</summary>
public sealed class TestListener : IAsyncDisposable
{
    /// <summary>The code by which an endpoint that is not allowed is turned away.</summary>
    private const ulong NotAllowed = 403;

    /// <summary>Lines that wait to be written; more are dropped rather than kept.</summary>
    private const int LinesMax = 4096;

    private const int RequestMax = 4096;

    private readonly Channel<IrohTestLine> _lines = Channel.CreateBounded<IrohTestLine>(
        new BoundedChannelOptions(LinesMax) { FullMode = BoundedChannelFullMode.DropWrite });

    private readonly ConcurrentDictionary<HostConnection, int> _numbers = [];
    private readonly HashSet<EndpointId> _allowed;
    private readonly bool _isOnce;
    private readonly SecretKey _key;
    private readonly IReadOnlyList<string> _alpns;
    private readonly IrohEndpoint _endpoint;
    private readonly Task _writing;
    private int _count;

    /// <summary>Binds the socket, and reports its address.</summary>
    /// <param name="options">Its options.</param>
    /// <param name="write">Takes one line after the other.</param>
    /// <exception cref="EdgeSyncException">The address cannot be bound; an id or a key is none.</exception>
    public TestListener(IrohTestOptions options, Action<IrohTestLine> write)
    {
        ArgumentNullException.ThrowIfNull(options);
        _allowed = [.. options.Allow.Select(TestKeys.IdOf)];
        _isOnce = options.Once;
        _key = TestKeys.KeyOf(options.Secret, options.KeyFile);
        _alpns = options.Alpns;
        _endpoint = IrohTestHost.Start(options, _key, accepts: true, Observe);
        _writing = WriteLinesAsync(write);
    }

    /// <summary>By which the other side dials.</summary>
    public string Ticket => _endpoint.Ticket;

    /// <summary>
    /// Prints where it listens, once its relay is connected, and serves connections until it is cancelled, or one with
    /// <c>--once</c>.
    /// </summary>
    /// <exception cref="EdgeSyncException">The relay refuses this endpoint.</exception>
    public async Task ServeAsync(CancellationToken cancellationToken)
    {
        await _endpoint.OnlineAsync(cancellationToken);
        SayListening();
        while (true)
        {
            var connection = await _endpoint.AcceptAsync(cancellationToken);
            var serving = ServeAsync(connection, cancellationToken);
            if (!_isOnce) continue;
            await serving;
            return;
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _endpoint.DisposeAsync();
        _lines.Writer.TryComplete();
        await _writing;
        _key.Dispose();
    }

    private void SayListening()
    {
        var address = _endpoint.Address;
        Say(new IrohTestLine
        {
            Event = "listening",
            Id = _key.Id.ToString(),
            Ticket = Ticket,
            Relay = address.Relays is [var relay, ..] ? relay.Text : null,
            Direct = [.. address.Direct.Select(d => d.ToString())],
            Bound = [.. _endpoint.Bound.Select(b => b.ToString())],
            Alpns = _alpns,
        });
    }

    private void Say(IrohTestLine line) => _lines.Writer.TryWrite(line);

    private async Task WriteLinesAsync(Action<IrohTestLine> write)
    {
        await foreach (var line in _lines.Reader.ReadAllAsync()) write(line);
    }

    private void Observe(IrohEvent happened)
    {
        switch (happened)
        {
            case { Kind: IrohEventKind.RelayOnline, Relay: { } relay }:
                Say(new IrohTestLine { Event = "relay", Relay = relay.Text });
                break;
            case { Kind: IrohEventKind.Incoming, Connection: { } connection }:
                OnIncoming(connection);
                break;
            case { Kind: IrohEventKind.HandshakeFailed, Connection: { } connection, Failure: { } failure }:
                _numbers.TryRemove(connection, out var failed);
                Say(new IrohTestLine
                {
                    Event = "handshake-error",
                    Conn = failed,
                    Error = QuicClosedException.TextOf(failure),
                    Alert = QuicClosedException.AlertOf(failure),
                });
                break;
        }
    }

    private void OnIncoming(HostConnection connection)
    {
        var number = _numbers[connection] = ++_count;
        var from = connection.Route.Remote;
        Say(new IrohTestLine
        {
            Event = "incoming",
            Conn = number,
            Kind = from.IsRelayed ? "relay" : "ip",
            Addr = from.IsRelayed ? null : from.ToString(),
        });
    }

    private async Task ServeAsync(IrohConnection connection, CancellationToken cancellationToken)
    {
        _numbers.TryRemove(connection.Quic, out var number);
        var alpn = connection.Alpn;
        if (_allowed.Count > 0 && !_allowed.Contains(connection.Peer))
        {
            connection.Close(NotAllowed, "not allowed");
        }
        else
        {
            Say(new IrohTestLine
            {
                Event = "accepted",
                Conn = number,
                Peer = connection.Peer.ToString(),
                Alpn = alpn,
                Paths = IrohTestHost.PathsOf(connection),
            });
            await Task.WhenAll(
                ServeStreamsAsync(connection, alpn, cancellationToken),
                EchoDatagramsAsync(connection, cancellationToken));
        }

        var end = await connection.Closed;
        Say(new IrohTestLine
        {
            Event = "closed",
            Conn = number,
            Reason = QuicClosedException.TextOf(end),
            Code = (long)end.Code,
        });
    }

    private static async Task ServeStreamsAsync(
        IrohConnection connection, string alpn, CancellationToken cancellationToken)
    {
        try
        {
            while (true)
            {
                var stream = await connection.AcceptStreamAsync(cancellationToken);
                _ = ServeStreamAsync(connection, alpn, stream, cancellationToken);
            }
        }
        catch (Exception e) when (e is EdgeSyncException or OperationCanceledException)
        {
            // The connection is over, or the listener.
        }
    }

    private static async Task ServeStreamAsync(
        IrohConnection connection, string alpn, HostStream stream, CancellationToken cancellationToken)
    {
        try
        {
            await using var ours = stream;
            await (alpn switch
            {
                TestProtocol.Sink => SinkAsync(stream, cancellationToken),
                TestProtocol.Source => SourceAsync(stream, cancellationToken),
                TestProtocol.Close => CloseAsync(connection, stream, cancellationToken),
                TestProtocol.Reset => ResetAsync(stream, cancellationToken),
                _ when stream.IsUnidirectional => EchoOnNewAsync(connection, stream, cancellationToken),
                _ => EchoAsync(stream, cancellationToken),
            });
        }
        catch (Exception e) when (
            e is EdgeSyncException or OperationCanceledException or InvalidDataException or EndOfStreamException)
        {
            // The peer has given up the stream, or sent what does not belong there; others go on.
        }
    }

    private static async Task EchoAsync(HostStream stream, CancellationToken cancellationToken)
    {
        var piece = ArrayPool<byte>.Shared.Rent(TestProtocol.PieceBytes);
        try
        {
            for (int count; (count = await stream.ReadAsync(piece, cancellationToken)) > 0;)
                await stream.WriteAsync(piece.AsMemory(0, count), cancellationToken);
            stream.CompleteWrites();
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(piece);
        }
    }

    private static async Task EchoOnNewAsync(
        IrohConnection connection, HostStream stream, CancellationToken cancellationToken)
    {
        var content = await TestProtocol.ReadAllAsync(stream, TestProtocol.MessageMax, cancellationToken);
        await using var answer = await connection.OpenStreamAsync(isUnidirectional: true, cancellationToken);
        await answer.WriteLastAsync(content, cancellationToken);
    }

    private static async Task EchoDatagramsAsync(IrohConnection connection, CancellationToken cancellationToken)
    {
        var bytes = new byte[65536];
        try
        {
            while (true)
                connection.TrySendDatagram(
                    bytes.AsSpan(0, await connection.ReceiveDatagramAsync(bytes, cancellationToken)));
        }
        catch (Exception e) when (e is EdgeSyncException or OperationCanceledException)
        {
        }
    }

    private static async Task SinkAsync(HostStream stream, CancellationToken cancellationToken)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var piece = new byte[TestProtocol.PieceBytes];
        long bytes = 0;
        for (int count; (count = await stream.ReadAsync(piece, cancellationToken)) > 0; bytes += count)
            hash.AppendData(piece, 0, count);
        var answer = $$"""{"bytes":{{bytes}},"sha256":"{{Convert.ToHexStringLower(hash.GetHashAndReset())}}"}""";
        await stream.WriteLastAsync(Encoding.UTF8.GetBytes(answer), cancellationToken);
    }

    private static async Task SourceAsync(HostStream stream, CancellationToken cancellationToken)
    {
        var number = new byte[sizeof(ulong)];
        await stream.ReadExactlyAsync(number, cancellationToken);
        var total = (long)BinaryPrimitives.ReadUInt64BigEndian(number);
        for (long at = 0; at < total;)
        {
            var piece = TestProtocol.PatternAt(at, (int)Math.Min(TestProtocol.PieceBytes, total - at));
            await stream.WriteAsync(piece, cancellationToken);
            at += piece.Length;
        }

        stream.CompleteWrites();
    }

    private static async Task CloseAsync(
        IrohConnection connection, HostStream stream, CancellationToken cancellationToken)
    {
        var request = await TestProtocol.ReadAllAsync(stream, RequestMax, cancellationToken);
        if (request.Length < sizeof(ulong)) throw new InvalidDataException("the close code is missing");
        connection.Close(
            BinaryPrimitives.ReadUInt64BigEndian(request), Encoding.UTF8.GetString(request.AsSpan(sizeof(ulong))));
    }

    private static async Task ResetAsync(HostStream stream, CancellationToken cancellationToken)
    {
        var request = new byte[sizeof(ulong)];
        await stream.ReadExactlyAsync(request, cancellationToken);
        var code = BinaryPrimitives.ReadUInt64BigEndian(request);
        stream.Reset(code);
        stream.StopReading(code);
    }
}
