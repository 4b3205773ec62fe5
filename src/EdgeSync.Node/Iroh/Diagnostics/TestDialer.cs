using System.Buffers;
using System.Buffers.Binary;
using System.Collections.Concurrent;
using System.Diagnostics;
using System.Security.Cryptography;
using System.Text;
using EdgeSync.Iroh.Tickets;
using EdgeSync.Net.Iroh;
using EdgeSync.Net.Quic;
using EdgeSync.Primitives;

namespace EdgeSync.Node.Iroh.Diagnostics;

/// <summary>The dialling side of <c>edgesync iroh test</c>: each verb connects, does its work and reports it.</summary>
/// <param name="ticket">Of the listener.</param>
public sealed class TestDialer(IrohTestOptions options, string ticket, Action<IrohTestLine> write)
{
    /// <summary>Bytes of a stream that is sent and comes back whole.</summary>
    public const int MessageMax = TestProtocol.MessageMax;

    private const int ErrorsMax = 5;
    private const int AnswerMax = 4096;
    private const int NumberBytes = 4;

    /// <summary>Datagrams that may be under way, so that queues on the way need not drop any.</summary>
    private const int DatagramWindow = 32;

    /// <summary>How long a datagram may take before it counts as lost.</summary>
    private static readonly TimeSpan DatagramTime = TimeSpan.FromSeconds(2);

    private static readonly TimeSpan HoldStep = TimeSpan.FromSeconds(1);

    /// <summary>The protocol that is dialled in place of the verb's own.</summary>
    public string? Alpn { get; init; }

    /// <summary>Connects, reports and closes.</summary>
    public Task<IrohTestLine> DialAsync(CancellationToken cancellationToken) => RunAsync(
        "dial", TestProtocol.Echo, (connection, _) => Task.FromResult(new IrohTestLine
        {
            Ok = true,
            Peer = connection.Peer.ToString(),
            Alpn = connection.Alpn,
            MaxDatagram = connection.DatagramMax,
        }), cancellationToken);

    /// <summary>Streams that come back on themselves.</summary>
    public Task<IrohTestLine> EchoAsync(int count, int size, int parallel, CancellationToken cancellationToken) =>
        RunAsync(
            "echo", TestProtocol.Echo,
            async (connection, stop) =>
            {
                var body = new byte[size];
                TestProtocol.FillPattern(0, body);
                return (await ManyAsync(count, parallel, (_, s) => EchoOnceAsync(connection, body, s), stop)) with
                {
                    Size = size,
                };
            },
            cancellationToken);

    /// <summary>Unidirectional streams, each answered by one of the peer's.</summary>
    public Task<IrohTestLine> UniAsync(int count, int size, int parallel, CancellationToken cancellationToken) =>
        RunAsync(
            "uni", TestProtocol.Echo,
            async (connection, stop) =>
            {
                var waiting = new ConcurrentDictionary<int, TaskCompletionSource<byte[]>>();
                using var end = CancellationTokenSource.CreateLinkedTokenSource(stop);
                var answers = TakeAnswersAsync(connection, waiting, end.Token);
                var result = await ManyAsync(
                    count, parallel,
                    (i, s) => UniOnceAsync(connection, waiting, NumberedBody(i, Math.Max(size, NumberBytes)), i, s),
                    stop);
                await end.CancelAsync();
                await answers;
                return result with { Size = size };
            },
            cancellationToken);

    /// <summary>Datagrams that come back; those that are lost are counted, not held against the peer.</summary>
    public Task<IrohTestLine> DatagramAsync(int count, int size, CancellationToken cancellationToken) => RunAsync(
        "datagram", TestProtocol.Echo,
        async (connection, stop) =>
        {
            size = Math.Max(size, NumberBytes);
            var (received, wrong) = (new HashSet<int>(), 0);
            var buffer = new byte[65536];
            using var silence = CancellationTokenSource.CreateLinkedTokenSource(stop);
            try
            {
                for (int sent = 0, answered = 0; answered < count; answered++)
                {
                    for (; sent < count && sent - answered < DatagramWindow; sent++)
                    {
                        if (!connection.TrySendDatagram(NumberedBody(sent, size)))
                        {
                            throw new EdgeSyncException(
                                ErrorKind.Usage,
                                $"a datagram of {size} bytes does not fit; the largest has {connection.DatagramMax}");
                        }
                    }

                    silence.CancelAfter(DatagramTime);
                    var length = await connection.ReceiveDatagramAsync(buffer, silence.Token);
                    var number = length >= NumberBytes ? BinaryPrimitives.ReadInt32BigEndian(buffer) : -1;
                    if (number < 0 || number >= count
                        || !buffer.AsSpan(0, length).SequenceEqual(NumberedBody(number, size))) wrong++;
                    else received.Add(number);
                }
            }
            catch (OperationCanceledException) when (!stop.IsCancellationRequested)
            {
                // The rest is lost.
            }

            return new IrohTestLine
            {
                Ok = wrong == 0 && received.Count > 0,
                Count = count,
                Received = received.Count,
                Wrong = wrong,
                Size = size,
                MaxDatagram = connection.DatagramMax,
            };
        },
        cancellationToken);

