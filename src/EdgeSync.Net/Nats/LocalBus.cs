using EdgeSync.Nats;
using EdgeSync.Nats.Broker;
using EdgeSync.Nats.Wire;

namespace EdgeSync.Net.Nats;

/// <summary>
/// A <see cref="LocalClient"/> behind the broker's lock. Callbacks run outside of it, in order, on the thread that
/// delivered the message to the broker.
/// </summary>
internal sealed class LocalBus : INatsBus, IBrokerWaiter
{
    private readonly BrokerDriver _driver;
    private readonly LocalClient _client;
    private readonly List<LocalEffect> _taken = [];
    private int _wakes;

    public LocalBus(BrokerDriver driver, string name)
    {
        _driver = driver;
        _client = driver.Call((core, now) =>
        {
            var client = core.AttachLocal(name, now);
            client.Tag = this;
            return client;
        });
    }

    public bool IsConnected => !_client.IsClosed;

    public bool HasLink(string name) => _driver.Call((_, _) => _client.HasLink(name));

    public int MaxPayload => _client.MaxPayload;

    public Action<bool>? LinkChanged { get; set; }

    public NatsOutcome Publish(
        string subject, ReadOnlyMemory<byte> data, NatsHeaders? headers = null, string? replyTo = null) =>
        _driver.Call((_, now) => _client.Publish(now, subject, data, headers, replyTo));

    public IDisposable Subscribe(string subject, string? queueGroup, Action<NatsMessage> received) =>
        new Subscription(this, _driver.Call((_, now) => _client.Subscribe(now, subject, queueGroup, received)));

    public NatsOutcome TryRequest(
        string subject, ReadOnlyMemory<byte> data, NatsHeaders? headers, Action<NatsReply> replied, out long request,
        string? replier = null)
    {
        (var outcome, request) = _driver.Call((_, now) =>
        {
            var result = _client.TryRequest(now, subject, data, headers, replied, out var id, replier);
            return (result, id);
        });
        return outcome;
    }

    public void Forget(long request) => _driver.Call((_, _) =>
    {
        _client.Forget(request);
        return true;
    });

    /// <summary>One thread at a time runs callbacks; a concurrent call leaves its part to that thread.</summary>
    public void Wake()
    {
        if (Interlocked.Increment(ref _wakes) != 1) return;

        int seen;
        do
        {
            seen = Volatile.Read(ref _wakes);
            Run();
        }
        while (Interlocked.CompareExchange(ref _wakes, 0, seen) != seen);
    }

    private void Run()
    {
        var wasOpen = _driver.Call((_, _) =>
        {
            while (_client.TryTake(out var effect)) _taken.Add(effect);
            return !_client.IsClosed;
        });
        foreach (var effect in _taken) effect.Run();
        _taken.Clear();
        if (!wasOpen) LinkChanged?.Invoke(false);
    }

    private sealed class Subscription(LocalBus bus, long id) : IDisposable
    {
        public void Dispose() => bus._driver.Call((_, now) =>
        {
            bus._client.Unsubscribe(now, id);
            return true;
        });
    }
}
