using EdgeSync.Node.Logging;
using EdgeSync.Node.Loops;
using EdgeSync.Node.Metrics;
using EdgeSync.Primitives;

namespace EdgeSync.Node.Can;

/// <summary>An asset store as a process of its own: <c>can serve</c>.</summary>
internal static class CanRun
{
    /// <param name="settings">Of the store.</param>
    /// <param name="errors">Where the log goes.</param>
    /// <param name="isVerbose">Log requests, too.</param>
    /// <param name="clock">Of timestamps and pauses.</param>
    /// <param name="started">Gets the address with the assigned port, and the storage folder.</param>
    /// <param name="cancellationToken">Ends the service.</param>
    /// <exception cref="EdgeSyncException">It cannot start.</exception>
    public static async Task RunAsync(
        CanSettings settings, TextWriter errors, bool isVerbose, TimeProvider clock, Action<string, string> started,
        CancellationToken cancellationToken)
    {
        await using var telemetry = NodeTelemetry.OfCommand(errors, clock);
        var log = new NodeLog(errors, clock, LogSettings.OfProcess(isVerbose));
        var bug = new TaskCompletionSource<Exception>(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var service = await CanService.StartAsync(
            settings, clock, log, e => bug.TrySetResult(e), cancellationToken);
        started(service.Url, service.Store.Root);
        SystemdNotify.Ready($"can {service.Url}");
        var stopped = Task.Delay(Timeout.InfiniteTimeSpan, clock, cancellationToken);
        if (await Task.WhenAny(bug.Task, stopped) == bug.Task)
            throw new InvariantException($"a part of the asset store failed: {await bug.Task}");

        SystemdNotify.Stopping();
    }
}
