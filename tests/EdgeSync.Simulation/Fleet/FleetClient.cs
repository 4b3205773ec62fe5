using EdgeSync.Nats;
using EdgeSync.Nats.Broker;
using EdgeSync.Nats.Wire;
using EdgeSync.Primitives;

namespace EdgeSync.Simulation.Fleet;

/// <summary>A program's access to NATS: to the broker in its own process, or over a link to one elsewhere.</summary>
internal abstract class FleetClient : INatsBus
{
    public bool IsDead { get; private set; }

    public abstract bool IsConnected { get; }

    public abstract int MaxPayload { get; }

    public abstract int RequestsOpen { get; }

    public Action<bool>? LinkChanged { get; set; }

    public abstract void Start();

    public abstract NatsOutcome Publish(string subject, ReadOnlyMemory<byte> data, NatsHeaders? headers = null, string? replyTo = null);

    public abstract IDisposable Subscribe(string subject, string? queueGroup, Action<NatsMessage> received);

    public abstract NatsOutcome TryRequest(
        string subject, ReadOnlyMemory<byte> data, NatsHeaders? headers, Action<NatsReply> replied, out long request);

    public abstract void Forget(long request);

    /// <summary>It ends as its program does that was stopped.</summary>
    public abstract void Close();

    /// <summary>Its program is gone: no good-byes, and nothing is heard any more.</summary>
    public virtual void Die() => IsDead = true;
}

/// <summary>The shipped in-process client of the node's own broker.</summary>
internal sealed class FleetLocalClient(string name, FleetClock clock, Func<Instant> now, FleetBroker broker) : FleetClient
{
    private readonly LocalClient _client = broker.Core.AttachLocal(name, now());
    private bool _isWoken;

    private Instant Now => now();

    public override bool IsConnected => !IsDead && !_client.IsClosed;

    public override int MaxPayload => _client.MaxPayload;

    public override int RequestsOpen => _client.RequestCount;

    public override void Start()
    {
        _client.Tag = this;
        clock.After(TimeSpan.FromMilliseconds(1), () =>
        {
            if (IsConnected) LinkChanged?.Invoke(true);
        });
    }

    public override NatsOutcome Publish(string subject, ReadOnlyMemory<byte> data, NatsHeaders? headers = null, string? replyTo = null) =>
        Then(_client.Publish(now(), subject, data, headers, replyTo));

    public override IDisposable Subscribe(string subject, string? queueGroup, Action<NatsMessage> received) =>
        new Ending(this, Then(_client.Subscribe(now(), subject, queueGroup, received)));

    public override NatsOutcome TryRequest(
        string subject, ReadOnlyMemory<byte> data, NatsHeaders? headers, Action<NatsReply> replied, out long request) =>
        Then(_client.TryRequest(now(), subject, data, headers, replied, out request));

    public override void Forget(long request) => _client.Forget(request);

    public override void Close()
    {
        broker.Core.Detach(_client, CloseReason.ClientClosed, now());
        broker.Pump();
        Die();
    }

    /// <summary>The broker has something for it. Callbacks run as an event of their own, as the shell runs them outside its lock.</summary>
    public void Wake()
    {
        if (_isWoken) return;

        _isWoken = true;
        clock.After(TimeSpan.Zero, () =>
        {
            _isWoken = false;
            while (!IsDead && _client.TryTake(out var effect)) effect.Run();
        });
    }

    private T Then<T>(T result)
    {
        broker.Pump();
        return result;
    }

    private sealed class Ending(FleetLocalClient client, long id) : IDisposable
    {
        public void Dispose()
        {
            client._client.Unsubscribe(client.Now, id);
            client.Then(true);
        }
    }
}