    /// <summary>Sends the pattern, and compares the peer's hash.</summary>
    public Task<IrohTestLine> SinkAsync(long bytes, CancellationToken cancellationToken) => RunAsync(
        "sink", TestProtocol.Sink,
        async (connection, stop) =>
        {
            await using var stream = await connection.OpenStreamAsync(false, stop);
            using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
            var start = Stopwatch.GetTimestamp();
            for (long at = 0; at < bytes;)
            {
                var piece = TestProtocol.PatternAt(at, (int)Math.Min(TestProtocol.PieceBytes, bytes - at));
                hash.AppendData(piece.Span);
                await stream.WriteAsync(piece, stop);
                at += piece.Length;
            }

            stream.CompleteWrites();
            var answer = Encoding.UTF8.GetString(await TestProtocol.ReadAllAsync(stream, AnswerMax, stop));
            var expected = $$"""{"bytes":{{bytes}},"sha256":"{{Convert.ToHexStringLower(hash.GetHashAndReset())}}"}""";
            return Moved(answer == expected, bytes, start);
        },
        cancellationToken);

    /// <summary>Requests the pattern, and compares it.</summary>
    public Task<IrohTestLine> SourceAsync(long bytes, CancellationToken cancellationToken) => RunAsync(
        "source", TestProtocol.Source,
        async (connection, stop) =>
        {
            await using var stream = await connection.OpenStreamAsync(false, stop);
            var piece = new byte[TestProtocol.PieceBytes];
            var start = Stopwatch.GetTimestamp();
            await stream.WriteLastAsync(NumberOf((ulong)bytes), stop);
            var (got, isRight) = (0L, true);
            for (int count; (count = await stream.ReadAsync(piece, stop)) > 0; got += count)
                isRight &= piece.AsSpan(0, count).SequenceEqual(TestProtocol.PatternAt(got, count).Span);

            return Moved(isRight && got == bytes, got, start);
        },
        cancellationToken);

    /// <summary>Makes the peer close with a code and a text.</summary>
    public Task<IrohTestLine> CloseAsync(ulong code, string reason, CancellationToken cancellationToken) => RunAsync(
        "close", TestProtocol.Close,
        async (connection, stop) =>
        {
            var stream = await connection.OpenStreamAsync(false, stop);
            await stream.WriteLastAsync((byte[])[.. NumberOf(code), .. Encoding.UTF8.GetBytes(reason)], stop);
            var end = await connection.Closed.WaitAsync(stop);
            return new IrohTestLine
            {
                Ok = end.Code == code && end.Text == reason
                    && end.Kind == EdgeSync.Quic.Connections.CloseKind.Peer,
                Reason = end.Text,
                Code = (long)end.Code,
            };
        },
        cancellationToken);

    /// <summary>Makes the peer reset and stop a stream with a code.</summary>
    public Task<IrohTestLine> ResetAsync(ulong code, CancellationToken cancellationToken) => RunAsync(
        "reset", TestProtocol.Reset,
        async (connection, stop) =>
        {
            await using var stream = await connection.OpenStreamAsync(false, stop);
            await stream.WriteAsync(NumberOf(code), stop);
            ulong? reset = null;
            try
            {
                await TestProtocol.ReadAllAsync(stream, AnswerMax, stop);
            }
            catch (QuicStreamException e)
            {
                reset = e.Code;
            }

            var stopped = await stream.SendEnd.WaitAsync(stop);
            return new IrohTestLine
            {
                Ok = reset == code && stopped == code,
                ResetCode = (long?)reset,
                StopCode = (long?)stopped,
            };
        },
        cancellationToken);

