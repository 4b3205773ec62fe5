using EdgeSync.Node.Logging;
using EdgeSync.Node.Mesh;
using EdgeSync.Node.Metrics;
using EdgeSync.Node.Repositories;
using EdgeSync.Node.Settings;
using EdgeSync.Node.Status;
using EdgeSync.Primitives;
using Microsoft.Extensions.Logging;

namespace EdgeSync.Node.Daemon;

/// <summary>The settings in force, and their change while the daemon runs.</summary>
/// <param name="changing">Held while the set of repositories or the network changes.</param>
/// <param name="iroh">The endpoint, at any time; null without one.</param>
internal sealed class NodeReload(
    LoadedSettings loaded, NodeReloadParts parts, SemaphoreSlim changing, NodeRepositories repositories,
    NodeNetwork network, Func<IrohNode?> iroh)
{
    public NodeSettings Settings => Loaded.Settings;

    public LoadedSettings Loaded { get; private set; } = loaded;

    public ConfigurationStatus Configuration { get; private set; } = new(loaded.File, parts.Clock.GetUtcNow());

    /// <summary>
    /// Applies the settings as they are now; if they are wrong, or cannot be applied, the old ones stay.
    /// </summary>
    /// <exception cref="EdgeSyncException">They were refused.</exception>
    public async Task RunAsync(NodeTelemetry telemetry, CancellationToken cancellationToken)
    {
        await changing.WaitAsync(cancellationToken);
        try
        {
            var fresh = parts.Load();
            fresh.RequireSecrets();
            var change = new NewSettings(Loaded, fresh);
            await ApplyAsync(fresh.Settings, change, telemetry, cancellationToken);
            (Loaded, Configuration) = (fresh, new ConfigurationStatus(fresh.File, parts.Clock.GetUtcNow()));
            parts.Log.NodeReloaded(
                fresh.File, repositories.All.Count, change.Any ? string.Join(' ', change.Changed) : "nothing");
        }
        catch (EdgeSyncException e)
        {
            Configuration = Configuration with { RefusedBecause = e.Message };
            parts.Log.NodeReloadRefused(e.Message, e.Hint);
            throw;
        }
        finally
        {
            changing.Release();
        }
    }

    /// <summary>A machine that has joined may use the broker, one whose user was removed no longer.</summary>
    public async Task ChangeMembersAsync()
    {
        await changing.WaitAsync();
        try
        {
            await network.ChangeMembersAsync(Settings.Nats);
        }
        finally
        {
            changing.Release();
        }
    }

    // New parts are opened before old ones are closed, so that a failure changes nothing.
    private async Task ApplyAsync(
        NodeSettings settings, NewSettings change, NodeTelemetry telemetry, CancellationToken cancellationToken)
    {
        var export = NodeTelemetry.OptionsOf(settings.Telemetry, parts.NodeId);
        if (parts.IsHub) HubSetup.RequireSecrets(settings.Hub);
        var isAdded = await repositories.ChangeAsync(
            settings.Repositories,
            open => change.CanChangeNats
                ? network.ChangeAsync(settings, open, cancellationToken)
                : Task.CompletedTask,
            cancellationToken);
        if (change.Has("iroh.") && iroh() is { } endpoint)
            await endpoint.ChangeAsync(settings.Iroh, cancellationToken);
        if (parts.IsHub && (isAdded || change.Has("hub.")))
            await HubSetup.ApplyAgainAsync(repositories.Hosts, settings.Hub, parts.Log, cancellationToken);
        parts.Logs.Change(LogSettings.Of(settings.Log, parts.IsVerbose));
        if (change.Has("telemetry.")) await telemetry.ChangeAsync(export);
        if (change.Waiting.ToList() is { Count: > 0 } waiting)
            parts.Log.NodeRestartNeeded(string.Join(' ', waiting));
    }
}

/// <summary>What a reload needs of the daemon.</summary>
internal sealed record NodeReloadParts(
    Func<LoadedSettings> Load, string NodeId, bool IsHub, bool IsVerbose, NodeLog Logs, ILogger Log,
    TimeProvider Clock);
