using System.Runtime.CompilerServices;
using System.Text;
using EdgeSync.Nats.Client;
using EdgeSync.Nats.Wire;
using EdgeSync.Primitives;

namespace EdgeSync.Net.Nats;

/// <summary>
/// A connection to NATS over TCP, TLS, WebSocket, or a pipe to a broker in the same process. It outlives its links: when one
/// breaks it dials again with growing pauses, subscribes anew, and sends what was published meanwhile. Thread-safe.
/// </summary>
/// <remarks>
/// Names follow NATS.Net, so that a program written for one reads like a program for the other. Delivery is at most once:
/// what a socket took before it broke is not sent again. Policies when something is full: a publisher waits while the socket
/// does not keep up; without a server publishing fails beyond <see cref="NatsClientOptions.ReconnectBufferBytesMax"/>; a
/// subscription drops its newest message.
/// </remarks>
public sealed class NatsConnection : IAsyncDisposable
{
    private const int StackBytesMax = 256;

    private static readonly TimeSpan FarewellTimeout = TimeSpan.FromSeconds(1);

    private readonly ClientDriver _driver;
    private readonly TimeProvider _time;

    public NatsConnection(NatsOpts opts, TimeProvider? time = null)
    {
        Opts = opts;
        _time = time ?? TimeProvider.System;
        _driver = new ClientDriver(opts, _time);
    }

    public NatsOpts Opts { get; }

    public NatsConnectionState ConnectionState => _driver.Core.State;

    /// <summary>What the server told last; null before the first link.</summary>
    public ServerInfo? ServerInfo => _driver.Core.ServerInfo;

    /// <summary>The server of the link, or the one that is tried.</summary>
    public NatsServer Server => _driver.Core.Server;

    /// <summary>Why the last link ended or could not be made; empty when none did.</summary>
    public string LastFailure => _driver.Core.LastFailure;

    public ClientCounters Counters => _driver.Core.Counters;

    /// <summary>Messages that subscriptions dropped because their readers did not keep up.</summary>
    public long Dropped => _driver.Dropped;

    /// <summary>The largest message that the server takes, header block included; 1 MiB before it said so.</summary>
    public int MaxPayload => ServerInfo is { MaxPayload: > 0 } info ? info.MaxPayload : 1 << 20;

    /// <summary>A subject for replies, that nobody else has.</summary>
    public string NewInbox() => _driver.NewInbox();

    /// <summary>
    /// Connects. With <see cref="NatsClientOptions.RetryOnInitialConnect"/> it returns after the first try of all servers, connected
    /// or not, and goes on in the background.
    /// </summary>
    /// <exception cref="NatsException">No server took us.</exception>
    public async ValueTask ConnectAsync(CancellationToken cancellationToken = default) =>
        await _driver.StartAsync().WaitAsync(cancellationToken);

    /// <summary>Publishes; done when the bytes are on their way or wait for the next link.</summary>
    public ValueTask PublishAsync(
        string subject, ReadOnlyMemory<byte> data = default, NatsHeaders? headers = null, string? replyTo = null,
        CancellationToken cancellationToken = default)
    {
        Check(subject, NatsSubject.IsLiteral, "a subject to publish to: tokens with dots between, no wildcards");
        if (replyTo is not null) Check(replyTo, NatsSubject.IsLiteral, "a subject for replies");

        var block = headers?.ToBytes();
        var result = _driver.IsStarted ? TryPublish(subject, replyTo, block, data.Span, out var room) : Later(out room);
        return result == PublishResult.Accepted
            ? ValueTask.CompletedTask
            : PublishSlowlyAsync(result, room, subject, replyTo, block, data, cancellationToken);
    }

    /// <summary>Publishes an answer to a message that came with a reply subject.</summary>
    public ValueTask ReplyAsync(
        NatsMsg message, ReadOnlyMemory<byte> data = default, NatsHeaders? headers = null, CancellationToken cancellationToken = default) =>
        message.ReplyTo is { } reply
            ? PublishAsync(reply, data, headers, cancellationToken: cancellationToken)
            : throw new NatsException(NatsFailure.NoResponders, $"A message on {message.Subject} asks for no reply.");

