using EdgeSync.Agent;

namespace EdgeSync.Node.Sync;

/// <summary>How one exchange of a <c>sync now</c> ended.</summary>
/// <param name="Status"><c>synced</c>, <c>already_in_step</c> or <c>failed</c>.</param>
internal sealed record SyncNowResult(string Repository, string Target, string Status, string? Reason, int Received, int Sent);

/// <summary>Somebody who asked for an exchange and wants to hear how it went. Lives on the agent's loop.</summary>
internal sealed class SyncNowWait
{
    /// <summary>The target that stands for whoever answers.</summary>
    private const string AnyPeer = "nats";

    private readonly TaskCompletionSource<IReadOnlyList<SyncNowResult>> _done = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Dictionary<string, SyncNowResult> _results = [];

    public Task<IReadOnlyList<SyncNowResult>> Done => _done.Task;

    /// <summary>Of several exchanges with one target the last one counts.</summary>
    public void Add(string target, SyncOutcome outcome)
    {
        if (outcome.Kind == SyncOutcomeKind.NoResponders && target == AnyPeer) return;   // looking around is no failure

        var status = !outcome.IsOk ? "failed" : outcome.Received + outcome.Sent > 0 ? "synced" : "already_in_step";
        var reason = outcome.Kind == SyncOutcomeKind.NoResponders ? "nobody answers there" : outcome.Reason;
        var earlier = _results.GetValueOrDefault(target);
        _results[target] = new SyncNowResult("", target, status, outcome.IsOk ? null : reason ?? outcome.Kind.ToString(), outcome.Received + (earlier?.Received ?? 0), outcome.Sent + (earlier?.Sent ?? 0));
    }

    public void End() => _done.TrySetResult([.. _results.Values]);
}
