using System.Net;
using System.Text;
using EdgeSync.Fossil.Sync;
using EdgeSync.Fossil.Xfer;
using EdgeSync.Net.Http;
using EdgeSync.Net.Quic;
using EdgeSync.Node.Iroh;
using EdgeSync.Node.Settings;
using EdgeSync.Node.Sync;
using EdgeSync.Primitives;
using Microsoft.Extensions.Logging;
using LogLevel = Microsoft.Extensions.Logging.LogLevel;

namespace EdgeSync.Node.Mesh;

/// <summary>
/// Answers the exchanges of peers, each on a stream of its own, by the server that answers those over HTTP. What is
/// refused ends with a code (<see cref="IrohProtocol"/>).
/// </summary>
/// <param name="server">The node's.</param>
/// <param name="exchangesMax">Those that are handled at the same time; more wait.</param>
internal sealed class XferStreams(IXferHost server, int exchangesMax, ILogger log, TimeProvider clock) : IDisposable
{
    /// <summary>Without a byte for this time, a request is given up.</summary>
    private static readonly TimeSpan SilenceMax = TimeSpan.FromMinutes(1);

    private const int PieceBytes = 64 * 1024;
    private const int PathBytesMax = 512;

    /// <summary>The project of a request is in its first cards.</summary>
    private const int FrontBytes = 4096;

    private const int FrontBytesUnpacked = 64 * 1024;

    private readonly SemaphoreSlim _turn = new(exchangesMax);
    private long _exchanges;

    /// <summary>Answered since the start.</summary>
    public long Exchanges => Interlocked.Read(ref _exchanges);

    public void Dispose() => _turn.Dispose();

    /// <param name="peer">Who has opened the stream, and what it may do.</param>
    public async Task AnswerAsync(HostStream stream, XferPeer peer, CancellationToken cancellationToken)
    {
        await using var owned = stream;
        try
        {
            await _turn.WaitAsync(cancellationToken);
            try
            {
                var code = await ExchangeAsync(stream, peer, cancellationToken);
                if (code != 0) Refuse(stream, code);
            }
            finally
            {
                _turn.Release();
            }
        }
        catch (OperationCanceledException)
        {
            Refuse(stream, IrohProtocol.Unavailable);
        }
        catch (Exception e) when (e is QuicClosedException or QuicStreamException)
        {
            // The peer has given it up, or is gone.
        }
        catch (Exception e) when (e is not InvariantException)
        {
            // As over HTTP: a request may not end the node, and its sender gets no detail.
            log.IrohExchangeFailed(peer.Name, e.Message);
            Refuse(stream, IrohProtocol.Failed);
        }
    }

    /// <returns>The code of a refusal; 0: it was answered.</returns>
    private async Task<ulong> ExchangeAsync(HostStream stream, XferPeer peer, CancellationToken cancellationToken)
    {
        var began = clock.GetTimestamp();
        using var memory = MemoryLimit.Messages.Open();
        using var framed = new PooledBytes();
        if (await ReadAsync(stream, framed, memory, cancellationToken) is > 0 and var fault) return fault;
        if (!TryTakePath(framed.Written, out var path, out var body)) return IrohProtocol.Malformed;

        var request = new XferHttpRequest(path, XferContentType.Compressed, body, IPAddress.None)
        {
            Peer = peer,
            Memory = memory,
        };
        using var reply = await server.ExchangeAsync(request, cancellationToken);
        Interlocked.Increment(ref _exchanges);
        log.IrohExchange(
            reply.Status >= 500 ? LogLevel.Warning : LogLevel.Information, peer.Name, path, reply.Status,
            framed.Length, reply.Body.Length, clock.GetElapsedTime(began).TotalMilliseconds, reply.Note?.Operation,
            reply.Note?.Sent, reply.Note?.Received, reply.Note?.Error);
        if (reply.Status != 200) return (ulong)reply.Status;

        await stream.WriteLastAsync(reply.Body, cancellationToken);
        return 0;
    }

    /// <returns>The code of a refusal; 0: it is whole.</returns>
    private async Task<ulong> ReadAsync(
        HostStream stream, PooledBytes framed, ByteShare memory, CancellationToken cancellationToken)
    {
        using var silence = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        using var timer = clock.CreateTimer(
            state => ((CancellationTokenSource)state!).Cancel(), silence, SilenceMax, Timeout.InfiniteTimeSpan);
        while (await stream.ReadAsync(framed.GetMemory(PieceBytes), silence.Token) is > 0 and var size)
        {
            framed.Advance(size);
            timer.Change(SilenceMax, Timeout.InfiniteTimeSpan);
            if (framed.Length > MessageFrame.BytesMax || memory.IsBeyondAll(size)) return IrohProtocol.TooLarge;
            if (!memory.TryGrow(size)) return IrohProtocol.Unavailable;
        }

        return framed.Length > 0 ? 0 : IrohProtocol.Malformed;
    }

    // A line with the repository's name, or else the project code of the request's cards.
    private static bool TryTakePath(ReadOnlyMemory<byte> framed, out string path, out ReadOnlyMemory<byte> body)
    {
        (path, body) = ("/", framed);
        if (framed.Span[0] != '/')
        {
            path = "/" + ProjectOf(framed);
            return true;
        }

        var end = framed.Span[..Math.Min(framed.Length, PathBytesMax)].IndexOf((byte)'\n');
        if (end < 0) return false;

        path = Encoding.UTF8.GetString(framed.Span[..end]);
        body = framed[(end + 1)..];
        return !body.IsEmpty;
    }

    private static string ProjectOf(ReadOnlyMemory<byte> framed)
    {
        var front = XferFrame.DecodeFront(
            XferEncoding.Zlib, framed[..Math.Min(framed.Length, FrontBytes)], FrontBytesUnpacked);
        return RequestProject.Of(front.Span) ?? "";
    }

    private static void Refuse(HostStream stream, ulong code)
    {
        try
        {
            stream.StopReading(code);
            stream.Reset(code);
        }
        catch (QuicClosedException)
        {
            // The peer is gone.
        }
    }
}
