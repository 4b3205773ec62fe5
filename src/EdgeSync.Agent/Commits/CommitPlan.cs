using EdgeSync.Fossil.Sync;
using EdgeSync.Primitives;

namespace EdgeSync.Agent.Commits;

/// <summary>The next step of a commit with autosync.</summary>
public enum CommitStep
{
    /// <summary>
    /// Sync with <see cref="CommitPlan.PullActions"/>, with a request for the lock if
    /// <see cref="CommitPlan.TakesLock"/>.
    /// </summary>
    Pull,

    /// <summary>Write the check-in, unless it would fork.</summary>
    CheckIn,

    /// <summary>Sync with <see cref="CommitPlan.PushActions"/>, which also releases the lock.</summary>
    Push,

    /// <summary>Nothing is left to do.</summary>
    Done,

    /// <summary>Nothing was written; <see cref="CommitPlan.Refusal"/> is the reason.</summary>
    Refused,
}

/// <summary>How a commit is to be made.</summary>
public sealed record CommitPlanOptions
{
    public AutosyncMode Mode { get; init; } = AutosyncMode.On;

    /// <summary>False where no peer is configured: then nothing is synced.</summary>
    public bool HasPeer { get; init; } = true;

    /// <summary>The check-in may fork, or starts a branch: the parent needs no lock.</summary>
    public bool MayFork { get; init; }

    /// <summary>Commit although another user has locked the parent.</summary>
    public bool OverrideLock { get; init; }
}

/// <summary>
/// A commit with syncs around it: pull, refuse what another user has locked, write, push. A failed sync prevents
/// nothing, for a node without its network must be able to work; the next sync sends the check-in. Spec: checkin.c
/// commit_cmd, edgesync.md §2 AutosyncCommit.
/// </summary>
public sealed class CommitPlan
{
    private readonly CommitPlanOptions _options;

    public CommitPlan(CommitPlanOptions options)
    {
        _options = options;
        Step = options.Mode == AutosyncMode.Off || !options.HasPeer ? CommitStep.CheckIn : CommitStep.Pull;
    }

    public CommitStep Step { get; private set; }

    /// <summary>A lock is of use only where the commit is pushed afterwards.</summary>
    public bool TakesLock => _options is { Mode: AutosyncMode.On, MayFork: false };

    public static SyncActions PullActions => SyncActions.Pull;

    public static SyncActions PushActions => SyncActions.Sync;

    /// <summary>Why nothing was written.</summary>
    public EdgeSyncException? Refusal { get; private set; }

    /// <summary>The pull has ended, or failed.</summary>
    /// <param name="lockHolder">The other user that has locked the parent; null: none.</param>
    public void OnPulled(string? lockHolder)
    {
        Invariant.Require(Step == CommitStep.Pull);
        if (lockHolder is null || !TakesLock || _options.OverrideLock)
        {
            Step = CommitStep.CheckIn;
            return;
        }

        Refusal = new EdgeSyncException(
            ErrorKind.Conflict, $"the commit is not made: the parent is locked by {lockHolder}",
            "wait until it is committed, or use --override-lock");
        Step = CommitStep.Refused;
    }

    /// <summary>
    /// Time has passed since the pull, as while a comment was written: the next step is to pull again, which renews
    /// the lock.
    /// </summary>
    /// <returns>False where no lock is held, so that nothing is to be renewed.</returns>
    public bool Renew()
    {
        if (Step != CommitStep.CheckIn || !TakesLock || !_options.HasPeer) return false;

        Step = CommitStep.Pull;
        return true;
    }

    public void OnCheckedIn()
    {
        Invariant.Require(Step == CommitStep.CheckIn);
        Step = _options is { Mode: AutosyncMode.On, HasPeer: true } ? CommitStep.Push : CommitStep.Done;
    }

    /// <summary>The push has ended, or failed.</summary>
    public void OnPushed()
    {
        Invariant.Require(Step == CommitStep.Push);
        Step = CommitStep.Done;
    }
}
