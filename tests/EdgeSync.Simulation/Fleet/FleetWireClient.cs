using System.Buffers;
using System.Buffers.Text;
using System.Globalization;
using System.Text;
using EdgeSync.Nats;
using EdgeSync.Nats.Broker;
using EdgeSync.Nats.Wire;
using EdgeSync.Primitives;
using EdgeSync.Tests.Support;

namespace EdgeSync.Simulation.Fleet;

/// <summary>
/// A plain client of a broker elsewhere, over a stream of the simulation: it stands for the client library that the
/// shipped program uses there. Dials again with growing pauses, subscribes again, and gives up a server that does not
/// answer pings.
/// </summary>
internal sealed class FleetWireClient(
    string name, SimProcess process, FleetClock clock, FleetLink link, Func<FleetBroker?> broker,
    Prng prng) : FleetClient(process)
{
    private const int UnansweredPingsMax = 2;

    private static readonly TimeSpan PingInterval = TimeSpan.FromSeconds(20);
    private static readonly TimeSpan PauseMin = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan PauseMax = TimeSpan.FromSeconds(10);

    private readonly List<Wanted> _subscriptions = [];
    private readonly Dictionary<long, Action<NatsReply>> _requests = [];
    private readonly string _inbox = $"_INBOX.{name}{prng.NextUInt64():x}.";
    private Wire? _wire;
    private TimeSpan _pause = PauseMin;
    private bool _isUp;
    private long _lastId = 1;
    private int _unanswered;
    private int _maxPayload = 1 << 20;

    public override bool IsConnected => _isUp && !IsDead;

    public override int MaxPayload => _maxPayload;

    public override int RequestsOpen => _requests.Count;

    public override void Start() => clock.After(TimeSpan.FromMilliseconds(1), Dial);

    protected override NatsOutcome Send(
        string subject, ReadOnlyMemory<byte> data, NatsHeaders? headers, string? replyTo)
    {
        if (!IsConnected) return NatsOutcome.Disconnected;

        var block = headers?.ToBytes() ?? [];
        if (block.Length + data.Length > MaxPayload) return NatsOutcome.TooLarge;

        Send(output => NatsOps.WritePub(output, Bytes(subject), Bytes(replyTo ?? ""), block, data.Span));
        return NatsOutcome.Ok;
    }

    protected override IDisposable Open(string subject, string? queueGroup, Action<NatsMessage> received)
    {
        var wanted = new Wanted(this, ++_lastId, subject, queueGroup ?? "", received);
        _subscriptions.Add(wanted);
        if (IsConnected) Send(wanted.Write);
        return wanted;
    }

    public override NatsOutcome TryRequest(
        string subject, ReadOnlyMemory<byte> data, NatsHeaders? headers, Action<NatsReply> replied, out long request,
        string? replier = null)
    {
        request = ++_lastId;
        var outcome = Send(subject, data, headers, string.Create(CultureInfo.InvariantCulture, $"{_inbox}{request}"));
        if (outcome == NatsOutcome.Ok) _requests[request] = replied;
        return outcome;
    }

    public override void Forget(long request) => _requests.Remove(request);

    public override void Close() => Die();

    public override void Die()
    {
        base.Die();
        _wire?.Stream?.CloseFrom(0);
        _wire = null;
    }

    private static byte[] Bytes(string text) => Encoding.UTF8.GetBytes(text);

    private void Take(NatsVerb verb, long sid, NatsMessage message)
    {
        switch (verb)
        {
            case NatsVerb.Info when !_isUp:
                Send(output =>
                {
                    NatsOpWriter.WriteConnect(
                        output,
                        new ConnectOptions
                        {
                            Name = name,
                            Echo = false,
                            Headers = true,
                            NoResponders = true,
                            ProtocolVersion = 1
                        });
                    NatsOps.WriteSub(output, Bytes(_inbox + "*"), default, "1"u8);
                    foreach (var wanted in _subscriptions) wanted.Write(output);
                    output.Write(NatsOpWriter.Ping);
                });
                break;
            case NatsVerb.Pong when !_isUp:
                (_isUp, _pause) = (true, PauseMin);
                LinkChanged?.Invoke(true);
                break;
            case NatsVerb.Ping:
                Send(output => output.Write(NatsOpWriter.Pong));
                break;
            case NatsVerb.Msg or NatsVerb.HMsg when sid == 1:
                if (long.TryParse(message.Subject.AsSpan(_inbox.Length), CultureInfo.InvariantCulture, out var request)
                    && _requests.Remove(request, out var replied))
                    replied(NatsReply.Of(message));
                break;
            case NatsVerb.Msg or NatsVerb.HMsg:
                _subscriptions.Find(s => s.Sid == sid)?.Received(message);
                break;
        }
    }

    private void Dial()
    {
        if (IsDead || _wire is not null) return;

        if (link.IsCut || broker() is not { IsDead: false } there)
        {
            DialLater();
            return;
        }

        var end = there.Accept(ConnectionKind.Client);
        var wire = _wire = new Wire(this);
        wire.Stream = end.Stream = link.Open(wire, end);
        _unanswered = 0;
        clock.After(PingInterval, () => Ping(wire));
        there.Pump();
    }

    private void DialLater()
    {
        clock.After(_pause + TimeSpan.FromMilliseconds(prng.NextInt32(100)), Dial);
        _pause = _pause * 2 < PauseMax ? _pause * 2 : PauseMax;
    }

    private void Ping(Wire wire)
    {
        if (IsDead || wire != _wire) return;

        if (_unanswered++ >= UnansweredPingsMax)
        {
            Process.Run(Lose);
            return;
        }

        Send(output => output.Write(NatsOpWriter.Ping));
        clock.After(PingInterval, () => Ping(wire));
    }

    private void Lose()
    {
        _wire?.Stream?.CloseFrom(0);
        (_wire, var wasUp, _isUp) = (null, _isUp, false);
        var waiting = _requests.Values.ToList();
        _requests.Clear();
        foreach (var replied in waiting) replied(NatsReply.Failed(NatsOutcome.Disconnected));
        if (wasUp) LinkChanged?.Invoke(false);
        DialLater();
    }

    private void Send(Action<ArrayBufferWriter<byte>> write)
    {
        var output = new ArrayBufferWriter<byte>();
        write(output);
        _wire?.Stream?.Send(0, output.WrittenSpan.ToArray());
    }

    /// <summary>One link; what comes over an earlier one is dropped.</summary>
    private sealed class Wire(FleetWireClient client) : IStreamEnd
    {
        private byte[] _rest = [];

        public FleetStream? Stream { get; set; }

        private bool IsCurrent => !client.IsDead && client._wire == this;

        public void OnBytes(byte[] bytes)
        {
            if (!IsCurrent) return;

            client._unanswered = 0;
            byte[] input = [.. _rest, .. bytes];
            var reader = new NatsOpReader(input, WireLimits.OfServers);
            var got = new List<(NatsVerb Verb, long Sid, NatsMessage Message)>();
            while (reader.TryReadFromServer(out var op) == OperationStatus.Done)
            {
                if (op.Verb == NatsVerb.Info && ServerInfo.TryParse(op.Arguments, out var info))
                    client._maxPayload = info.MaxPayload;
                var isMessage = op.Verb is NatsVerb.Msg or NatsVerb.HMsg;
                var sid = isMessage && Utf8Parser.TryParse(op.Sid, out long number, out _) ? number : 0;
                got.Add(
                    (
                        op.Verb, sid,
                        isMessage ? NatsMessage.Copy(op.Subject, op.Reply, op.HeaderBytes, op.Payload) : default));
            }

            Invariant.Require(reader.Fault == WireFault.None);
            _rest = input[reader.Consumed..];
            client.Process.Run(() =>
            {
                foreach (var (verb, sid, message) in got)
                    if (IsCurrent) client.Take(verb, sid, message);
            });
        }

        public void OnSent(int bytes)
        {
        }

        public void OnClosed()
        {
            if (IsCurrent) client.Process.Run(client.Lose);
        }
    }

    private sealed record Wanted(
        FleetWireClient Client, long Sid, string Subject, string Queue, Action<NatsMessage> Received) : IDisposable
    {
        public void Write(ArrayBufferWriter<byte> output) =>
            NatsOps.WriteSub(
                output, Bytes(Subject), Bytes(Queue), Bytes(Sid.ToString(CultureInfo.InvariantCulture)));

        public void Dispose()
        {
            Client._subscriptions.Remove(this);
            if (Client.IsConnected)
                Client.Send(
                    output => NatsOps.WriteUnsub(output, Bytes(Sid.ToString(CultureInfo.InvariantCulture)), 0));
        }
    }
}
