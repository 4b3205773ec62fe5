using System.Buffers;
using System.Text;
using EdgeSync.Nats.Broker;
using EdgeSync.Nats.Client;
using EdgeSync.Nats.Wire;
using EdgeSync.Primitives;

namespace EdgeSync.Simulation.Fleet;

/// <summary>The real client core over a stream of the simulation.</summary>
internal sealed class FleetClient : IStreamEnd
{
    private readonly FleetClock _clock;
    private readonly Func<Instant> _now;
    private readonly FleetLink _link;
    private readonly Func<FleetBroker?> _broker;
    private readonly bool _isInProcess;
    private readonly Dictionary<long, Action<NatsMsg?>> _replies = [];
    private FleetStream? _stream;
    private byte[] _rest = [];
    private long _wake;
    private bool _isPumping;

    public FleetClient(string name, FleetClock clock, Func<Instant> now, FleetLink link, Func<FleetBroker?> broker, bool isInProcess, Prng prng)
    {
        (_clock, _now, _link, _broker, _isInProcess) = (clock, now, link, broker, isInProcess);
        Core = new NatsClientCore(
            new NatsClientOptions { Name = name, Echo = false, RetryOnInitialConnect = true, PingInterval = TimeSpan.FromSeconds(20) },
            new SeededEntropy(prng.NextUInt64()),
            prng.Fork());
    }

    public NatsClientCore Core { get; }

    public bool IsDead { get; private set; }

    public bool IsOpen => Core.State == NatsConnectionState.Open;

    public int RequestsOpen => _replies.Count;

    /// <summary>Called when the connection came up or went.</summary>
    public Action<bool>? LinkChanged { get; set; }

    public void Start()
    {
        Core.Start(_now());
        Pump();
    }

    public void Subscribe(string subject, string queueGroup, Action<NatsMsg> handler)
    {
        Core.Subscribe(subject, queueGroup, 0, handler);
        Pump();
    }

    public PublishResult Publish(string subject, byte[] body, NatsHeaders? headers = null)
    {
        var result = Core.TryPublish(Encoding.UTF8.GetBytes(subject), default, headers is null ? default : headers.ToBytes(), body);
        Pump();
        return result;
    }

    /// <summary>The handler gets the first reply, or null when none can come any more. Answers 0 if it was not sent.</summary>
    public long Request(string subject, NatsHeaders? headers, ReadOnlyMemory<byte> body, Action<NatsMsg?> handler)
    {
        Core.TryRequest(Encoding.UTF8.GetBytes(subject), headers is null ? default : headers.ToBytes(), body.Span, out var token);
        if (token != 0) _replies[token] = handler;
        Pump();
        return token;
    }

    public void Forget(long token)
    {
        if (_replies.Remove(token)) Core.ForgetRequest(token);
    }

    public void Close()
    {
        Core.Close("stop");
        Pump();
        Die();
    }

    public void Die()
    {
        IsDead = true;
        _stream?.CloseFrom(0);
        _stream = null;
    }

    public void Pump()
    {
        if (IsDead || _isPumping) return;

        _isPumping = true;
        while (Core.TryTake(out var effect)) Perform(effect);
        _isPumping = false;
        if (IsDead) return;

        Send();
        if (Core.Deadline is not { } at) return;

        var ticket = ++_wake;
        var delay = at - _now();
        _clock.After(delay > TimeSpan.Zero ? delay : TimeSpan.FromMilliseconds(1), () =>
        {
            if (ticket != _wake || IsDead) return;

            Core.OnDeadline(_now());
            Pump();
        });
    }

    void IStreamEnd.OnBytes(byte[] bytes)
    {
        if (IsDead) return;

        var input = _rest.Length == 0 ? bytes : [.. _rest, .. bytes];
        var consumed = Core.Receive(_now(), input);
        _rest = input[consumed..];
        Pump();
    }

    void IStreamEnd.OnSent(int bytes)
    {
        if (!IsDead) Send();
    }

    void IStreamEnd.OnClosed()
    {
        if (IsDead || _stream is null) return;

        Lost();
    }

    private void Perform(ClientEffect effect)
    {
        switch (effect.Kind)
        {
            case ClientEffectKind.Dial:
                _clock.After(TimeSpan.FromMilliseconds(1), Dial);
                break;
            case ClientEffectKind.Hangup:
                Send();
                _stream?.CloseFrom(0);
                _stream = null;
                _rest = [];
                break;
            case ClientEffectKind.Deliver:
                ((Action<NatsMsg>)effect.Subscription!.Receiver!)(effect.Message);
                break;
            case ClientEffectKind.Reply when _replies.Remove(effect.Token, out var handler):
                handler(effect.Message);
                break;
            case ClientEffectKind.RequestLost when _replies.Remove(effect.Token, out var handler):
                handler(null);
                break;
            case ClientEffectKind.News when effect.News!.Kind is NatsConnectionNewsKind.Connected:
                LinkChanged?.Invoke(true);
                break;
            case ClientEffectKind.News when effect.News!.Kind is NatsConnectionNewsKind.Disconnected:
                LinkChanged?.Invoke(false);
                break;
        }
    }

    private void Dial()
    {
        if (IsDead) return;

        if (_link.IsCut || _broker() is not { IsDead: false } broker)
        {
            Core.OnLinkLost(_now(), "connection refused");
            Pump();
            return;
        }

        var end = broker.Accept(ConnectionKind.Client, _isInProcess);
        _stream = end.Stream = _link.Open(this, end);
        _rest = [];
        Core.OnDialed(isSecure: false);
        broker.Pump();
        Pump();
    }

    private void Lost()
    {
        _stream = null;
        _rest = [];
        Core.OnLinkLost(_now(), "the link broke");
        Pump();
    }

    private void Send()
    {
        var output = Core.TakeOutput();
        if (output.Count > 0) _stream?.Send(0, [.. output]);
        if (output.Array is { Length: > 0 } array) ArrayPool<byte>.Shared.Return(array);
    }
}
