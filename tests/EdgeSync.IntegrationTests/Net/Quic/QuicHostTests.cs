using System.Net;
using System.Security.Cryptography;
using EdgeSync.Net.Quic;
using EdgeSync.Quic.Connections;
using EdgeSync.Tests.Support;

namespace EdgeSync.IntegrationTests.Net.Quic;

/// <summary>The sockets around the QUIC core, and the streams that a program sees, over loopback.</summary>
public sealed class QuicHostTests
{
    private static long _waits;

    private static CancellationToken Cancellation => TestContext.Current!.Execution.CancellationToken;

    [Test]
    [Arguments("127.0.0.1", true, false)]
    [Arguments("127.0.0.1", false, false)]
    [Arguments("127.0.0.1", false, true)]
    [Arguments("::1", true, false)]
    [Arguments("::1", false, true)]
    public async Task Streams_come_back_over_every_kind_of_socket(string address, bool usesOffload, bool isPortable)
    {
        await using var pair = await QuicPair.ConnectAsync(IPAddress.Parse(address), usesOffload, isPortable);
        var serving = ServeAsync(pair.There);
        var content = RandomNumberGenerator.GetBytes(1 << 20);

        var answers = await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => EchoAsync(pair.Here, content)));

        Assert.All(answers, a => Assert.True(a.AsSpan().SequenceEqual(content)));
        Assert.Equal(QuicPair.KeyOf(1), pair.There.PeerKey.ToArray());
        Assert.Equal(QuicPair.KeyOf(2), pair.Here.PeerKey.ToArray());
        Assert.Equal(QuicPair.Echo, pair.Here.Alpn.ToArray());
        pair.Here.Close(0, "");
        await serving;
    }

    [Test]
    public async Task More_streams_than_the_peer_allows_at_once_wait_for_their_turn()
    {
        await using var pair = await QuicPair.ConnectAsync();
        var serving = ServeAsync(pair.There);

        var answers = await Task.WhenAll(
            Enumerable.Range(0, 1000).Select(i => EchoAsync(pair.Here, BitConverter.GetBytes(i))));

        for (var i = 0; i < answers.Length; i++) Assert.Equal(BitConverter.GetBytes(i), answers[i]);
        pair.Here.Close(0, "");
        await serving;
    }

    [Test]
    public async Task A_writer_waits_for_its_reader()
    {
        const int Total = 16 << 20;
        await using var pair = await QuicPair.ConnectAsync();
        // What the sender keeps until it is acknowledged, what the receiver keeps until it is read, and one write.
        var options = QuicPair.Options(1);
        var bound = options.StreamSendBuffer + options.StreamWindow + 65536;
        long written = 0;
        var writing = Task.Run(async () =>
        {
            await using var stream = await pair.Here.OpenStreamAsync(isUnidirectional: true, Cancellation);
            var piece = new byte[65536];
            while (Interlocked.Add(ref written, piece.Length) <= Total)
                await stream.WriteAsync(piece, Cancellation);
        });

        await using var reading = await pair.There.AcceptStreamAsync(Cancellation);
        var buffer = new byte[10_000];
        long read = 0;
        for (int count; (count = await reading.ReadAsync(buffer, Cancellation)) > 0;)
        {
            Assert.InRange(Interlocked.Read(ref written) - read, 0, bound);
            read += count;
        }

        await writing;
        Assert.Equal(Total, read);
    }

    [Test]
    public async Task Datagrams_arrive()
    {
        await using var pair = await QuicPair.ConnectAsync();
        Assert.InRange(pair.Here.DatagramMax, 1100, 1452);
        Assert.False(pair.Here.TrySendDatagram(new byte[2000]));

        var target = new byte[2000];
        for (byte i = 0; i < 100; i++)
        {
            Assert.True(pair.Here.TrySendDatagram([i, .. new byte[i]]));
            var length = await pair.There.ReceiveDatagramAsync(target, Cancellation);
            Assert.Equal(i + 1, length);
            Assert.Equal(i, target[0]);
        }
    }

    [Test]
    public async Task A_close_tells_code_and_text_to_all_that_wait()
    {
        await using var pair = await QuicPair.ConnectAsync();
        var stream = await pair.Here.OpenStreamAsync(false, Cancellation);
        await stream.WriteAsync("x"u8.ToArray(), Cancellation);
        var reading = stream.ReadAsync(new byte[1], Cancellation).AsTask();
        var accepting = pair.Here.AcceptStreamAsync(Cancellation).AsTask();
        var receiving = pair.Here.ReceiveDatagramAsync(new byte[1], Cancellation).AsTask();

        pair.There.Close(4242, "bye now");

        foreach (var waiting in new Task[] { reading, accepting, receiving })
        {
            var failure = await Assert.ThrowsAsync<QuicClosedException>(() => waiting);
            Assert.Equal(new CloseReason(CloseKind.Peer, 4242, "bye now"), failure.Reason);
        }

        Assert.Equal(4242UL, (await pair.Here.Closed).Code);
        Assert.Equal(CloseKind.Local, (await pair.There.Closed).Kind);
        await Assert.ThrowsAsync<QuicClosedException>(() => stream.WriteAsync(new byte[1], Cancellation).AsTask());
        await Assert.ThrowsAsync<QuicClosedException>(() => pair.Here.OpenStreamAsync(false, Cancellation).AsTask());
    }

    [Test]
    public async Task Reset_and_stop_carry_their_codes()
    {
        await using var pair = await QuicPair.ConnectAsync();
        var here = await pair.Here.OpenStreamAsync(false, Cancellation);
        await here.WriteAsync("x"u8.ToArray(), Cancellation);
        var there = await pair.There.AcceptStreamAsync(Cancellation);

        there.Reset(77);
        there.StopReading(78);

        var reset = await Assert.ThrowsAsync<QuicStreamException>(
            () => here.ReadAsync(new byte[1], Cancellation).AsTask());
        Assert.Equal(77UL, reset.Code);
        Assert.Equal(78UL, await here.SendEnd);
        var stopped = await Assert.ThrowsAsync<QuicStreamException>(
            () => here.WriteAsync(new byte[1], Cancellation).AsTask());
        Assert.Equal(78UL, stopped.Code);
    }

    [Test]
    public async Task A_stream_knows_when_the_peer_has_it_all()
    {
        await using var pair = await QuicPair.ConnectAsync();
        var stream = await pair.Here.OpenStreamAsync(true, Cancellation);

        await stream.WriteLastAsync(new byte[100_000], Cancellation);

        Assert.Null(await stream.SendEnd);
    }

    [Test]
    public async Task A_reader_that_is_cancelled_can_read_again()
    {
        await using var pair = await QuicPair.ConnectAsync();
        var here = await pair.Here.OpenStreamAsync(false, Cancellation);
        await here.WriteAsync("x"u8.ToArray(), Cancellation);
        var there = await pair.There.AcceptStreamAsync(Cancellation);
        Assert.Equal(1, await there.ReadAsync(new byte[8], Cancellation));
        using var stop = new CancellationTokenSource();

        var reading = there.ReadAsync(new byte[8], stop.Token).AsTask();
        await stop.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => reading);
        await here.WriteAsync("yz"u8.ToArray(), Cancellation);
        Assert.Equal(2, await there.ReadAsync(new byte[8], Cancellation));
    }

    [Test]
    public async Task Another_key_than_the_dialled_one_is_refused()
    {
        await using var server = QuicPair.Start(QuicPair.Options(2), accepts: true);
        await using var client = QuicPair.Start(QuicPair.Options(1), accepts: false);

        var failure = await Assert.ThrowsAsync<QuicClosedException>(
            () => client.ConnectAsync(QuicPair.KeyOf(3), [QuicPair.AddressOf(server)], null, Cancellation));

        Assert.Equal(42, QuicClosedException.AlertOf(failure.Reason));
    }

    [Test]
    public async Task A_protocol_that_is_not_offered_is_refused()
    {
        await using var server = QuicPair.Start(QuicPair.Options(2), accepts: true);
        await using var client = QuicPair.Start(QuicPair.Options(1), accepts: false);

        var failure = await Assert.ThrowsAsync<QuicClosedException>(() => client.ConnectAsync(
            QuicPair.KeyOf(2), [QuicPair.AddressOf(server)], ["other"u8.ToArray()], Cancellation));

        Assert.Equal(120, QuicClosedException.AlertOf(failure.Reason));
    }

    [Test]
    public async Task Every_client_proves_its_address_where_that_is_asked()
    {
        await using var pair = await QuicPair.ConnectAsync(retries: true);
        var serving = ServeAsync(pair.There);

        Assert.Equal("hello"u8.ToArray(), await EchoAsync(pair.Here, "hello"u8.ToArray()));
        pair.Here.Close(0, "");
        await serving;
    }

    [Test]
    public async Task A_client_goes_on_from_new_sockets()
    {
        await using var pair = await QuicPair.ConnectAsync();
        var serving = ServeAsync(pair.There);
        var content = RandomNumberGenerator.GetBytes(300_000);
        Assert.Equal(content, await EchoAsync(pair.Here, content));
        var before = pair.There.Route.Remote;

        pair.Client.Rebind([new IPEndPoint(IPAddress.Loopback, 0)]);

        Assert.Equal(content, await EchoAsync(pair.Here, content));
        Assert.NotEqual(before, pair.There.Route.Remote);
        Assert.Equal(QuicPair.AddressOf(pair.Client), pair.There.Route.Remote);
        pair.Here.Close(0, "");
        await serving;
    }

    [Test]
    public async Task Keys_change_during_a_transfer()
    {
        await using var pair = await QuicPair.ConnectAsync();
        var serving = ServeAsync(pair.There);
        var content = RandomNumberGenerator.GetBytes(300_000);
        Assert.Equal(content, await EchoAsync(pair.Here, content));

        // Refused until the peer has confirmed the handshake and a packet of the phase (RFC 9001 §6.1).
        await Patience.UntilAsync(
            pair.Here.UpdateKeys, TimeSpan.FromSeconds(20), () => "the key phase may not end");

        Assert.Equal(content, await EchoAsync(pair.Here, content));
        pair.Here.Close(0, "");
        await serving;
    }

    [Test]
    public async Task A_host_that_is_closed_takes_its_connections_with_it()
    {
        var pair = await QuicPair.ConnectAsync();

        await pair.Client.CloseAsync();

        Assert.Equal(CloseKind.Peer, (await pair.There.Closed).Kind);
        await pair.Server.DisposeAsync();
        await Assert.ThrowsAsync<System.Threading.Channels.ChannelClosedException>(
            () => pair.Server.AcceptAsync(Cancellation).AsTask());
    }

    /// <summary>Both sides count: sockets, core and streams of a transfer in each direction.</summary>
    [Test]
    [NotInParallel]
    public async Task Packets_are_not_allocated()
    {
        // An object has three words; of a packet less than one object is left over. A reader or writer that has to wait
        // costs its state machines; on a busy machine it waits for nearly every packet.
        const double ObjectBytes = 24, WaitBytes = 512;
        await using var pair = await QuicPair.ConnectAsync();
        var serving = ServeAsync(pair.There);
        await using var stream = await pair.Here.OpenStreamAsync(false, Cancellation);
        // The rings of the stream grow to their size, and the pool that they come from fills, on every thread. How far
        // depends on how far one side runs ahead of the other, so on a busy machine that goes on for some rounds; what
        // each packet allocates would be there in all of them.
        for (var i = 0; i < 4; i++) await EchoThroughAsync(stream, 8 << 20);
        using var objects = new SmallObjects();
        var (allocated, allowed) = (0.0, 0.0);
        for (var round = 0; round == 0 || (allocated > allowed && round < 6); round++)
        {
            var (packets, waits, before) = (Packets(pair), Interlocked.Read(ref _waits), objects.Bytes);

            await EchoThroughAsync(stream, 32 << 20);

            (packets, waits) = (Packets(pair) - packets, Interlocked.Read(ref _waits) - waits);
            Assert.InRange(packets, 40_000, 1_000_000);
            (allocated, allowed) = (objects.Bytes - before, (packets * ObjectBytes / 2) + (waits * WaitBytes));
        }

        Assert.InRange(allocated, 0, allowed);
        stream.CompleteWrites();
        Assert.Equal(0, await stream.ReadAsync(new byte[1], Cancellation));
        pair.Here.Close(0, "");
        await serving;
    }

    private static long Packets(QuicPair pair) =>
        pair.Here.Statistics.PacketsSent + pair.There.Statistics.PacketsSent;

    /// <summary>Writes as many bytes as it reads at the same time.</summary>
    private static async Task EchoThroughAsync(HostStream stream, int bytes)
    {
        var reading = Task.Run(async () =>
        {
            var buffer = new byte[65536];
            for (var read = 0; read < bytes;) read += await Counted(stream.ReadAsync(buffer, Cancellation));
        });
        var piece = new byte[65536];
        for (var sent = 0; sent < bytes; sent += piece.Length)
        {
            var writing = stream.WriteAsync(piece, Cancellation);
            if (!writing.IsCompleted) Interlocked.Increment(ref _waits);
            await writing;
        }

        await reading;
    }

    private static ValueTask<int> Counted(ValueTask<int> reading)
    {
        if (!reading.IsCompleted) Interlocked.Increment(ref _waits);
        return reading;
    }

    private static async Task<byte[]> EchoAsync(HostConnection connection, byte[] content)
    {
        await using var stream = await connection.OpenStreamAsync(false, Cancellation);
        var writing = stream.WriteLastAsync(content, Cancellation).AsTask();
        using var answer = new MemoryStream();
        await stream.CopyToAsync(answer, Cancellation);
        await writing;
        return answer.ToArray();
    }

    /// <summary>Sends every stream back until the connection is over.</summary>
    private static async Task ServeAsync(HostConnection connection)
    {
        var streams = new List<Task>();
        try
        {
            while (true) streams.Add(CopyBackAsync(await connection.AcceptStreamAsync(Cancellation)));
        }
        catch (QuicClosedException)
        {
            await Task.WhenAll(streams);
        }
    }

    private static async Task CopyBackAsync(HostStream stream)
    {
        await using var ours = stream;
        var buffer = new byte[65536];
        for (int count; (count = await Counted(stream.ReadAsync(buffer, Cancellation))) > 0;)
        {
            var writing = stream.WriteAsync(buffer.AsMemory(0, count), Cancellation);
            if (!writing.IsCompleted) Interlocked.Increment(ref _waits);
            await writing;
        }

        stream.CompleteWrites();
    }
}

