using EdgeSync.Node.Control;
using EdgeSync.Node.Status;
using EdgeSync.Primitives;
using static EdgeSync.Node.Doctor.DoctorVerdict;

namespace EdgeSync.Node.Doctor;

/// <summary>Collects the failed checks of the daemons that run here with these repositories.</summary>
internal static class DaemonDoctor
{
    private static readonly TimeSpan AnswerTimeMax = TimeSpan.FromSeconds(5);

    public static async Task<IReadOnlyList<NodeCheck>> ExamineAsync(
        IEnumerable<string> repositories, CancellationToken cancellationToken)
    {
        var checks = new List<NodeCheck>();
        var seen = new HashSet<int>();
        foreach (var socket in repositories.Select(ControlClient.Find).OfType<string>())
        {
            try
            {
                using var limited = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
                limited.CancelAfter(AnswerTimeMax);
                var reply = await ControlClient.AskAsync(socket, new ControlRequest("status"), limited.Token);
                if (reply.Status is { } status && seen.Add(status.ProcessId)) checks.AddRange(Of(status));
            }
            catch (EdgeSyncException)
            {
                // The link of a killed daemon; another check reports dead sockets.
            }
            catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
            {
                checks.Add(
                    Fail(
                        $"daemon:{socket}", $"it does not answer within {AnswerTimeMax.TotalSeconds:F0} s",
                        "see its log"));
            }
        }

        return checks;
    }

    private static IEnumerable<NodeCheck> Of(NodeStatus status)
    {
        if (status.Configuration?.RefusedBecause is { } refused)
            yield return Warn(
                $"daemon:{status.Node}:settings", $"new settings were refused: {refused}",
                "mend them, then: kill -HUP PID");

        foreach (var check in status.Checks.Where(c => c.State != CheckState.Ok))
            yield return check with
            {
                Name = $"daemon:{status.Node}:{check.Name}",
                Hint = IsOurselves(check.Hint) ? NetworkDoctor.UnreachableHint : check.Hint
            };
    }

    // The hint to run doctor is useless inside doctor.
    private static bool IsOurselves(string? hint) =>
        hint?.StartsWith("edgesync doctor", StringComparison.Ordinal) == true;
}