    /// <summary>All messages on a subject, until the token is cancelled or the connection closed.</summary>
    public async IAsyncEnumerable<NatsMsg> SubscribeAsync(
        string subject, string? queueGroup = null, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        await using var subscription = await SubscribeCoreAsync(subject, queueGroup, cancellationToken: cancellationToken);
        await foreach (var message in subscription.ReadAllAsync(cancellationToken)) yield return message;
    }

    /// <summary>Subscribes; the subscription lives until it is disposed. The server knows of it in the order of all that is sent.</summary>
    /// <param name="max">It ends by itself after so many messages; 0: never.</param>
    public async ValueTask<NatsSub> SubscribeCoreAsync(
        string subject, string? queueGroup = null, int max = 0, CancellationToken cancellationToken = default)
    {
        Check(subject, NatsSubject.IsValid, "a subject to subscribe to: tokens with dots between, '>' only last");
        if (queueGroup is not null) Check(queueGroup, NatsSubject.FitsControlLine, "a queue group: no blanks");
        if (!_driver.IsStarted) await ConnectAsync(cancellationToken);

        var subscription = new NatsSub(_driver, subject, queueGroup ?? "", Opts.SubPendingMessagesMax, Opts.SubPendingBytesMax);
        _driver.Subscribe(subscription, max);
        return subscription;
    }

    /// <summary>Asks, and takes the first reply.</summary>
    /// <exception cref="NatsException">Nobody listens, no reply in time, or the link broke.</exception>
    public async ValueTask<NatsMsg> RequestAsync(
        string subject, ReadOnlyMemory<byte> data = default, NatsHeaders? headers = null, TimeSpan? timeout = null,
        CancellationToken cancellationToken = default)
    {
        Check(subject, NatsSubject.IsLiteral, "a subject to ask: tokens with dots between, no wildcards");
        if (!_driver.IsStarted) await ConnectAsync(cancellationToken);

        var block = headers?.ToBytes();
        var patience = timeout ?? Opts.RequestTimeout;
        while (true)
        {
            var result = TryRequest(subject, block, data.Span, out var token, out var reply, out var room);
            if (result == PublishResult.WouldBlock)
            {
                await room.WaitAsync(cancellationToken);
                continue;
            }

            if (result != PublishResult.Accepted) throw Refusal(result, subject, (block?.Length ?? 0) + data.Length);

            try
            {
                var message = await reply.WaitAsync(patience, _time, cancellationToken);
                return message.HasNoResponders
                    ? throw new NatsException(NatsFailure.NoResponders, $"Nobody answers on {subject}.", "check that the peer runs and shares this NATS network")
                    : message;
            }
            catch (TimeoutException e)
            {
                throw new NatsException(NatsFailure.Timeout, $"No reply on {subject} within {patience.TotalSeconds:0.###} s.", inner: e);
            }
            finally
            {
                _driver.ForgetRequest(token);
            }
        }
    }

    /// <summary>A round trip: everything that was sent before it has reached the server. Answers how long it took.</summary>
    /// <exception cref="NatsException">There is no link, or it broke.</exception>
    public async ValueTask<TimeSpan> PingAsync(CancellationToken cancellationToken = default)
    {
        if (!_driver.IsStarted) await ConnectAsync(cancellationToken);

        var begin = _time.GetTimestamp();
        var pong = _driver.Ping()
            ?? throw new NatsException(NatsFailure.NotConnected, $"No connection to NATS at the moment: {LastFailure}.");
        await pong.WaitAsync(cancellationToken);
        return _time.GetElapsedTime(begin);
    }

