using System.Globalization;
using EdgeSync.Agent.Messages;
using EdgeSync.Agent.Schedule;
using EdgeSync.Nats.Exchange;
using EdgeSync.Primitives;

namespace EdgeSync.Agent.Bridge;

/// <summary>Limits of a bridge.</summary>
public sealed record BridgeOptions
{
    /// <summary>Concurrent requests at one server; the others wait.</summary>
    public int ForwardsMax { get; init; } = 8;

    /// <summary>Requests that wait, for each project; more are refused as busy.</summary>
    public int WaitingMax { get; init; } = 64;

    /// <summary>
    /// How long a request may take in all. Shorter than the requester's timeout, so that it receives the reason.
    /// </summary>
    public TimeSpan Patience { get; init; } = TimeSpan.FromSeconds(25);

    /// <summary>Failures in a row after which the circuit of a server opens.</summary>
    public int FailuresUntilOpen { get; init; } = 5;

    /// <summary>Longest pause between attempts at a server that does not reply.</summary>
    public TimeSpan PauseMax { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>The bridge's node id, under which it announces artifacts of its servers.</summary>
    public string NodeId { get; init; } = "bridge";
}

/// <summary>The result of a request at the server.</summary>
public enum UpstreamOutcomeKind
{
    /// <summary>It replied with a message.</summary>
    Answered,

    /// <summary>No connection: the server has not received the request.</summary>
    NotReached,

    /// <summary>It is overloaded or restarting (429, 503), and has done nothing.</summary>
    Busy,

    /// <summary>It failed (other 5xx), or its reply is not a message.</summary>
    Failed,

    /// <summary>It rejects the request (4xx): a retry is useless.</summary>
    Refused,

    /// <summary>The connection broke after the request was sent: the server may have processed it.</summary>
    Lost,
}

/// <param name="Reason">The reason as a sentence.</param>
/// <param name="RetryAfter">The server's Retry-After.</param>
public sealed record UpstreamOutcome(UpstreamOutcomeKind Kind, string? Reason = null, TimeSpan? RetryAfter = null)
{
    public static UpstreamOutcome Answered { get; } = new(UpstreamOutcomeKind.Answered);
}

/// <summary>An action of the bridge.</summary>
public abstract record BridgeEffect
{
    private BridgeEffect()
    {
    }

    /// <summary>
    /// Post the request to its server, within <paramref name="Timeout"/>; reported by <see
    /// cref="BridgeCore.OnUpstream"/>.
    /// </summary>
    public sealed record Forward(
        long RequestId, string ProjectCode, string Url, int Attempt, TimeSpan Timeout) : BridgeEffect;

    /// <summary>Send the server's reply, with its content type.</summary>
    public sealed record Reply(long RequestId) : BridgeEffect;

    /// <summary>Reply with a refusal and its reason.</summary>
    public sealed record Refuse(long RequestId, ExchangeRefusal Refusal, string Reason) : BridgeEffect;

    /// <summary>Post a probe; reported by <see cref="BridgeCore.OnProbed"/>.</summary>
    public sealed record Probe(string ProjectCode, ReadOnlyMemory<byte> Body) : BridgeEffect;

    /// <summary>Announce new artifacts of the server.</summary>
    public sealed record Announce(string ProjectCode, Announcement Announcement) : BridgeEffect;

    /// <summary>The bridge starts or stops announcing its server's artifacts: publish its presence.</summary>
    public sealed record Show(string ProjectCode) : BridgeEffect;

    /// <summary>For the log: the server cannot be probed; the leaves poll instead.</summary>
    public sealed record ProbeFailed(string ProjectCode, string Url, string Reason) : BridgeEffect;

