using System.Globalization;
using EdgeSync.Fossil.Sync;
using EdgeSync.Primitives;

namespace EdgeSync.Agent.Schedule;

/// <summary>The circuit breaker of a target.</summary>
public enum BreakerState
{
    /// <summary>Nothing.</summary>
    Closed,

    /// <summary>It failed so often that only time, the user or a new link allows another attempt.</summary>
    Open,

    /// <summary>That attempt is under way.</summary>
    Trying,
}

/// <summary>
/// One target's sessions: at most one at a time, requests that arrive meanwhile become one more, failures increase the
/// backoff. Takes the time as an argument; the core queries what is due.
/// </summary>
internal sealed class TargetState(SyncTarget target, bool isConfigured, Prng prng)
{
    internal const int FailuresUntilOpen = 5;

    private const int UnprovenFailuresMax = 2;

    /// <summary>Other nodes may have sent what was announced, so a few are normal.</summary>
    private const int EmptyAnnouncementsMax = 16;

    private static readonly TimeSpan BackoffFirst = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan PauseMax = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan BackoffNeedsOperator = TimeSpan.FromMinutes(5);

    private Instant? _requestedAt;
    private Instant? _blockedUntil;
    private bool _isWhole;
    private bool _isGivenAll;
    private bool _changedMeanwhile;

    public SyncTarget Target { get; } = target;

    /// <summary>False for peers found by presence.</summary>
    public bool IsConfigured { get; } = isConfigured;

    /// <summary>The session under way; zero if none is.</summary>
    public long SyncId { get; private set; }

    /// <summary>When the last session began; null before the first.</summary>
    public Instant? StartedAt { get; private set; }

    public SyncReason Reason { get; private set; }

    public int Failures { get; private set; }

    public Instant? FirstFailure { get; private set; }

    public Instant? LastOk { get; private set; }

    public SyncOutcome? LastOutcome { get; private set; }

    /// <summary>Sessions in a row that were started by its announcements and received nothing.</summary>
    public int EmptyAnnouncements { get; private set; }

    /// <summary>It is configured, or a session with it has worked: its identity is accepted.</summary>
    public bool IsProven => IsConfigured || LastOk is not null || Target.Kind != TargetKind.NatsPeer;

    /// <summary>
    /// Its announcements start no session of their own: it cannot be reached, or lacks what it announces.
    /// </summary>
    public bool HasNoCredit =>
        EmptyAnnouncements >= EmptyAnnouncementsMax || (LastOk is null && Failures >= UnprovenFailuresMax);

    /// <summary>It was sent everything that is here.</summary>
    public bool HasAll => _isGivenAll;

    public bool IsRunning => SyncId != 0;

    /// <summary>True while a request waits.</summary>
    public bool HasRequest => _requestedAt is not null;

    public BreakerState Breaker =>
        Failures < FailuresUntilOpen ? BreakerState.Closed : IsRunning ? BreakerState.Trying : BreakerState.Open;

    /// <summary>When the next session is due; null: nothing to do, or one is under way.</summary>
    public Instant? DueAt
    {
        get
        {
            if (IsRunning || _requestedAt is not { } requested) return null;

            return _blockedUntil is { } until && until > requested ? until : requested;
        }
    }

    /// <summary>
    /// Requests a session, at the latest then. During a backoff it waits for its end.
    /// </summary>
    public void Request(Instant at, SyncReason reason)
    {
        if (_requestedAt is null || at < _requestedAt) RequestReason = reason;
        if (_requestedAt is null || at < _requestedAt) _requestedAt = at;
    }

    /// <summary>Requests a session now, regardless of backoff.</summary>
    public void RequestNow(Instant now, SyncReason reason)
    {
        _blockedUntil = null;
        Request(now, reason);
        RequestReason = reason;
    }

    /// <summary>Cancels the request: another target sent the artifacts.</summary>
    public void CancelRequest() => _requestedAt = null;

