using EdgeSync.Primitives;

namespace EdgeSync.Node.Status;

/// <summary>
/// The report of <c>/readyz</c> and <c>edgesync ready</c>: one line per check, and whether the node is ready.
/// </summary>
internal sealed record ReadinessReport(bool IsReady, IReadOnlyList<string> Lines)
{
    /// <param name="agreedWithin">The maximum age of the last agreement with a peer, such as <c>10m</c>; null:
    /// any.</param>
    /// <param name="isStrict">Warnings count as well.</param>
    /// <returns>Null when <paramref name="agreedWithin"/> is not a duration.</returns>
    public static ReadinessReport? Of(NodeStatus status, string? agreedWithin, bool isStrict)
    {
        var checks = status.Checks.ToList();
        if (agreedWithin is not null)
        {
            if (!Durations.TryParse(agreedWithin, out var ageMax)) return null;
            checks.AddRange(AgreementChecks(status, ageMax));
        }

        var isReady = checks.All(c => c.State == CheckState.Ok || (c.State == CheckState.Warning && !isStrict));
        return new ReadinessReport(isReady, [.. checks.Select(LineOf)]);
    }

    private static string LineOf(NodeCheck check) => check.State switch
    {
        CheckState.Ok => $"{check.Name}: ok",
        CheckState.Warning => $"{check.Name}: warning: {check.Detail}",
        _ => $"{check.Name}: {check.Detail}",
    };

    private static IEnumerable<NodeCheck> AgreementChecks(NodeStatus status, TimeSpan ageMax) =>
        from repository in status.Repositories
        where repository.Targets.Count > 0
        let agreedAt = repository.Targets.Max(t => t.LastAgreedAt)
        select NodeCheck.Of(
            $"agreed:{repository.Name}",
            agreedAt is null ? "never agreed with a peer" : status.Now - agreedAt <= ageMax ? null
                : $"last agreed {agreedAt:yyyy-MM-dd'T'HH:mm:ss'Z'}");
}
