using System.Collections.Concurrent;
using EdgeSync.Agent;
using EdgeSync.Agent.Bridge;
using EdgeSync.Agent.Messages;
using EdgeSync.Nats;
using EdgeSync.Nats.Exchange;
using EdgeSync.Net.Http;
using EdgeSync.Net.Nats;
using EdgeSync.Node.Brokers;
using EdgeSync.Node.Loops;
using EdgeSync.Node.Metrics;
using EdgeSync.Node.Repositories;
using EdgeSync.Node.Settings;
using EdgeSync.Node.Sync;
using EdgeSync.Primitives;
using BridgeProjectStatus = EdgeSync.Node.Status.BridgeProjectStatus;

namespace EdgeSync.Node.Agents;

/// <summary>
/// Forwards requests of NATS peers unchanged to Fossil servers that support HTTP only: the bridge holds no repository.
/// Its core decides what is sent when, again, or not at all.
/// </summary>
internal sealed class BridgeNode : IAsyncDisposable
{
    private static readonly TimeSpan Heartbeat = TimeSpan.FromSeconds(20);
    private static readonly TimeSpan ProbePatience = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan GreetPause = TimeSpan.FromMilliseconds(50);

    private readonly NodeContext _node;
    private readonly NatsAccess _nats;
    private readonly RunningTasks _tasks;
    private readonly CancellationTokenSource _stop = new();
    private readonly Dictionary<string, Upstream> _upstreams = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<long, Pending> _pending = new();
    private readonly List<NatsResponder> _responders = [];
    private readonly List<NatsMessageQueue> _listening = [];
    private readonly List<UpstreamFile> _files = [];
    private readonly CoreLoop<BridgeCore> _loop;

    private BridgeNode(IReadOnlyList<BridgedProject> projects, NatsAccess nats, NodeContext node)
    {
        (_node, _nats) = (node, nats);
        _tasks = new RunningTasks(node.Failed, node.Log);
        var core = new BridgeCore(new BridgeOptions { NodeId = node.NodeId }, node.NewPrng(), node.Entropy);
        foreach (var project in projects)
        {
            _upstreams[project.Subjects.ProjectCode] = new Upstream(project.Server, project.Subjects);
            core.SetProject(project.Subjects.ProjectCode, project.Server.Url, project.Probe);
        }

        _loop = new CoreLoop<BridgeCore>(
            core, new CoreDrive<BridgeCore>(c => c.Deadline, (c, now) => c.OnDeadline(now), Drain), node.Clock,
            node.Scheduler);
    }

    /// <summary>A bridge over HTTP, by the settings.</summary>
    /// <exception cref="EdgeSyncException">A file named in the settings does not exist.</exception>
    public static BridgeNode Start(BridgeSection settings, NatsAccess nats, NodeContext node)
    {
        var bridge = Start(
            [
                .. settings.Projects.Select(
                    p => new BridgedProject(
                        new ProjectSubjects(p.Prefix, p.Code), HttpUpstream.Open(p, node.Clock),
                        ProbeOf(p)))], nats, node);
        foreach (var project in settings.Projects)
            if (project.FossilFile is { } watched)
                bridge._files.Add(new UpstreamFile(watched, () => bridge.NudgeAsync(project.Code), node.Clock));
        return bridge;
    }

    public static BridgeNode Start(IReadOnlyList<BridgedProject> projects, NatsAccess nats, NodeContext node)
    {
        var bridge = new BridgeNode(projects, nats, node);
        foreach (var (code, upstream) in bridge._upstreams)
        {
            bridge._responders.Add(NatsResponder.Start(
                nats.Bus, nats.Exchange, upstream.Subjects,
                (message, ticket, _, token) => bridge.HandleAsync(code, message, ticket, token), node));
            var presence = nats.Subscribe(upstream.Subjects.Presence);
            var commits = nats.Subscribe(upstream.Subjects.Commit);
            bridge._listening.AddRange([presence, commits]);
            bridge._tasks.Start(() => bridge.GreetAsync(code, upstream, presence));
            bridge._tasks.Start(() => bridge.ListenAsync(code, commits));
        }

        bridge._tasks.Start(bridge.ShowAsync);
        return bridge;
    }

    public async Task<IReadOnlyList<BridgeProjectStatus>> StatusAsync(CancellationToken cancellationToken)
    {
        var projects = await _loop.InvokeAsync((core, _) => core.Projects.ToList(), cancellationToken);
        return
        [
            .. projects.Select(p => new BridgeProjectStatus
            {
                ProjectCode = p.ProjectCode,
                Upstream = p.Url,
                State = p.Reason is null ? "serving" : "failing",
                Requests = p.Requests,
                Errors = p.Errors,
                LastError = p.Reason,
                LastAnsweredAt = p.LastOk is { } at ? new DateTimeOffset(at.ToDateTime()) : null,
            }),
        ];
    }

    /// <summary>Checks the servers at once, or the one of a project, for new artifacts.</summary>
    public Task NudgeAsync(string? code = null) => _loop.PostAsync((core, now) => core.Nudge(now, code)).AsTask();

