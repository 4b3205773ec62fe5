using EdgeSync.Agent;
using EdgeSync.Agent.Schedule;
using EdgeSync.Primitives;

namespace EdgeSync.Node.Sync;

/// <summary>The result of one session of a <c>sync now</c>.</summary>
/// <param name="Status"><c>synced</c>, <c>already_in_sync</c> or <c>failed</c>.</param>
public sealed record SyncNowResult(
    string Repository, string Target, string Status, string? Reason, int Received, int Sent)
{
    /// <summary>The status under its old word, for one version; null where it has not changed.</summary>
    public string? OldStatus => Status == "already_in_sync" ? "already_in_step" : null;
}

/// <summary>A caller that requested sessions and waits for their ends. Used on the agent's loop only.</summary>
internal sealed class SyncNowWait
{
    /// <summary>The target that stands for any responder.</summary>
    private const string AnyPeer = "nats";

    private readonly TaskCompletionSource<IReadOnlyList<SyncNowResult>> _done = new(
        TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Dictionary<string, SyncNowResult> _results = [];

    public TaskCompletionSource<IReadOnlyList<SyncNowResult>> Done => _done;

    /// <summary>Of several sessions with one target the last one counts.</summary>
    public void Add(string target, SyncOutcome outcome)
    {
        if (outcome.Kind == SyncOutcomeKind.NoResponders && target == AnyPeer) return;   // no peer: not a failure

        var status = !outcome.IsOk ? "failed" : outcome.Received + outcome.Sent > 0 ? "synced" : "already_in_sync";
        var reason = outcome.Kind == SyncOutcomeKind.NoResponders ? "no responders" : outcome.Reason;
        var earlier = _results.GetValueOrDefault(target);
        _results[target] = new SyncNowResult(
            "", target, status, outcome.IsOk ? null : reason
            ?? outcome.Kind.ToString(), outcome.Received + (earlier?.Received ?? 0),
            outcome.Sent + (earlier?.Sent ?? 0));
    }

    public void End() => _done.TrySetResult([.. _results.Values]);
}

/// <summary>All callers that wait for requested sessions. Used on the agent's loop only.</summary>
internal sealed class SyncNowWaits
{
    private readonly List<SyncNowWait> _waits = [];

    public void Add(SyncNowWait wait) => _waits.Add(wait);

    public void OnFinished(string target, SyncOutcome outcome)
    {
        foreach (var wait in _waits) wait.Add(target, outcome);
    }

    /// <summary>
    /// Ends the waits when no session runs or is due: one that is may still belong to a caller.
    /// </summary>
    public void EndIfIdle(AgentCore core, Instant now)
    {
        if (_waits.Count == 0 || core.StatusAt(now).Targets.Any(t => t.IsRunning || t.NextTry <= now)) return;

        foreach (var wait in _waits) wait.End();
        _waits.Clear();
    }
}