    /// <summary>One stream between two others.</summary>
    public Task<IrohTestLine> PipeAsync(Stream input, Stream output, CancellationToken cancellationToken) => RunAsync(
        "pipe", TestProtocol.Echo,
        async (connection, stop) =>
        {
            await using var stream = await connection.OpenStreamAsync(false, stop);
            var sending = SendAsync(input, stream, stop);
            var piece = new byte[TestProtocol.PieceBytes];
            long bytes = 0;
            for (int count; (count = await stream.ReadAsync(piece, stop)) > 0; bytes += count)
            {
                await output.WriteAsync(piece.AsMemory(0, count), stop);
                await output.FlushAsync(stop);
            }

            await sending;
            return new IrohTestLine { Ok = true, Bytes = bytes };
        },
        cancellationToken);

    /// <summary>Stays connected, and sends an echo each second.</summary>
    public Task<IrohTestLine> HoldAsync(TimeSpan time, CancellationToken cancellationToken) => RunAsync(
        "hold", TestProtocol.Echo,
        async (connection, stop) =>
        {
            var (rounds, failed) = (0, 0);
            using var steps = new PeriodicTimer(HoldStep);
            for (var start = Stopwatch.GetTimestamp(); Stopwatch.GetElapsedTime(start) < time;)
            {
                rounds++;
                var begin = Stopwatch.GetTimestamp();
                try
                {
                    await EchoOnceAsync(connection, [1, 2, 3], stop);
                    write(new IrohTestLine
                    {
                        Event = "alive",
                        Count = rounds,
                        Ms = Milliseconds(begin),
                        Paths = IrohTestHost.PathsOf(connection),
                    });
                }
                catch (EdgeSyncException e)
                {
                    failed++;
                    write(new IrohTestLine { Event = "dead", Count = rounds, Error = e.Message });
                    if (connection.Closed.IsCompleted) break;
                }

                await steps.WaitForNextTickAsync(stop);
            }

            return new IrohTestLine { Ok = failed == 0, Count = rounds, Failed = failed };
        },
        cancellationToken);

    private async Task<IrohTestLine> RunAsync(
        string verb, string alpn, Func<IrohConnection, CancellationToken, Task<IrohTestLine>> work,
        CancellationToken cancellationToken)
    {
        var peer = EndpointTicket.Parse(ticket);
        using var key = TestKeys.KeyOf(options.Secret, options.KeyFile);
        await using var endpoint = IrohTestHost.Start(options, key, accepts: false);
        await endpoint.OnlineAsync(cancellationToken);
        var start = Stopwatch.GetTimestamp();
        var connection = await endpoint.ConnectAsync(peer, Alpn ?? alpn, cancellationToken);
        write(new IrohTestLine
        {
            Event = "connected",
            ConnectMs = Milliseconds(start),
            Me = key.Id.ToString(),
            Peer = connection.Peer.ToString(),
            Alpn = connection.Alpn,
            MaxDatagram = connection.DatagramMax,
            Paths = IrohTestHost.PathsOf(connection),
        });
        var result = await work(connection, cancellationToken);
        return result with { Event = "result", Verb = verb, Paths = IrohTestHost.PathsOf(connection) };
    }

    private static async Task SendAsync(Stream input, HostStream stream, CancellationToken cancellationToken)
    {
        await input.CopyToAsync(stream, TestProtocol.PieceBytes, cancellationToken);
        stream.CompleteWrites();
    }

    private static async Task EchoOnceAsync(IrohConnection connection, byte[] body, CancellationToken cancellationToken)
    {
        await using var stream = await connection.OpenStreamAsync(false, cancellationToken);
        var writing = stream.WriteLastAsync(body, cancellationToken).AsTask();
        await CompareAsync(stream, body, cancellationToken);
        await writing;
    }

    // As it comes: an answer that is kept first costs more than its transfer.
    private static async Task CompareAsync(HostStream stream, byte[] body, CancellationToken cancellationToken)
    {
        var piece = ArrayPool<byte>.Shared.Rent(Math.Min(body.Length + 1, TestProtocol.PieceBytes));
        try
        {
            var at = 0;
            for (int count; (count = await stream.ReadAsync(piece, cancellationToken)) > 0; at += count)
            {
                if (count > body.Length - at || !piece.AsSpan(0, count).SequenceEqual(body.AsSpan(at, count)))
                    throw new InvalidDataException($"the answer differs (after {at} of {body.Length} bytes)");
            }

            if (at < body.Length)
                throw new InvalidDataException($"the answer differs (it ends after {at} of {body.Length} bytes)");
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(piece);
        }
    }