    /// <summary>Announces at once that this node is connected (again).</summary>
    public void OnLinkUp() => Show(PresenceState.Join);

    public async ValueTask DisposeAsync()
    {
        Show(PresenceState.Leave);
        foreach (var file in _files) await file.DisposeAsync();
        foreach (var subscription in _listening) subscription.Dispose();
        foreach (var responder in _responders) await responder.DisposeAsync();
        _stop.Cancel();
        await _loop.DisposeAsync();
        foreach (var pending in _pending.Values)
            pending.Answer.TrySetResult(ResponderAnswer.Refused(ExchangeRefusal.Busy, "the bridge is stopping"));
        await _tasks.DisposeAsync();
        foreach (var upstream in _upstreams.Values) upstream.Server.Dispose();
        _stop.Dispose();
    }

    private async Task<ResponderAnswer> HandleAsync(
        string code, NatsMessage message, ExchangeTicket ticket, CancellationToken cancellationToken)
    {
        var (parent, state) = NatsHeadersOf.TraceOf(message.Headers);
        using var span = BridgeSpan.Begin(message.Subject, message.Data.Length, code, parent, state);
        var type = XferContentTypes.TryParse(
            ticket.ContentType ?? XferContentTypes.NameOf(XferContentType.Compressed), out var given)
            ? given
            : XferContentType.Compressed;
        var pending = new Pending(message.Data, type) { Span = span.Activity };
        await _loop.PostAsync((core, now) => _pending[core.OnRequest(now, code)] = pending);
        var answer = await LoopTask.WaitAsync(pending.Answer, cancellationToken);
        span.Complete(answer.Refusal == ExchangeRefusal.None ? null : answer.Reason ?? "refused");
        return answer;
    }

    private void Drain(BridgeCore core)
    {
        while (core.TryTake(out var effect))
        {
            switch (effect)
            {
                case BridgeEffect.Forward forward:
                    _tasks.Start(() => ForwardAsync(forward));
                    break;
                case BridgeEffect.Reply reply when _pending.TryRemove(reply.RequestId, out var pending):
                    pending.Answer.TrySetResult(
                        new ResponderAnswer(
                            pending.Reply,
                            pending.ReplyType == XferContentType.Compressed ? null : XferContentTypes.NameOf(
                                pending.ReplyType)));
                    break;
                case BridgeEffect.Refuse refuse when _pending.TryRemove(refuse.RequestId, out var pending):
                    pending.Answer.TrySetResult(ResponderAnswer.Refused(refuse.Refusal, refuse.Reason));
                    break;
                case BridgeEffect.Probe probe:
                    _tasks.Start(() => ProbeAsync(probe));
                    break;
                case BridgeEffect.Announce news:
                    var subject = _upstreams[news.ProjectCode].Subjects.Commit;
                    _nats.Publish(subject, news.Announcement.ToBytes());
                    break;
                case BridgeEffect.Show show:
                    var shown = _upstreams[show.ProjectCode];
                    shown.Tells = core.Tells(show.ProjectCode);
                    Show(shown, PresenceState.Alive);
                    break;
                case BridgeEffect.ProbeFailed failed:
                    _node.Log.BridgeProbeFailed(failed.ProjectCode, failed.Url, failed.Reason);
                    break;
                case BridgeEffect.UpstreamFailed failed:
                    _node.Log.BridgeUpstreamFailed(failed.ProjectCode, failed.Url, failed.Reason);
                    break;
            }
        }
    }

    private async Task ForwardAsync(BridgeEffect.Forward forward)
    {
        if (!_pending.TryGetValue(forward.RequestId, out var pending)) return;

        using var time = new CancellationTokenSource(
            forward.Timeout > TimeSpan.Zero ? forward.Timeout : TimeSpan.FromMilliseconds(1), _node.Clock);
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(_stop.Token, time.Token);
        UpstreamOutcome outcome;
        System.Diagnostics.Activity.Current = pending.Span;   // this flow began at the core's loop, not at the request
        try
        {
            await PostAsync(_upstreams[forward.ProjectCode], pending, limit.Token);
            outcome = UpstreamOutcome.Answered;
        }
        catch (OperationCanceledException)
        {
            outcome = new UpstreamOutcome(UpstreamOutcomeKind.Lost, "no answer in time");
        }
        catch (EdgeSyncException e)
        {
            outcome = new UpstreamOutcome(KindOf(e), e.Message);
        }

        await _loop.PostAsync((core, now) => core.OnUpstream(now, forward.RequestId, outcome));
    }

