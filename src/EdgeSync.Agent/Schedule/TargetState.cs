using System.Globalization;
using EdgeSync.Fossil.Sync;
using EdgeSync.Primitives;

namespace EdgeSync.Agent.Schedule;

/// <summary>What stands between a target and the next exchange.</summary>
public enum BreakerState
{
    /// <summary>Nothing.</summary>
    Closed,

    /// <summary>It failed so often that only time, a person or a new link gives it another try.</summary>
    Open,

    /// <summary>That one try is under way.</summary>
    Trying,
}

/// <summary>
/// One target's exchanges: at most one at a time, requests that arrive meanwhile become one more, failures make the
/// pauses grow. Knows no clock; the core asks it what is due.
/// </summary>
internal sealed class TargetState(SyncTarget target, bool isConfigured, Prng prng)
{
    internal const int FailuresUntilOpen = 5;

    private const int UnprovenFailuresMax = 2;

    /// <summary>Others may have brought what was announced, so a few are nobody's fault.</summary>
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

    /// <summary>False for peers that come and go.</summary>
    public bool IsConfigured { get; } = isConfigured;

    /// <summary>The exchange under way; zero if none is.</summary>
    public long SyncId { get; private set; }

    public Instant StartedAt { get; private set; }

    public SyncReason Reason { get; private set; }

    public int Failures { get; private set; }

    public Instant? FirstFailure { get; private set; }

    public Instant? LastOk { get; private set; }

    public SyncOutcome? LastOutcome { get; private set; }

    /// <summary>Exchanges in a row that it asked for by announcing something, and that brought nothing.</summary>
    public int EmptyAnnouncements { get; private set; }

    /// <summary>Somebody named it, or an exchange with it has worked: it is what it says.</summary>
    public bool IsProven => IsConfigured || LastOk is not null || Target.Kind != TargetKind.NatsPeer;

    /// <summary>
    /// What it announces is not worth an exchange of its own: it cannot be reached, or announces what it has not.
    /// </summary>
    public bool HasNoCredit =>
        EmptyAnnouncements >= EmptyAnnouncementsMax || (LastOk is null && Failures >= UnprovenFailuresMax);

    /// <summary>It was given everything that is here.</summary>
    public bool HasAll => _isGivenAll;

    public bool IsRunning => SyncId != 0;

    /// <summary>True while a request waits.</summary>
    public bool HasRequest => _requestedAt is not null;

    public BreakerState Breaker =>
        Failures < FailuresUntilOpen ? BreakerState.Closed : IsRunning ? BreakerState.Trying : BreakerState.Open;

    /// <summary>When the next exchange is due; null: nothing to do, or one is under way.</summary>
    public Instant? DueAt
    {
        get
        {
            if (IsRunning || _requestedAt is not { } requested) return null;

            return _blockedUntil is { } until && until > requested ? until : requested;
        }
    }

    /// <summary>
    /// Wants an exchange, at the latest then. During a pause after failures it waits for the pause's end.
    /// </summary>
    public void Request(Instant at, SyncReason reason)
    {
        if (_requestedAt is null || at < _requestedAt) RequestReason = reason;
        if (_requestedAt is null || at < _requestedAt) _requestedAt = at;
    }

    /// <summary>Wants an exchange now, whatever failed before.</summary>
    public void RequestNow(Instant now, SyncReason reason)
    {
        _blockedUntil = null;
        Request(now, reason);
        RequestReason = reason;
    }

    /// <summary>Forgets the requested: somebody else brought what it was for.</summary>
    public void CancelRequest() => _requestedAt = null;

    /// <summary>Something came here that this target was perhaps not given.</summary>
    public void OnChange() => (_isGivenAll, _changedMeanwhile) = (false, true);

    /// <summary>
    /// What the next exchange has to do. Who was given everything and has told what it has is only asked for that: the
    /// rest would be names of what both hold.
    /// </summary>
    /// <param name="wanted">The exchanges that bring what the target has told of.</param>
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
    /// A new way to the target is there: the pause ends within a moment, so that not all try at once, and the breaker
    /// lets one try through.
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