/// <summary>
/// Bytes of small objects that the process allocates, to the nearest hundred thousand, as the runtime reports them. The
/// rings of streams are large arrays of a shared pool, which the collector may empty at any time.
/// </summary>
internal sealed class SmallObjects : System.Diagnostics.Tracing.EventListener
{
    private const System.Diagnostics.Tracing.EventKeywords Collector = (System.Diagnostics.Tracing.EventKeywords)1;

    private long _bytes;

    public long Bytes => Interlocked.Read(ref _bytes);

    protected override void OnEventSourceCreated(System.Diagnostics.Tracing.EventSource eventSource)
    {
        if (eventSource.Name == "Microsoft-Windows-DotNETRuntime")
            EnableEvents(eventSource, System.Diagnostics.Tracing.EventLevel.Verbose, Collector);
    }

    // Payload: bytes, kind (0: small), runtime, bytes again as 64 bits, and of the object that was reported its type.
    protected override void OnEventWritten(System.Diagnostics.Tracing.EventWrittenEventArgs eventData)
    {
        if (eventData.EventName!.StartsWith("GCAllocationTick", StringComparison.Ordinal)
            && eventData.Payload is [_, uint and 0, _, ulong bytes, ..]) Interlocked.Add(ref _bytes, (long)bytes);
    }
}
