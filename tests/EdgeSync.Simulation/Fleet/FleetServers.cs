using EdgeSync.Agent;
using EdgeSync.Nats;
using EdgeSync.Nats.Exchange;
using EdgeSync.Nats.Wire;
using EdgeSync.Primitives;

namespace EdgeSync.Simulation.Fleet;

/// <summary>A NATS server that is nobody's: only a broker.</summary>
internal sealed class FleetServer(Fleet fleet, string name, Prng prng)
{
    public string Name => name;

    public FleetBroker? Broker { get; private set; }

    public void Start() => Broker = new FleetBroker(name, fleet.Clock, () => fleet.Clock.Now, prng.Fork());

    public void Kill()
    {
        Broker?.Die();
        Broker = null;
    }
}

/// <summary>A Fossil server: a repository behind HTTP, that knows nothing of all this.</summary>
internal sealed class FleetWebServer(FleetNode repository, FleetLink link)
{
    public const string Url = "http://server/";

    public FleetNode Repository => repository;

    public FleetLink Link => link;

    public bool IsDown { get; set; }

    public void Post(FleetClock clock, byte[] body, Action<UpstreamOutcome, byte[]?, string?> onReply)
    {
        if (IsDown || link.IsCut)
        {
            clock.After(link.Profile.OneWay * 2, () => onReply(new UpstreamOutcome(UpstreamOutcomeKind.NotReached, "connection refused"), null, null));
            return;
        }

        clock.After(link.Delay(body.Length), () =>
        {
            if (link.IsStalled[0]) return;
            if (IsDown || link.IsCut)
            {
                onReply(new UpstreamOutcome(UpstreamOutcomeKind.Lost, "the connection broke"), null, null);
                return;
            }

            var reply = repository.Serve(body, "web", 5_000_000);
            clock.After(link.Delay(reply?.Body.Length ?? 0), () =>
            {
                if (link.IsStalled[1]) return;
                if (link.IsCut || reply is null) onReply(new UpstreamOutcome(UpstreamOutcomeKind.Lost, "the connection broke"), null, null);
                else onReply(UpstreamOutcome.Answered, reply.Value.Body, reply.Value.ContentType);
            });
        });
    }
}

/// <summary>The bridge: its decisions are the real ones, its HTTP and NATS are the simulation's.</summary>
internal sealed class FleetBridge
{
    private static readonly TimeSpan ProbePatience = TimeSpan.FromSeconds(10);

    private readonly Fleet _fleet;
    private readonly FleetWebServer _server;
    private readonly BridgeCore _core;
    private readonly FleetBeacon _beacon;
    private readonly ExchangeResponder _responder;
    private readonly Dictionary<long, (string ReplyTo, ExchangeTicket Ticket, byte[] Body)> _requests = [];
    private readonly Dictionary<long, (byte[] Body, string? Type)> _replies = [];
    private int _ids;
    private long _wake;

    public FleetBridge(Fleet fleet, FleetWebServer server, FleetLink link, Func<FleetBroker?> broker, Prng prng)
    {
        (_fleet, _server) = (fleet, server);
        _core = new BridgeCore(new BridgeOptions(), prng.Fork(), new SeededEntropy(prng.NextUInt64()));
        _core.SetProject(fleet.Subjects.ProjectCode, FleetWebServer.Url, new ProbeOptions());
        var options = new AgentOptions
        {
            NodeId = "bridge",
            Subjects = fleet.Subjects,
            Role = NodeRole.Hub,
            Capabilities = [AgentOptions.BridgeCapability],
        };
        _beacon = new FleetBeacon(options, prng.Fork());
        _responder = new ExchangeResponder(new ExchangeOptions { NodeId = "bridge", PartBytes = 16 << 10 }, () => $"b{++_ids}");
        Client = new FleetWireClient("bridge", fleet.Clock, link, broker, prng.Fork());
        Client.LinkChanged = isUp =>
        {
            if (isUp) _beacon.OnLinkUp(Now);
            else _beacon.OnLinkDown();
            Settle();
        };
        Client.Subscribe(fleet.Subjects.Sync, fleet.Subjects.QueueGroup, m => OnRequest(m, isForAny: true));
        Client.Subscribe(fleet.Subjects.SyncOf("bridge"), null, m => OnRequest(m, isForAny: false));
        Client.Subscribe(fleet.Subjects.Presence, null, m =>
        {
            if (Presence.TryParse(m.Data.Span, out var presence)) _beacon.OnPresence(Now, presence);
            _core.OnListener(Now, fleet.Subjects.ProjectCode);
            Settle();
        });
        Client.Subscribe(fleet.Subjects.Commit, null, m =>
        {
            if (Announcement.TryParse(m.Data.Span, out var announcement)) _core.OnAnnouncement(Now, fleet.Subjects.ProjectCode, announcement);
            Settle();
        });
        Client.Start();
    }

