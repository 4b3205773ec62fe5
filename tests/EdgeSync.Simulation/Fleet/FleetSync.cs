using System.Buffers;
using EdgeSync.Agent;
using EdgeSync.Fossil.Sync;
using EdgeSync.Fossil.Xfer;
using EdgeSync.Nats;
using EdgeSync.Nats.Exchange;
using EdgeSync.Nats.Wire;
using EdgeSync.Primitives;
using EdgeSync.Tests.Support;

namespace EdgeSync.Simulation.Fleet;

/// <summary>One exchange that the agent wanted: the engine's session over NATS or HTTP, with the losses that a program meets.</summary>
internal sealed class FleetSync : IDisposable
{
    private const int LossesMax = 3;

    private static readonly TimeSpan HttpTimeout = TimeSpan.FromSeconds(30);

    private readonly FleetNode _node;
    private readonly AgentEffect.StartSync _order;
    private readonly ClientSession _session;
    private readonly PullClaim _claim;
    private readonly Dictionary<long, int> _tokens = [];
    private ExchangeRequest? _request;
    private string? _responder;
    private int _losses;
    private int _received;
    private int _sent;
    private bool _isOver;
    private long _httpWait;

    public FleetSync(FleetNode node, AgentEffect.StartSync order, ulong seed)
    {
        (_node, _order) = (node, order);
        _claim = node.Claims.Open(node.Now);
        var options = SampleProject.Options(order.Actions) with
        {
            Claim = _claim,
            ConfigPull = ConfigAreas.None,
            RequestBytesFirst = order.Target.Kind == TargetKind.Http ? 1 << 20 : 200_000,
        };
        _session = new ClientSession(node.Store, options, new SeededEntropy(seed));
        _responder = order.Target.Kind == TargetKind.NatsPeer && node.IsOurs(order.Target.PeerId) ? order.Target.PeerId : null;
    }

    public void Start()
    {
        _node.Clock.After(_order.Timeout, () => End(new SyncOutcome(SyncOutcomeKind.TimedOut, "no end in time")));
        Next();
    }

    /// <summary>The program died.</summary>
    public void Dispose()
    {
        if (_isOver) return;

        _isOver = true;
        _session.Dispose();
    }

    private void Next()
    {
        if (_isOver) return;

        var message = new ArrayBufferWriter<byte>();
        if (!_session.TryBuildRequest(_node.Now, message))
        {
            var report = _session.Report;
            _received = report.ArtifactsReceived + report.UnversionedReceived + report.RowsReceived;
            _sent = report.ArtifactsSent + report.UnversionedSent;
            End(report.Fault is { } fault ? new SyncOutcome(KindOf(fault.Kind), fault.Text, _responder) : SyncOutcome.Ok(_received, _sent, _responder) with { LeftToOthers = report.LeftToOthers });
            return;
        }

        var body = new ArrayBufferWriter<byte>(message.WrittenCount / 2 + 64);
        XferFrame.Encode(XferEncoding.Zlib, message.WrittenSpan, body, System.IO.Compression.CompressionLevel.Fastest);
        if (_order.Target.Kind == TargetKind.Http)
        {
            var wait = ++_httpWait;
            _node.Clock.After(HttpTimeout, () => OnHttp(wait, null, null));
            _node.PostHttp(_order.Target.Address, body.WrittenMemory.ToArray(), (reply, type) => OnHttp(wait, reply, type));
            return;
        }

        _request = new ExchangeRequest(_node.ExchangeOptions, _node.Now, body.WrittenMemory.ToArray(), _node.NextId(), _responder, isAddressed: _order.Target.Kind == TargetKind.NatsPeer);
        Drive();
    }

    private void OnHttp(long wait, byte[]? reply, string? type)
    {
        if (_isOver || wait != _httpWait) return;

        _httpWait++;
        if (reply is null) Lose(SyncOutcomeKind.Unreachable, "the server does not answer", tooLarge: false);
        else Take(reply, type);
    }

