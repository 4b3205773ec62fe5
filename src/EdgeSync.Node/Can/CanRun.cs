using EdgeSync.Node.Logging;
using EdgeSync.Node.Loops;
using EdgeSync.Node.Metrics;
using EdgeSync.Primitives;
using EdgeSync.Storage;

namespace EdgeSync.Node.Can;

/// <summary>Asset stores as a process of their own: <c>can serve</c>.</summary>
internal static class CanRun
{
    /// <param name="stores">Their settings, one of each.</param>
    /// <param name="errors">Where the log goes.</param>
    /// <param name="isVerbose">Log requests, too.</param>
    /// <param name="clock">Of timestamps and pauses.</param>
    /// <param name="started">Called for each once all of them serve.</param>
    /// <param name="cancellationToken">Ends the services.</param>
    /// <exception cref="EdgeSyncException">One of them cannot start; then none runs.</exception>
    public static async Task RunAsync(
        IReadOnlyList<CanSettings> stores, TextWriter errors, bool isVerbose, TimeProvider clock,
        Action<CanStarted> started, CancellationToken cancellationToken)
    {
        if (stores.Any(s => s.Mirror is { IsOn: true, Passphrase: null }))
            throw new EdgeSyncException(
                ErrorKind.Usage, "a mirror needs a passphrase, which all of its stores have in common",
                "set sync_passphrase in config.yaml, or the variable CAN_SYNC_PASSPHRASE");

        await using var telemetry = NodeTelemetry.OfCommand(errors, clock);
        var log = new NodeLog(errors, clock, LogSettings.OfProcess(isVerbose));
        var bug = new TaskCompletionSource<Exception>(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var services = new RunningServices();
        foreach (var settings in stores)
        {
            var isMirror = settings.Mirror.IsOn;
            services.All.Add(await CanService.StartAsync(
                settings, clock, log, e => bug.TrySetResult(e), cancellationToken, isMirror));
            if (!isMirror && settings.Mirror.Passphrase is not null)
                log.CreateLogger().CanMirrorUnused("start it with --sync, or set sync: true");
        }

        foreach (var one in services.All)
            started(new CanStarted(one.Url, one.Store.Root, one.Mirror?.Id.ToString(), one.Mirror?.Ticket));
        SystemdNotify.Ready($"can {string.Join(' ', services.All.Select(s => s.Url))}");
        // What stretching the passphrase took.
        if (stores.Any(s => s.Mirror.IsOn)) MemoryTrimmer.TrimWhileIdle();
        var stopped = Task.Delay(Timeout.InfiniteTimeSpan, clock, cancellationToken);
        if (await Task.WhenAny(bug.Task, stopped) == bug.Task)
            throw new InvariantException($"a part of the asset store failed: {await bug.Task}");

        SystemdNotify.Stopping();
    }

    private sealed class RunningServices : IAsyncDisposable
    {
        public List<CanService> All { get; } = [];

        public async ValueTask DisposeAsync() => await Task.WhenAll(All.Select(s => s.DisposeAsync().AsTask()));
    }
}

/// <summary>A store that is served.</summary>
/// <param name="Url">With the assigned port.</param>
/// <param name="Storage">The storage folder.</param>
/// <param name="Endpoint">Its id in a mirror; null: it takes part in none.</param>
/// <param name="Ticket">The ways to it, for other stores.</param>
internal sealed record CanStarted(string Url, string Storage, string? Endpoint, string? Ticket);