    /// <summary>Takes what is under way, lets readers finish, sees everything published through to the server, and closes.</summary>
    /// <exception cref="TimeoutException">Readers did not finish within <see cref="NatsOpts.DrainTimeout"/>; closed all the same.</exception>
    public async ValueTask DrainAsync(CancellationToken cancellationToken = default)
    {
        try
        {
            if (!_driver.IsStarted) return;

            await _driver.DrainAll().WaitAsync(Opts.DrainTimeout, _time, cancellationToken);
            if (_driver.Ping() is { } pong) await pong.WaitAsync(Opts.DrainTimeout, _time, cancellationToken);
        }
        finally
        {
            await DisposeAsync();
        }
    }

    /// <summary>Closes; what was published is sent first if the server takes it within a second.</summary>
    public async ValueTask DisposeAsync()
    {
        if (ConnectionState == NatsConnectionState.Open && _driver.Ping() is { } pong)
        {
            try
            {
                await pong.WaitAsync(FarewellTimeout, _time);
            }
            catch (Exception e) when (e is TimeoutException or NatsException)
            {
                // It was worth a try.
            }
        }

        await _driver.DisposeAsync();
    }

    private async ValueTask PublishSlowlyAsync(
        PublishResult result, Task room, string subject, string? replyTo, byte[]? headers, ReadOnlyMemory<byte> data,
        CancellationToken cancellationToken)
    {
        if (!_driver.IsStarted)
        {
            await ConnectAsync(cancellationToken);
            result = TryPublish(subject, replyTo, headers, data.Span, out room);
        }

        while (result == PublishResult.WouldBlock)
        {
            await room.WaitAsync(cancellationToken);
            result = TryPublish(subject, replyTo, headers, data.Span, out room);
        }

        if (result != PublishResult.Accepted) throw Refusal(result, subject, (headers?.Length ?? 0) + data.Length);
    }

    private static PublishResult Later(out Task room)
    {
        room = Task.CompletedTask;
        return PublishResult.WouldBlock;
    }

    private PublishResult TryPublish(string subject, string? replyTo, byte[]? headers, ReadOnlySpan<byte> data, out Task room)
    {
        Span<byte> subjectBytes = stackalloc byte[StackBytesMax];
        Span<byte> replyBytes = stackalloc byte[StackBytesMax];
        return _driver.TryPublish(Encode(subject, subjectBytes), Encode(replyTo ?? "", replyBytes), headers, data, out room);
    }

    private PublishResult TryRequest(
        string subject, byte[]? headers, ReadOnlySpan<byte> data, out long token, out Task<NatsMsg> reply, out Task room)
    {
        Span<byte> subjectBytes = stackalloc byte[StackBytesMax];
        return _driver.TryRequest(Encode(subject, subjectBytes), headers, data, out token, out reply, out room);
    }

    private static ReadOnlySpan<byte> Encode(string text, Span<byte> room) =>
        Encoding.UTF8.TryGetBytes(text, room, out var count) ? room[..count] : Encoding.UTF8.GetBytes(text);

    private delegate bool SubjectRule(ReadOnlySpan<byte> text);

    private static void Check(string text, SubjectRule rule, string expected)
    {
        Span<byte> room = stackalloc byte[StackBytesMax];
        if (!rule(Encode(text, room))) throw new EdgeSyncException(ErrorKind.Usage, $"'{text}' is not {expected}.");
    }

    private NatsException Refusal(PublishResult result, string subject, int size) => result switch
    {
        PublishResult.TooLarge => new(
            NatsFailure.TooLarge, $"A message of {size} bytes on {subject} is larger than the server takes ({MaxPayload})."),
        PublishResult.BufferFull => new(
            NatsFailure.Overloaded, $"No connection to NATS ({LastFailure}), and {Opts.ReconnectBufferBytesMax} bytes wait already."),
        PublishResult.TooManyRequests => new(NatsFailure.Overloaded, $"{Opts.MaxPendingRequests} requests are under way already."),
        _ => new(NatsFailure.Closed, $"The connection to NATS is closed: {LastFailure}."),
    };
}