    public FleetClient Client { get; }

    public int RequestsOpen => _requests.Count;

    private Instant Now => _fleet.Clock.Now;

    public void Stop()
    {
        _beacon.Stop();
        Settle();
        Client.Close();
    }

    private void OnRequest(NatsMessage message, bool isForAny)
    {
        if (message.ReplyTo is not { } replyTo) return;

        if (isForAny) _fleet.OnAnswered(replyTo, this);
        var step = _responder.OnRequest(Now, ExchangeHead.Parse(message.Headers), message.Data, out var ticket, out var whole);
        if (step == ExchangeStep.Ignore) return;
        if (step == ExchangeStep.Answer)
        {
            Answer(replyTo, whole);
            return;
        }

        var id = _core.OnRequest(Now, _fleet.Subjects.ProjectCode);
        _requests[id] = (replyTo, ticket, whole.Body.ToArray());
        Settle();
    }

    private void Settle()
    {
        while (_core.TryTake(out var effect))
        {
            switch (effect)
            {
                case BridgeEffect.Forward forward:
                    _server.Post(_fleet.Clock, _requests[forward.RequestId].Body, (outcome, body, type) =>
                    {
                        if (body is not null) _replies[forward.RequestId] = (body, type);
                        _core.OnUpstream(Now, forward.RequestId, outcome);
                        Settle();
                        _replies.Remove(forward.RequestId);
                    });
                    break;
                case BridgeEffect.Probe probe:
                    var isTold = false;
                    void Tell(byte[]? body, string? reason)
                    {
                        if (isTold) return;

                        isTold = true;
                        _core.OnProbed(Now, probe.ProjectCode, body, reason);
                        Settle();
                    }

                    _server.Post(_fleet.Clock, probe.Body.ToArray(), (outcome, body, _) => Tell(body, outcome.Reason));
                    _fleet.Clock.After(ProbePatience, () => Tell(null, "no answer in time"));
                    break;
                case BridgeEffect.Announce news:
                    Client.Publish(_fleet.Subjects.Commit, news.Announcement.ToBytes());
                    break;
                case BridgeEffect.Show:
                    _beacon.OnTells(Now, _core.Tells(_fleet.Subjects.ProjectCode));
                    break;
                case BridgeEffect.Reply reply when _requests.Remove(reply.RequestId, out var request):
                    var (replyBody, contentType) = _replies[reply.RequestId];
                    Answer(request.ReplyTo, _responder.Reply(Now, request.Ticket, replyBody, contentType));
                    _responder.OnAnswered(request.Ticket);
                    break;
                case BridgeEffect.Refuse refuse when _requests.Remove(refuse.RequestId, out var request):
                    Answer(request.ReplyTo, _responder.Refuse(refuse.Refusal, refuse.Reason));
                    _responder.OnAnswered(request.Ticket);
                    break;
            }
        }

        while (_beacon.TryTake(out var publish)) Client.Publish(publish.Subject, publish.Payload);
        var wake = _core.Deadline;
        if (_beacon.Deadline is { } beat && (wake is null || beat < wake)) wake = beat;
        if (wake is not { } at) return;

        var ticket = ++_wake;
        _fleet.Clock.At(at, () =>
        {
            if (ticket != _wake) return;

            _core.OnDeadline(Now);
            _beacon.OnDeadline(Now);
            _responder.OnDeadline(Now);
            Settle();
        });
    }

    private void Answer(string replyTo, ExchangeMessage message)
    {
        var headers = new NatsHeaders();
        foreach (var (key, value) in message.Head.ToFields()) headers.Add(key, value);
        Client.Publish(replyTo, message.Body, headers);
    }
}
