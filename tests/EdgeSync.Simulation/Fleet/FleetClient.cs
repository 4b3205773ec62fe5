using EdgeSync.Nats;
using EdgeSync.Nats.Broker;
using EdgeSync.Nats.Wire;
using EdgeSync.Primitives;

namespace EdgeSync.Simulation.Fleet;

/// <summary>A program's access to NATS: to the broker in its own process, or over a link to one elsewhere.</summary>
internal abstract class FleetClient(SimProcess process) : INatsBus
{
    /// <summary>Called for what was published; never for requests and replies.</summary>
    public Action<string, ReadOnlyMemory<byte>>? Published { get; set; }

    /// <summary>Called for each message of a subscription; true: of a queue group.</summary>
    public Action<NatsMessage, bool>? Delivered { get; set; }

    protected SimProcess Process => process;

    public bool IsDead { get; private set; }

    public abstract bool IsConnected { get; }

    public abstract int MaxPayload { get; }

    public abstract int RequestsOpen { get; }

    public Action<bool>? LinkChanged { get; set; }

    public abstract void Start();

    public NatsOutcome Publish(
        string subject, ReadOnlyMemory<byte> data, NatsHeaders? headers = null, string? replyTo = null)
    {
        if (IsConnected && replyTo is null) Published?.Invoke(subject, data);
        return Send(subject, data, headers, replyTo);
    }

    public IDisposable Subscribe(string subject, string? queueGroup, Action<NatsMessage> received) =>
        Open(subject, queueGroup, message =>
    {
        Delivered?.Invoke(message, queueGroup is not null);
        received(message);
    });

    public abstract NatsOutcome TryRequest(
        string subject, ReadOnlyMemory<byte> data, NatsHeaders? headers, Action<NatsReply> replied, out long request,
        string? replier = null);

    public abstract void Forget(long request);

    /// <summary>It ends as its program does that was stopped.</summary>
    public abstract void Close();

    protected abstract NatsOutcome Send(
        string subject, ReadOnlyMemory<byte> data, NatsHeaders? headers, string? replyTo);

    protected abstract IDisposable Open(string subject, string? queueGroup, Action<NatsMessage> received);

    /// <summary>Its program is gone: no last messages, and nothing is received any more.</summary>
    public virtual void Die() => IsDead = true;
}

/// <summary>The shipped in-process client of the node's own broker.</summary>
internal sealed class FleetLocalClient(
    string name, SimProcess process, FleetClock clock, FleetBroker broker) : FleetClient(process)
{
    private readonly LocalClient _client = broker.Core.AttachLocal(name, process.Now);
    private bool _isWoken;

    private Instant Now => Process.Now;

    public override bool IsConnected => !IsDead && !_client.IsClosed;

    public override int MaxPayload => _client.MaxPayload;

    public override int RequestsOpen => _client.RequestCount;

    public override void Start() => _client.Tag = this;

    protected override NatsOutcome Send(
        string subject, ReadOnlyMemory<byte> data, NatsHeaders? headers, string? replyTo) =>
        Then(_client.Publish(Now, subject, data, headers, replyTo));

    protected override IDisposable Open(string subject, string? queueGroup, Action<NatsMessage> received) =>
        new Ending(this, Then(_client.Subscribe(Now, subject, queueGroup, received)));

    public override NatsOutcome TryRequest(
        string subject, ReadOnlyMemory<byte> data, NatsHeaders? headers, Action<NatsReply> replied, out long request,
        string? replier = null) =>
        Then(_client.TryRequest(Now, subject, data, headers, replied, out request, replier));

    public override void Forget(long request) => _client.Forget(request);

    public override void Close()
    {
        broker.Core.Detach(_client, CloseReason.ClientClosed, Now);
        broker.Pump();
        Die();
    }

    /// <summary>
    /// The broker has something for it. Callbacks run as an event of their own, as the shell runs them outside its
    /// lock.
    /// </summary>
    public void Wake()
    {
        if (_isWoken) return;

        _isWoken = true;
        clock.After(TimeSpan.Zero, () =>
        {
            _isWoken = false;
            Process.Run(() =>
            {
                while (!IsDead && _client.TryTake(out var effect)) effect.Run();
            });
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