    /// <summary>For the log: the server no longer replies.</summary>
    public sealed record UpstreamFailed(string ProjectCode, string Url, string Reason) : BridgeEffect;
}

/// <summary>One project of a bridge, for status pages.</summary>
public sealed record BridgeProjectStatus(
    string ProjectCode, string Url, long Requests, long Errors, int Waiting, int Forwarded, Instant? LastOk,
    string? Reason);

/// <summary>
/// The decisions of a bridge: which request goes to its server when, what is retried, and what to reply when the server
/// fails. A request that the server may have processed is never repeated: its sender makes a new one. Within <see
/// cref="BridgeOptions.Patience"/> every request gets a reply or a reason.
/// <para>Driven like <see cref="AgentCore"/>: events and commands, then effects until none is left, then the
/// deadline.</para>
/// </summary>
public sealed class BridgeCore(BridgeOptions options, Prng prng, Entropy entropy)
{
    private static readonly TimeSpan BackoffFirst = TimeSpan.FromMilliseconds(250);

    private readonly SortedDictionary<string, Project> _projects = new(StringComparer.Ordinal);
    private readonly SortedDictionary<long, Pending> _requests = [];
    private readonly Queue<BridgeEffect> _effects = new();
    private long _lastId;

    public IEnumerable<BridgeProjectStatus> Projects => _projects.Select(p => p.Value.ToStatus(
        p.Key, _requests.Values.Count(r => r.ProjectCode == p.Key && !r.IsForwarded)));

    public Instant? Deadline
    {
        get
        {
            Instant? first = null;
            foreach (var request in _requests.Values)
            {
                // A waiting request continues when another ends, not by time.
                var at = request.RetryAt is { } retry && retry < request.GiveUpAt ? retry : request.GiveUpAt;
                if (first is null || at < first) first = at;
            }

            foreach (var project in _projects.Values)
            {
                if (project.Probe?.Deadline is { } look && (first is null || look < first)) first = look;
            }

            return first;
        }
    }

    public bool TryTake(out BridgeEffect effect) => _effects.TryDequeue(out effect!);

    /// <param name="probe">Null: the bridge only forwards, and never probes.</param>
    public void SetProject(string projectCode, string url, ProbeOptions? probe = null)
    {
        if (_projects.TryGetValue(projectCode, out var old) && old.Url == url) return;

        _projects[projectCode] = new Project(url)
        {
            Probe = probe is null ? null : new UpstreamProbe(probe, projectCode)
        };
    }

    /// <summary>True while the bridge announces new artifacts of the project's server.</summary>
    public bool Tells(string projectCode) =>
        _projects.TryGetValue(projectCode, out var project) && project.Probe is { Tells: true };

    /// <summary>A peer of the project is present.</summary>
    public void OnListener(Instant now, string projectCode)
    {
        if (!_projects.TryGetValue(projectCode, out var project)) return;

        project.Probe?.OnListener(now);
        ProbeDue(now);
    }

    /// <summary>The server may have changed. Without a project: any of them.</summary>
    public void Nudge(Instant now, string? projectCode = null)
    {
        foreach (var (code, project) in _projects)
            if (projectCode is null || code == projectCode)
                project.Probe?.Nudge(now);
        ProbeDue(now);
    }

    /// <summary>An announcement was received. Those under our own node id are of artifacts pushed through us.</summary>
    public void OnAnnouncement(Instant now, string projectCode, Announcement announcement)
    {
        if (announcement.PeerId != options.NodeId || !_projects.TryGetValue(projectCode, out var project)) return;

        foreach (var id in announcement.Artifacts()) project.Probe?.OnTold(now, id.ToString());
    }

    /// <summary>
    /// The reply to a <see cref="BridgeEffect.Probe"/>, unpacked; null with the reason when there is none.
    /// </summary>
    public void OnProbed(Instant now, string projectCode, ReadOnlyMemory<byte>? reply, string? reason)
    {
        if (!_projects.TryGetValue(projectCode, out var project) || project.Probe is not { } probe) return;

        var (told, faultBefore) = (probe.Tells, probe.Fault);
        List<string> fresh = [];
        if (reply is { } answer) fresh = probe.OnReply(now, answer.Span);
        else probe.OnFailed(now, reason ?? "no reply");

        if (probe.Fault is { } fault && faultBefore is null)
            _effects.Enqueue(new BridgeEffect.ProbeFailed(projectCode, project.Url, fault));
        if (probe.Tells != told) _effects.Enqueue(new BridgeEffect.Show(projectCode));
        if (fresh.Count > 0) _effects.Enqueue(new BridgeEffect.Announce(projectCode, AnnouncementOf(fresh)));
    }