    /// <summary>The repository has changed; this target may lack the changes.</summary>
    public void OnChange() => (_isGivenAll, _changedMeanwhile) = (false, true);

    /// <summary>
    /// The actions of the next session. From a target that was sent everything and has announced its artifacts, only
    /// those are requested: the rest would be names that both have.
    /// </summary>
    /// <param name="wanted">The actions that fetch what the target announced.</param>
    public SyncActions Needed(SyncActions wanted) =>
        Target.Kind == TargetKind.NatsPeer && RequestReason == SyncReason.Announcement && _isGivenAll
        && wanted != SyncActions.None
        ? wanted
        : (SyncActions)~0;

    /// <param name="isWhole">Both ways, and everything that is synced at all.</param>
    public void Start(Instant now, long syncId, bool isWhole)
    {
        Invariant.Require(!IsRunning && HasRequest);
        (SyncId, StartedAt, Reason) = (
            syncId, now, Failures > 0 && RequestReason == SyncReason.Poll ? SyncReason.Retry : RequestReason);
        (_requestedAt, _isWhole, _changedMeanwhile) = (null, isWhole, false);
    }

    public void Finish(Instant now, SyncOutcome outcome)
    {
        Invariant.Require(IsRunning);
        SyncId = 0;
        LastOutcome = outcome;
        if (outcome.Kind == SyncOutcomeKind.Cancelled) return;

        if (outcome.IsOk)
        {
            EmptyAnnouncements = outcome.Received > 0
                ? 0
                : Reason == SyncReason.Announcement && !outcome.LeftToOthers ? EmptyAnnouncements + 1
                : EmptyAnnouncements;
            (Failures, FirstFailure, LastOk, _blockedUntil) = (0, null, now, null);
            _isGivenAll |= _isWhole && !_changedMeanwhile;
            return;
        }

        Failures++;
        FirstFailure ??= now;
        _blockedUntil = now + PauseAfter(outcome);
        Request(now, SyncReason.Retry);
    }

    /// <summary>
    /// A new route to the target exists: the backoff ends within a moment, so that not all retry at once, and the
    /// breaker allows one attempt.
    /// </summary>
    public void OnReachable(Instant now)
    {
        Failures = Math.Min(Failures, FailuresUntilOpen - 1);
        if (_blockedUntil is { } until && until > now) _blockedUntil = now + (BackoffFirst * prng.NextDouble());
    }

    /// <summary>Why the target lags, or null.</summary>
    public string? WhyBehind(Instant now)
    {
        if (Failures == 0 || LastOutcome is not { } outcome) return null;

        var since = FirstFailure is { } first ? Words(now - first) : "now";
        var next = DueAt is { } due && due > now ? $", next try in {Words(due - now)}" : IsRunning ? ", trying" : "";
        return string.Create(
            CultureInfo.InvariantCulture,
            $"{Target.Id}: {outcome.Reason ?? outcome.Kind.ToString()}; {Failures} failed since {since}{next}");
    }

    internal static string Words(TimeSpan span) => span < TimeSpan.FromMinutes(2)
        ? string.Create(CultureInfo.InvariantCulture, $"{(long)span.TotalSeconds} s")
        : span < TimeSpan.FromHours(2)
            ? string.Create(CultureInfo.InvariantCulture, $"{(long)span.TotalMinutes} min")
            : string.Create(CultureInfo.InvariantCulture, $"{(long)span.TotalHours} h");

    private SyncReason RequestReason { get; set; }

    private TimeSpan PauseAfter(SyncOutcome outcome)
    {
        var pause = outcome.NeedsPerson ? BackoffNeedsOperator : BackoffFirst * Math.Pow(2, Math.Min(Failures - 1, 10));
        if (!outcome.NeedsPerson && pause > PauseMax) pause = PauseMax;
        return pause * (0.5 + (prng.NextDouble() / 2));
    }
}
