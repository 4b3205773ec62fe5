using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using System.Threading.Channels;
using EdgeSync.Nats;

namespace EdgeSync.Net.Nats;

/// <summary>
/// A subscription and the queue of messages that wait for its reader. The queue is bounded in messages and bytes: when
/// it is full, the newest message is dropped and counted.
/// </summary>
public sealed class NatsMessageQueue : IDisposable
{
    private readonly Channel<NatsMessage> _queue;
    private readonly IDisposable _subscription;
    private readonly Action? _filled;
    private readonly long _bytesMax;
    private long _queuedBytes;
    private long _dropped;
    private bool _isFull;

    /// <param name="bus">Where to subscribe.</param>
    /// <param name="subject">May hold wildcards.</param>
    /// <param name="queueGroup">Null for none.</param>
    /// <param name="filled">Called when a message is dropped for the first time since there was room.</param>
    /// <param name="messagesMax">Messages that wait at most.</param>
    /// <param name="bytesMax">Bytes that wait at most.</param>
    public NatsMessageQueue(
        INatsBus bus, string subject, string? queueGroup = null, Action? filled = null, int messagesMax = 16_384,
        long bytesMax = 64 << 20)
    {
        (_filled, _bytesMax) = (filled, bytesMax);
        _queue = Channel.CreateBounded<NatsMessage>(new BoundedChannelOptions(messagesMax)
        {
            FullMode = BoundedChannelFullMode.Wait,   // with TryWrite: reject the newest
            SingleWriter = true,
        });
        _subscription = bus.Subscribe(subject, queueGroup, Offer);
    }

    /// <summary>Messages that were dropped because the queue was full.</summary>
    public long Dropped => Interlocked.Read(ref _dropped);

    /// <summary>The next message without waiting, if there is one.</summary>
    public bool TryRead([MaybeNullWhen(false)] out NatsMessage message)
    {
        if (!_queue.Reader.TryRead(out message)) return false;

        Interlocked.Add(ref _queuedBytes, -message.Size);
        return true;
    }

    /// <summary>False when no message will arrive any more.</summary>
    public ValueTask<bool> WaitToReadAsync(CancellationToken cancellationToken) =>
        _queue.Reader.WaitToReadAsync(cancellationToken);

    /// <summary>All messages until the subscription ends.</summary>
    public async IAsyncEnumerable<NatsMessage> ReadAllAsync(
        [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        while (await WaitToReadAsync(cancellationToken))
            while (TryRead(out var message)) yield return message;
    }

    /// <summary>Ends the subscription; waiting messages can still be read.</summary>
    public void Dispose()
    {
        _subscription.Dispose();
        _queue.Writer.TryComplete();
    }

    private void Offer(NatsMessage message)
    {
        if (Interlocked.Read(ref _queuedBytes) + message.Size <= _bytesMax && _queue.Writer.TryWrite(message))
        {
            Interlocked.Add(ref _queuedBytes, message.Size);
            _isFull = false;
            return;
        }

        Interlocked.Increment(ref _dropped);
        if (_isFull) return;

        _isFull = true;
        _filled?.Invoke();
    }
}