    // The last is the newest, most likely the check-in of all the others.
    private Announcement AnnouncementOf(List<string> fresh) => new()
    {
        Kind = AnnouncedKind.Artifact,
        Uuid = fresh[^1],
        PeerId = options.NodeId,
        Role = NodeRole.Hub,
        Files = fresh.GetRange(
            Math.Max(0, fresh.Count - 1 - Announcement.FilesMax), Math.Min(fresh.Count - 1, Announcement.FilesMax)),
    };

    private void ProbeDue(Instant now)
    {
        foreach (var (code, project) in _projects)
        {
            if (project.Probe is { } probe && probe.TryBegin(now, entropy, out var body))
                _effects.Enqueue(new BridgeEffect.Probe(code, body));
        }
    }

    /// <summary>A request arrived; the result names it from then on.</summary>
    public long OnRequest(Instant now, string projectCode)
    {
        var id = ++_lastId;
        var request = new Pending(projectCode) { GiveUpAt = now + options.Patience };
        _requests[id] = request;
        if (!_projects.TryGetValue(projectCode, out var project))
        {
            Refuse(id, ExchangeRefusal.Upstream, "the bridge does not serve this project");
            return id;
        }

        project.Requests++;
        project.Probe?.OnListener(now);
        if (project.OpenUntil is { } until && until > now)
        {
            Refuse(
                id, ExchangeRefusal.Upstream,
                Sentence(
                    $"{project.Url} does not answer ({project.Reason}); next try in {TargetState.Words(until - now)}"));
            return id;
        }

        if (_requests.Values.Count(r => r.ProjectCode == projectCode && !r.IsForwarded) > options.WaitingMax)
        {
            Refuse(id, ExchangeRefusal.Busy, Sentence($"{options.WaitingMax} requests wait for {project.Url} already"));
            return id;
        }

        ForwardDue(now);
        return id;
    }

    /// <summary>The server's part of a request ended.</summary>
    public void OnUpstream(Instant now, long requestId, UpstreamOutcome outcome)
    {
        if (!_requests.TryGetValue(requestId, out var request) || !request.IsForwarded) return;

        request.IsForwarded = false;
        if (!_projects.TryGetValue(request.ProjectCode, out var project)) return;

        project.Forwarded--;
        switch (outcome.Kind)
        {
            case UpstreamOutcomeKind.Answered:
                project.OnOk(now);
                _requests.Remove(requestId);
                _effects.Enqueue(new BridgeEffect.Reply(requestId));
                break;
            case UpstreamOutcomeKind.NotReached or UpstreamOutcomeKind.Busy:
                OnFailure(now, project, request, outcome);
                var pause = outcome.RetryAfter ?? PauseAfter(request.Attempts, options.Patience);
                if (project.OpenUntil > now || now + pause >= request.GiveUpAt)
                    RefuseFor(requestId, request, project, outcome);
                else request.RetryAt = now + pause;
                break;
            case UpstreamOutcomeKind.Refused:
                // The server is alive, so the circuit breaker does not count this.
                project.Reason = outcome.Reason;
                RefuseFor(requestId, request, project, outcome);
                break;
            default:
                OnFailure(now, project, request, outcome);
                RefuseFor(requestId, request, project, outcome);
                break;
        }

        ForwardDue(now);
    }

