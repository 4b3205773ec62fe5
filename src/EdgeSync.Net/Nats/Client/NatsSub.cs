using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using System.Threading.Channels;
using EdgeSync.Nats.Client;

namespace EdgeSync.Net.Nats;

/// <summary>
/// A subscription and the queue of messages that wait for its reader. The queue is bounded in messages and bytes: when the
/// reader does not keep up the newest message is dropped and counted, and the connection goes on.
/// </summary>
public sealed class NatsSub : IAsyncDisposable
{
    private readonly ClientDriver _driver;
    private readonly Channel<NatsMsg> _queue;
    private readonly long _bytesMax;
    private ClientSubscription? _core;
    private long _queuedBytes;
    private long _dropped;
    private bool _isFull;

    internal NatsSub(ClientDriver driver, string subject, string queueGroup, int messagesMax, long bytesMax)
    {
        (_driver, Subject, QueueGroup, _bytesMax) = (driver, subject, queueGroup, bytesMax);
        _queue = Channel.CreateBounded<NatsMsg>(new BoundedChannelOptions(messagesMax)
        {
            FullMode = BoundedChannelFullMode.Wait,   // with TryWrite: refuse the newest
            SingleWriter = true,
        });
    }

    public string Subject { get; }

    /// <summary>Empty without one.</summary>
    public string QueueGroup { get; }

    /// <summary>Messages that were dropped because the queue was full.</summary>
    public long Dropped => Interlocked.Read(ref _dropped);

    /// <summary>Messages that wait for the reader.</summary>
    public int Pending => _queue.Reader.Count;

    /// <summary>Ends when the subscription has ended and its last message was taken.</summary>
    public Task Completion => _queue.Reader.Completion;

    /// <summary>The next message without waiting, if there is one.</summary>
    public bool TryRead([MaybeNullWhen(false)] out NatsMsg message)
    {
        if (!_queue.Reader.TryRead(out message)) return false;

        Interlocked.Add(ref _queuedBytes, -message.Size);
        return true;
    }

    /// <summary>False when no message will come any more.</summary>
    public ValueTask<bool> WaitToReadAsync(CancellationToken cancellationToken = default) =>
        _queue.Reader.WaitToReadAsync(cancellationToken);

    /// <summary>All messages until the subscription ends.</summary>
    public async IAsyncEnumerable<NatsMsg> ReadAllAsync([EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        while (await WaitToReadAsync(cancellationToken))
            while (TryRead(out var message)) yield return message;
    }

    /// <summary>Ends it at once; what waits can still be read.</summary>
    public void Unsubscribe() => _driver.Unsubscribe(_core!);

    /// <summary>Ends it at the server, and takes what is under way; done when the reader has taken the last message.</summary>
    public async Task DrainAsync(CancellationToken cancellationToken = default)
    {
        _driver.Drain(_core!);
        await Completion.WaitAsync(cancellationToken);
    }

    public ValueTask DisposeAsync()
    {
        Unsubscribe();
        return ValueTask.CompletedTask;
    }

    internal void Attach(ClientSubscription core) => _core = core;

    /// <summary>Never blocks. True: this message begins a row of dropped ones.</summary>
    internal bool Offer(in NatsMsg message)
    {
        if (Interlocked.Read(ref _queuedBytes) + message.Size <= _bytesMax && _queue.Writer.TryWrite(message))
        {
            Interlocked.Add(ref _queuedBytes, message.Size);
            _isFull = false;
            return false;
        }

        Interlocked.Increment(ref _dropped);
        var isFirst = !_isFull;
        _isFull = true;
        return isFirst;
    }

    internal void End() => _queue.Writer.TryComplete();
}
