using EdgeSync.Node.Logging;
using EdgeSync.Node.Loops;
using EdgeSync.Node.Metrics;
using EdgeSync.Primitives;
using EdgeSync.Storage;

namespace EdgeSync.Node.Can;

/// <summary>An asset store as a process of its own: <c>can serve</c>.</summary>
internal static class CanRun
{
    /// <param name="settings">Of the store.</param>
    /// <param name="errors">Where the log goes.</param>
    /// <param name="isVerbose">Log requests, too.</param>
    /// <param name="clock">Of timestamps and pauses.</param>
    /// <param name="started">Called once it serves.</param>
    /// <param name="cancellationToken">Ends the service.</param>
    /// <exception cref="EdgeSyncException">It cannot start.</exception>
    public static async Task RunAsync(
        CanSettings settings, TextWriter errors, bool isVerbose, TimeProvider clock,
        Action<CanStarted> started, CancellationToken cancellationToken)
    {
        var isMirror = settings.Mirror.IsOn;
        if (isMirror && settings.Mirror.Passphrase is null)
            throw new EdgeSyncException(
                ErrorKind.Usage, "a mirror needs a passphrase, which all of its stores have in common",
                "set sync_passphrase in config.yaml, or the variable CAN_SYNC_PASSPHRASE");

        await using var telemetry = NodeTelemetry.OfCommand(errors, clock);
        var log = new NodeLog(errors, clock, LogSettings.OfProcess(isVerbose));
        var bug = new TaskCompletionSource<Exception>(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var service = await CanService.StartAsync(
            settings, clock, log, e => bug.TrySetResult(e), cancellationToken, isMirror);
        if (!isMirror && settings.Mirror.Passphrase is not null)
            log.CreateLogger().CanMirrorUnused("start it with --sync, or set sync: true");
        started(new CanStarted(service.Url, service.Store.Root, service.Mirror?.Id.ToString(), service.Mirror?.Ticket));
        SystemdNotify.Ready($"can {service.Url}");
        // What stretching the passphrase took.
        if (isMirror) MemoryTrimmer.TrimWhileIdle();
        var stopped = Task.Delay(Timeout.InfiniteTimeSpan, clock, cancellationToken);
        if (await Task.WhenAny(bug.Task, stopped) == bug.Task)
            throw new InvariantException($"a part of the asset store failed: {await bug.Task}");

        SystemdNotify.Stopping();
    }
}

/// <summary>A store that is served.</summary>
/// <param name="Url">With the assigned port.</param>
/// <param name="Storage">The storage folder.</param>
/// <param name="Endpoint">Its id in a mirror; null: it takes part in none.</param>
/// <param name="Ticket">The ways to it, for other stores.</param>
internal sealed record CanStarted(string Url, string Storage, string? Endpoint, string? Ticket);