    private void Drive()
    {
        while (!_isOver && _request is { } request)
        {
            if (request.Result is { } result)
            {
                foreach (var token in _tokens.Keys) _node.Client!.Forget(token);
                _tokens.Clear();
                _request = null;
                OnResult(result);
                return;
            }

            if (!request.TryTake(out var send)) break;

            var subject = send.ToResponder is { } peer ? _node.Subjects.SyncOf(peer) : _order.Target.Address;
            var headers = new NatsHeaders();
            foreach (var (key, value) in send.Message.Head.ToFields()) headers.Add(key, value);
            var sent = 0L;
            var outcome = _node.Client!.TryRequest(
                subject, send.Message.Body, headers, reply => OnReply(request, sent, send.Token, reply), out sent);
            if (outcome == NatsOutcome.Ok) _tokens[sent] = send.Token;
            else _node.Clock.After(TimeSpan.Zero, () => OnReply(request, 0, send.Token, NatsReply.Failed(outcome)));
        }

        if (_isOver || _request?.Deadline is not { } deadline) return;

        var waiting = _request;
        _node.Clock.After(deadline - _node.Now, () =>
        {
            if (_isOver || waiting != _request) return;

            waiting.OnDeadline(_node.Now);
            if (waiting.Deadline is not { } next || next != deadline) Drive();
        });
    }

    private void OnReply(ExchangeRequest request, long natsToken, int token, NatsReply reply)
    {
        _tokens.Remove(natsToken);
        _claim.OnHeard(_node.Now);
        if (_isOver || request != _request) return;

        if (reply.Outcome is not (NatsOutcome.Ok or NatsOutcome.NoResponders))
        {
            _request = null;
            End(new SyncOutcome(SyncOutcomeKind.Unreachable, "the connection to NATS broke", _responder));
            return;
        }

        if (reply.Outcome == NatsOutcome.NoResponders) request.OnNoResponders(_node.Now, token);
        else request.OnReply(_node.Now, token, ExchangeHead.Parse(reply.Message.Headers), reply.Message.Data);
        Drive();
    }

    private void OnResult(ExchangeResult result)
    {
        _responder = result.Responder ?? _responder;
        switch (result.Kind)
        {
            case ExchangeResultKind.Ok:
                Take(result.Body, result.ContentType);
                break;
            case ExchangeResultKind.NoResponders:
                End(new SyncOutcome(SyncOutcomeKind.NoResponders, result.Reason));
                break;
            case ExchangeResultKind.Refused or ExchangeResultKind.Empty:
                Lose(SyncOutcomeKind.PeerFailed, result.Reason, result.Refusal == ExchangeRefusal.TooLarge);
                break;
            default:
                Lose(SyncOutcomeKind.TimedOut, result.Reason, result.Kind == ExchangeResultKind.TooLarge);
                break;
        }
    }

    private void Take(ReadOnlyMemory<byte> body, string? contentType)
    {
        if (!XferFrame.TryGetEncoding(contentType ?? XferFrame.ZlibContentType, out var encoding)
            || XferFrame.TryDecode(encoding, body, 1 << 26, out var reply) != XferFrameFault.None)
        {
            Lose(SyncOutcomeKind.PeerFailed, "the reply does not unpack", tooLarge: false);
            return;
        }

        _losses = 0;
        _session.Receive(_node.Now, reply);
        Next();
    }

    private void Lose(SyncOutcomeKind kind, string? reason, bool tooLarge)
    {
        _session.OnLost(tooLarge);
        if (++_losses >= LossesMax) End(new SyncOutcome(kind, reason, _responder));
        else _node.Clock.After(TimeSpan.FromSeconds(_losses), Next);
    }

    private void End(SyncOutcome outcome)
    {
        if (_isOver) return;

        _isOver = true;
        foreach (var token in _tokens.Keys) _node.Client?.Forget(token);
        _session.Dispose();
        _node.OnSyncEnd(this, _order.SyncId, outcome);
    }

    private static SyncOutcomeKind KindOf(SyncFaultKind fault) => fault switch
    {
        SyncFaultKind.Denied or SyncFaultKind.LoginFailed => SyncOutcomeKind.Denied,
        SyncFaultKind.WrongProject => SyncOutcomeKind.WrongProject,
        SyncFaultKind.ReadOnly => SyncOutcomeKind.LocalFailed,
        _ => SyncOutcomeKind.PeerFailed,
    };
}
