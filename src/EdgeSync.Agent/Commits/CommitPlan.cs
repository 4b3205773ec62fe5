using EdgeSync.Fossil.Sync;
using EdgeSync.Primitives;

namespace EdgeSync.Agent.Commits;

/// <summary>What a commit with autosync does next.</summary>
public enum CommitStep
{
    /// <summary>
    /// Exchange with <see cref="CommitPlan.PullActions"/>, asking for the lock if <see cref="CommitPlan.TakesLock"/>.
    /// </summary>
    Pull,

    /// <summary>Look whether the parent has a child on its branch by now.</summary>
    CheckFork,

    /// <summary>Write the check-in.</summary>
    CheckIn,

    /// <summary>Exchange with <see cref="CommitPlan.PushActions"/>; the lock is given back by it.</summary>
    Push,

    /// <summary>It is done; <see cref="CommitPlan.PushFault"/> tells whether the others have it.</summary>
    Done,

    /// <summary>Nothing was written; <see cref="CommitPlan.Refusal"/> says why.</summary>
    Refused,
}

/// <summary>How a commit is to be made.</summary>
public sealed record CommitPlanOptions
{
    public AutosyncMode Mode { get; init; } = AutosyncMode.On;

    /// <summary>False where no peer is configured: then nothing is exchanged.</summary>
    public bool HasPeer { get; init; } = true;

    public bool AllowFork { get; init; }

    /// <summary>The check-in starts a branch of its own, so it cannot fork one.</summary>
    public bool StartsBranch { get; init; }

    /// <summary>Commit although somebody else has locked the parent.</summary>
    public bool OverrideLock { get; init; }

    /// <summary>
    /// A pull that fails refuses the commit. Off by default: a node on an island must be able to work.
    /// </summary>
    public bool NeedsPeer { get; init; }
}

/// <summary>
/// A commit around which the repository is synced: fetch first, refuse what would fork or what another has locked,
/// write, then bring. Spec: edgesync.md §2, AutosyncCommit. Once the check-in is written nothing takes it back: a push
/// that fails is told, and the next exchange brings it.
/// </summary>
public sealed class CommitPlan
{
    private readonly CommitPlanOptions _options;

    public CommitPlan(CommitPlanOptions options)
    {
        _options = options;
        Step = options.Mode == AutosyncMode.Off || !options.HasPeer ? AfterPull() : CommitStep.Pull;
    }

    public CommitStep Step { get; private set; }

    /// <summary>A lock is of use only where the commit is brought afterwards.</summary>
    public bool TakesLock => _options.Mode == AutosyncMode.On && !_options.StartsBranch;

    public static SyncActions PullActions => SyncActions.Pull;

    public static SyncActions PushActions => SyncActions.Sync;

    /// <summary>Why nothing was written.</summary>
    public EdgeSyncException? Refusal { get; private set; }

    /// <summary>Why the pull did not work, where the commit goes on without; null if it worked.</summary>
    public string? PullFault { get; private set; }

    /// <summary>Why the others do not have it yet; null if they do, or if nobody is to be told.</summary>
    public string? PushFault { get; private set; }

    /// <summary>The check-in, once written.</summary>
    public ArtifactId Written { get; private set; }

    /// <param name="fault">Null if the pull came to its end.</param>
    /// <param name="lockHolder">Who else has locked the parent; null: nobody.</param>
    public void OnPulled(string? fault, string? lockHolder)
    {
        Invariant.Require(Step == CommitStep.Pull);
        PullFault = fault;
        if (fault is not null && _options.NeedsPeer)
            Refuse(
                ErrorKind.Unavailable, $"the commit is not made: fetching what others did failed: {fault}",
                "try again, or commit with --autosync off");
        else if (lockHolder is not null && TakesLock && !_options.OverrideLock)
            Refuse(
                ErrorKind.Conflict, $"the commit is not made: the parent is locked by {lockHolder}",
                "wait until it is committed, or use --override-lock");
        else
            Step = AfterPull();
    }

    public void OnForkChecked(bool wouldFork)
    {
        Invariant.Require(Step == CommitStep.CheckFork);
        if (wouldFork)
            Refuse(
                ErrorKind.Conflict, "the commit would fork: its parent has a child on this branch",
                "update first, or use --allow-fork or --branch");
        else Step = CommitStep.CheckIn;
    }

    public void OnCheckedIn(ArtifactId id)
    {
        Invariant.Require(Step == CommitStep.CheckIn);
        Written = id;
        Step = _options is { Mode: AutosyncMode.On, HasPeer: true } ? CommitStep.Push : CommitStep.Done;
    }

    /// <param name="fault">Null if the push came to its end.</param>
    public void OnPushed(string? fault)
    {
        Invariant.Require(Step == CommitStep.Push);
        PushFault = fault;
        Step = CommitStep.Done;
    }

    private CommitStep AfterPull() =>
        _options.AllowFork || _options.StartsBranch ? CommitStep.CheckIn : CommitStep.CheckFork;

    private void Refuse(ErrorKind kind, string message, string hint)
    {
        Refusal = new EdgeSyncException(kind, message, hint);
        Step = CommitStep.Refused;
    }
}