    private async Task ProbeAsync(BridgeEffect.Probe probe)
    {
        using var time = new CancellationTokenSource(ProbePatience, _node.Clock);
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(_stop.Token, time.Token);
        ReadOnlyMemory<byte>? reply = null;
        string? reason = null;
        try
        {
            var pending = new Pending(probe.Body, XferContentType.Compressed);
            await PostAsync(_upstreams[probe.ProjectCode], pending, limit.Token);
            using var memory = MemoryLimit.Messages.Open();
            reply = MessageFrame.Decode(
                MessageFrame.EncodingOf(pending.ReplyType), pending.Reply, _upstreams[probe.ProjectCode].Server.Url,
                memory);
        }
        catch (OperationCanceledException)
        {
            reason = "no answer in time";
        }
        catch (EdgeSyncException e)
        {
            reason = e.Message;
        }

        await _loop.PostAsync((core, now) => core.OnProbed(now, probe.ProjectCode, reply, reason));
    }

    private static ProbeOptions? ProbeOf(BridgeProject project)
    {
        if (project.Probe <= TimeSpan.Zero) return null;

        var login = project.LoginFile is { } file ? Secrets.FirstLine(file).Split(':', 2) : null;
        return new ProbeOptions
        {
            PauseMin = project.Probe,
            PauseMax = project.Probe > project.ProbeMax ? project.Probe : project.ProbeMax,
            Login = login?[0],
            Password = login is { Length: 2 } ? login[1] : "",
        };
    }

    private static async Task PostAsync(Upstream upstream, Pending pending, CancellationToken cancellationToken) =>
        (pending.Reply, pending.ReplyType) = await upstream.Server.PostAsync(
            pending.Type, pending.Body, cancellationToken);

    private static UpstreamOutcomeKind KindOf(EdgeSyncException failure) => failure switch
    {
        XferHttpException { Status: 429 or 503 } => UpstreamOutcomeKind.Busy,
        XferHttpException { Status: >= 400 and < 500 } => UpstreamOutcomeKind.Refused,
        XferHttpException => UpstreamOutcomeKind.Failed,
        {
            InnerException: HttpRequestException
            {
                HttpRequestError: HttpRequestError.ConnectionError
                    or HttpRequestError.NameResolutionError or HttpRequestError.SecureConnectionError,
            },
        } => UpstreamOutcomeKind.NotReached,
        { Kind: ErrorKind.Unavailable } => UpstreamOutcomeKind.Lost,
        _ => UpstreamOutcomeKind.Failed,
    };

    private async Task ShowAsync()
    {
        using var timer = new PeriodicTimer(Heartbeat, _node.Clock);
        Show(PresenceState.Join);
        while (await timer.WaitForNextTickAsync(_stop.Token)) Show(PresenceState.Alive);
    }

    // As a hub, because all peers push to it and pull from it; as a bridge, because it does not announce what others
    // pushed.
    private void Show(PresenceState state)
    {
        foreach (var upstream in _upstreams.Values) Show(upstream, state);
    }

    private void Show(Upstream upstream, PresenceState state)
    {
        var presence = new Presence
        {
            PeerId = _node.NodeId,
            State = state,
            Role = NodeRole.Hub,
            Version = BuildInfo.Version,
            Capabilities = upstream.Tells
            ? [AgentOptions.BridgeCapability, "serve-nats", AgentOptions.AnnouncesCapability]
            : [AgentOptions.BridgeCapability, "serve-nats"],
            Interval = Heartbeat,
        };
        _nats.Publish(upstream.Subjects.Presence, presence.ToBytes());
    }

    // A peer that joins gets a heartbeat soon: until then it would search for others. Joins within the pause share one.
    private async Task GreetAsync(string code, Upstream upstream, NatsMessageQueue presence)
    {
        await foreach (var message in presence.ReadAllAsync(_stop.Token))
        {
            if (!Presence.TryParse(message.Data.Span, out var other) || other.PeerId == _node.NodeId) continue;

            _loop.TryPost((core, now) => core.OnListener(now, code));
            if (other.State != PresenceState.Join) continue;

            await Task.Delay(GreetPause, _node.Clock, _stop.Token);
            while (presence.TryRead(out _))
            {
                // Answered by the same heartbeat.
            }

            Show(upstream, PresenceState.Alive);
        }
    }

    private async Task ListenAsync(string code, NatsMessageQueue commits)
    {
        await foreach (var message in commits.ReadAllAsync(_stop.Token))
        {
            if (Announcement.TryParse(message.Data.Span, out var announcement))
                _loop.TryPost((core, now) => core.OnAnnouncement(now, code, announcement));
        }
    }

    private sealed record Upstream(IUpstreamServer Server, ProjectSubjects Subjects)
    {
        public volatile bool Tells;
    }

    /// <summary>A request that waits for its reply.</summary>
    private sealed class Pending(ReadOnlyMemory<byte> body, XferContentType type)
    {
        public ReadOnlyMemory<byte> Body => body;

        public XferContentType Type => type;

        public System.Diagnostics.Activity? Span { get; init; }

        public ReadOnlyMemory<byte> Reply { get; set; }

        public XferContentType ReplyType { get; set; }

        public TaskCompletionSource<ResponderAnswer> Answer { get; } = new(
            TaskCreationOptions.RunContinuationsAsynchronously);
    }
}
