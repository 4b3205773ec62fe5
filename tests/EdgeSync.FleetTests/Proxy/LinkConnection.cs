using System.Net;
using System.Net.Sockets;
using System.Threading.Channels;

namespace EdgeSync.FleetTests.Proxy;

/// <summary>One TCP connection through a link: two pumps, each of which holds bytes back until they are due.</summary>
internal sealed class LinkConnection(Link link, Socket dialler) : IDisposable
{
    private const int ChunkBytes = 8192;

    /// <summary>
    /// With <see cref="ChunkBytes"/>, the window of a connection: 2 MiB, the product of rate and delay of a satellite.
    /// </summary>
    private const int ChunksInFlightMax = 256;

    private static readonly TimeSpan BacklogMax = TimeSpan.FromMilliseconds(100);

    private readonly Socket _target = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp)
    {
        NoDelay = true
    };
    private readonly CancellationTokenSource _ending = new();

    public async Task RunAsync(CancellationToken cancellationToken)
    {
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, _ending.Token);
        dialler.NoDelay = true;
        try
        {
            // A stalled link does not carry the first packet either.
            await link.Up.Latch.PassAsync(either.Token);
            await link.Down.Latch.PassAsync(either.Token);
            await _target.ConnectAsync(new IPEndPoint(IPAddress.Loopback, link.TargetPort), either.Token);
            await Task.WhenAll(
                PumpAsync(dialler, _target, link.Up, either.Token),
                PumpAsync(_target, dialler, link.Down, either.Token));
        }
        catch (Exception e) when (e is SocketException or OperationCanceledException or ObjectDisposedException)
        {
            Abort(dialler);
            Abort(_target);
        }
    }

    /// <summary>Ends it so that both ends see a reset.</summary>
    public void Reset()
    {
        Abort(dialler);
        Abort(_target);
        try
        {
            _ending.Cancel();
        }
        catch (ObjectDisposedException)
        {
            // It ended by itself meanwhile.
        }
    }

    public void Dispose()
    {
        dialler.Dispose();
        _target.Dispose();
        _ending.Dispose();
    }

    /// <summary>Closes with a reset instead of an orderly end.</summary>
    internal static void Abort(Socket socket)
    {
        try
        {
            socket.LingerState = new LingerOption(true, 0);
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // It is closed already.
        }

        socket.Dispose();
    }

    private Task PumpAsync(Socket from, Socket to, LinkHalf way, CancellationToken cancellationToken)
    {
        var inFlight = Channel.CreateBounded<Chunk>(ChunksInFlightMax);
        return Task.WhenAll(
            EndingBothAsync(GatherAsync(from, inFlight.Writer, way, cancellationToken)),
            EndingBothAsync(CarryAsync(inFlight.Reader, to, way, cancellationToken)));
    }

    /// <summary>A half that fails takes the whole connection with it.</summary>
    private async Task EndingBothAsync(Task half)
    {
        try
        {
            await half;
        }
        catch (Exception e) when (e is SocketException or OperationCanceledException or ObjectDisposedException)
        {
            Reset();
        }
    }

    private async Task GatherAsync(
        Socket from, ChannelWriter<Chunk> inFlight, LinkHalf way, CancellationToken cancellationToken)
    {
        var last = TimeSpan.Zero;
        var buffer = new byte[ChunkBytes];
        while (await from.ReceiveAsync(buffer, cancellationToken) is > 0 and var count)
        {
            var now = link.Log.Now;
            if (way.Backlog(now) is var backlog && backlog > BacklogMax)
                await Task.Delay(backlog - BacklogMax, cancellationToken);

            last = way.ComesOutAt(link.Log.Now, count, last);
            await inFlight.WriteAsync(new Chunk(buffer.AsSpan(0, count).ToArray(), last), cancellationToken);
        }

        inFlight.Complete();
    }

    private async Task CarryAsync(
        ChannelReader<Chunk> inFlight, Socket to, LinkHalf way, CancellationToken cancellationToken)
    {
        await foreach (var chunk in inFlight.ReadAllAsync(cancellationToken))
        {
            if (chunk.DueAt - link.Log.Now is var early && early > TimeSpan.FromMilliseconds(0.5))
                await Task.Delay(early, cancellationToken);
            await way.Latch.PassAsync(cancellationToken);

            var admitted = way.Admit(chunk.Bytes.Length);
            for (var sent = 0; sent < admitted;)
                sent += await to.SendAsync(chunk.Bytes.AsMemory(sent, admitted - sent), cancellationToken);
            way.Count(admitted);
            if (admitted == chunk.Bytes.Length) continue;

            link.Log.Add(link.Name, "reset in mid-message");
            link.CloseAll();
            return;
        }

        // The sender is done; so is this way, and the other one may go on.
        to.Shutdown(SocketShutdown.Send);
    }

    private readonly record struct Chunk(byte[] Bytes, TimeSpan DueAt);
}
