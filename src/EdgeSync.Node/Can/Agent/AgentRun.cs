using EdgeSync.Node.Logging;
using EdgeSync.Node.Loops;
using EdgeSync.Node.Metrics;
using EdgeSync.Primitives;
using EdgeSync.Storage;

namespace EdgeSync.Node.Can.Agent;

/// <summary>The agent of a service as a process of its own: <c>can sync</c>.</summary>
internal static class AgentRun
{
    /// <param name="settings">Of the agent.</param>
    /// <param name="folder">What it keeps, where the settings name none.</param>
    /// <param name="errors">Where the log goes.</param>
    /// <param name="isVerbose">Log more.</param>
    /// <param name="clock">Of stamps and pauses.</param>
    /// <param name="started">Called once it mirrors.</param>
    /// <param name="cancellationToken">Ends it.</param>
    /// <exception cref="EdgeSyncException">It cannot start.</exception>
    public static async Task RunAsync(
        CanSettings settings, string folder, TextWriter errors, bool isVerbose, TimeProvider clock,
        Action<AgentStarted> started, CancellationToken cancellationToken)
    {
        if (settings.Mirror.Passphrase is null)
            throw new EdgeSyncException(
                ErrorKind.Usage, "a mirror needs a passphrase, which all of its stores have in common",
                "set sync_passphrase in the settings, or the variable CAN_SYNC_PASSPHRASE");
        if (settings.SyncApiKey is null)
            throw new EdgeSyncException(
                ErrorKind.Usage, "an agent needs the sync key of its service",
                "set sync_api_key in the settings, the same as in those of the service");
        if (settings.Mirror.IsOn)
            throw new EdgeSyncException(
                ErrorKind.Usage, "with sync: true the service of these settings mirrors itself",
                "remove sync, or do without the agent");

        await using var telemetry = NodeTelemetry.OfCommand(errors, clock);
        var log = new NodeLog(errors, clock, LogSettings.OfProcess(isVerbose));
        var bug = new TaskCompletionSource<Exception>(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var agent = await AgentService.StartAsync(
            settings, settings.Agent.Folder ?? folder, clock, log, e => bug.TrySetResult(e), cancellationToken);
        started(new AgentStarted(
            agent.Service, agent.Catalog.Root, agent.Mirror.Id.ToString(), agent.Mirror.Ticket,
            agent.Url.Length > 0 ? agent.Url : null));
        SystemdNotify.Ready($"can sync {agent.Service}");
        // What stretching the passphrase took.
        MemoryTrimmer.TrimWhileIdle();
        var stopped = Task.Delay(Timeout.InfiniteTimeSpan, clock, cancellationToken);
        if (await Task.WhenAny(bug.Task, stopped) == bug.Task)
            throw new InvariantException($"a part of the agent failed: {await bug.Task}");

        SystemdNotify.Stopping();
    }
}

/// <summary>An agent that mirrors.</summary>
/// <param name="Service">The address of its service.</param>
/// <param name="Folder">What it keeps.</param>
/// <param name="Endpoint">Its id in the mirror.</param>
/// <param name="Ticket">The ways to it, for other stores.</param>
/// <param name="Url">Where commands reach it; null: nowhere.</param>
internal sealed record AgentStarted(string Service, string Folder, string Endpoint, string Ticket, string? Url);