    /// <summary>Retries what is due and refuses what took too long.</summary>
    public void OnDeadline(Instant now)
    {
        foreach (var (id, request) in _requests.ToList())
        {
            if (request.GiveUpAt > now) continue;

            if (_projects.TryGetValue(request.ProjectCode, out var project))
            {
                if (request.IsForwarded) project.Forwarded--;
                OnFailure(now, project, request, new UpstreamOutcome(UpstreamOutcomeKind.Lost, "no answer in time"));
            }

            Refuse(
                id, ExchangeRefusal.Upstream,
                Sentence($"{project?.Url} sent no reply for {(long)options.Patience.TotalSeconds} s"));
        }

        ForwardDue(now);
        ProbeDue(now);
    }

    private void ForwardDue(Instant now)
    {
        foreach (var (id, request) in _requests.ToList())
        {
            if (request.RetryAt <= now) request.RetryAt = null;
            if (request.IsForwarded || request.RetryAt is not null
                || !_projects.TryGetValue(request.ProjectCode, out var project))
                continue;
            if (project.Forwarded >= (project.IsTrying ? 1 : options.ForwardsMax)) continue;

            request.IsForwarded = true;
            request.Attempts++;
            project.Forwarded++;
            _effects.Enqueue(
                new BridgeEffect.Forward(
                    id, request.ProjectCode, project.Url, request.Attempts, request.GiveUpAt - now));
        }
    }

    private void OnFailure(Instant now, Project project, Pending request, UpstreamOutcome outcome)
    {
        project.Failures++;
        project.Reason = outcome.Reason ?? outcome.Kind.ToString();
        if (project.Failures < options.FailuresUntilOpen) return;

        if (project.Failures == options.FailuresUntilOpen)
            _effects.Enqueue(new BridgeEffect.UpstreamFailed(request.ProjectCode, project.Url, project.Reason));
        project.OpenUntil = now + PauseAfter(project.Failures - options.FailuresUntilOpen + 2, options.PauseMax);
    }

    private void RefuseFor(long id, Pending request, Project project, UpstreamOutcome outcome)
    {
        project.Errors++;
        var refusal = outcome.Kind == UpstreamOutcomeKind.Busy ? ExchangeRefusal.Busy : ExchangeRefusal.Upstream;
        Refuse(
            id, refusal,
            Sentence($"{project.Url}: {outcome.Reason ?? outcome.Kind.ToString()} (attempt {request.Attempts})"));
    }

    private void Refuse(long id, ExchangeRefusal refusal, string reason)
    {
        _requests.Remove(id);
        _effects.Enqueue(new BridgeEffect.Refuse(id, refusal, reason));
    }

    private TimeSpan PauseAfter(int failures, TimeSpan max)
    {
        var pause = BackoffFirst * Math.Pow(2, Math.Min(failures, 10));
        return (pause < max ? pause : max) * (0.5 + (prng.NextDouble() / 2));
    }

    private static string Sentence(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);

    private sealed class Pending(string projectCode)
    {
        public string ProjectCode => projectCode;

        public Instant GiveUpAt { get; init; }

        /// <summary>The end of a pause; null: it waits for its turn or for the server.</summary>
        public Instant? RetryAt { get; set; }

        public bool IsForwarded { get; set; }

        public int Attempts { get; set; }
    }

    private sealed class Project(string url)
    {
        public string Url => url;

        public UpstreamProbe? Probe { get; init; }

        public long Requests { get; set; }

        public long Errors { get; set; }

        public int Forwarded { get; set; }

        public int Failures { get; set; }

        public Instant? OpenUntil { get; set; }

        public Instant? LastOk { get; private set; }

        public string? Reason { get; set; }

        /// <summary>After a pause one request tests whether the server is back.</summary>
        public bool IsTrying => OpenUntil is not null;

        public void OnOk(Instant now) => (Failures, OpenUntil, LastOk, Reason) = (0, null, now, null);

        public BridgeProjectStatus ToStatus(string code, int waiting) =>
            new(code, url, Requests, Errors, waiting, Forwarded, LastOk, Reason);
    }
}