    private static async Task UniOnceAsync(
        IrohConnection connection, ConcurrentDictionary<int, TaskCompletionSource<byte[]>> waiting, byte[] body,
        int number, CancellationToken cancellationToken)
    {
        var answer = new TaskCompletionSource<byte[]>(TaskCreationOptions.RunContinuationsAsynchronously);
        waiting[number] = answer;
        await using var stream = await connection.OpenStreamAsync(isUnidirectional: true, cancellationToken);
        await stream.WriteLastAsync(body, cancellationToken);
        Require(await answer.Task.WaitAsync(cancellationToken), body);
    }

    private static async Task TakeAnswersAsync(
        IrohConnection connection, ConcurrentDictionary<int, TaskCompletionSource<byte[]>> waiting,
        CancellationToken cancellationToken)
    {
        try
        {
            while (true)
            {
                await using var stream = await connection.AcceptStreamAsync(cancellationToken);
                var answer = await TestProtocol.ReadAllAsync(stream, TestProtocol.MessageMax, cancellationToken);
                if (answer.Length >= NumberBytes
                    && waiting.TryRemove(BinaryPrimitives.ReadInt32BigEndian(answer), out var waiter))
                    waiter.TrySetResult(answer);
            }
        }
        catch (Exception e) when (e is EdgeSyncException or OperationCanceledException)
        {
            foreach (var waiter in waiting.Values) waiter.TrySetException(e);
        }
    }

    private static async Task<IrohTestLine> ManyAsync(
        int count, int parallel, Func<int, CancellationToken, Task> once, CancellationToken cancellationToken)
    {
        var (next, failed) = (-1, 0);
        var times = new double[count];
        var errors = new ConcurrentDictionary<string, bool>();
        var start = Stopwatch.GetTimestamp();
        async Task WorkAsync()
        {
            for (int i; (i = Interlocked.Increment(ref next)) < count;)
            {
                var begin = Stopwatch.GetTimestamp();
                try
                {
                    await once(i, cancellationToken);
                }
                catch (Exception e) when (e is EdgeSyncException or InvalidDataException)
                {
                    Interlocked.Increment(ref failed);
                    if (errors.Count < ErrorsMax) errors[e.Message] = true;
                }

                times[i] = Milliseconds(begin);
            }
        }

        await Task.WhenAll(Enumerable.Range(0, Math.Min(parallel, count)).Select(_ => Task.Run(WorkAsync)));
        var milliseconds = Milliseconds(start);
        Array.Sort(times);
        return new IrohTestLine
        {
            Ok = failed == 0,
            Count = count,
            Failed = failed,
            Ms = milliseconds,
            P50Ms = times[count / 2],
            P99Ms = times[Math.Min(count - 1, count * 99 / 100)],
            Errors = [.. errors.Keys],
        };
    }

    private static IrohTestLine Moved(bool isRight, long bytes, long start)
    {
        var milliseconds = Milliseconds(start);
        const double BytesOfMib = 1 << 20;
        return new IrohTestLine
        {
            Ok = isRight,
            Bytes = bytes,
            Ms = milliseconds,
            MibS = Math.Round(bytes / BytesOfMib / Math.Max(milliseconds, 0.001) * 1000, 2),
        };
    }

    private static void Require(byte[] answer, byte[] body)
    {
        if (!answer.AsSpan().SequenceEqual(body))
            throw new InvalidDataException($"the answer differs ({answer.Length} of {body.Length} bytes)");
    }

    private static byte[] NumberedBody(int number, int size)
    {
        var body = new byte[size];
        TestProtocol.FillPattern(number, body);
        BinaryPrimitives.WriteInt32BigEndian(body, number);
        return body;
    }

    private static byte[] NumberOf(ulong value)
    {
        var bytes = new byte[sizeof(ulong)];
        BinaryPrimitives.WriteUInt64BigEndian(bytes, value);
        return bytes;
    }

    internal static double Milliseconds(long start) =>
        Math.Round(Stopwatch.GetElapsedTime(start).TotalMilliseconds, 2);
}
