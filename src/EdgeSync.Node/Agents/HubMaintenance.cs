using EdgeSync.Agent.Peers;
using EdgeSync.Node.Settings;
using EdgeSync.Primitives;
using Microsoft.Extensions.Logging;

namespace EdgeSync.Node.Agents;

/// <summary>
/// The periodic work of a hub: checkpoints each write-ahead log, so that stock can read a plain copy, and ends the hub
/// when no leaf needs it any more, if configured.
/// </summary>
internal sealed class HubMaintenance(
    Func<HubSection> settings, Func<IReadOnlyList<RepositoryNode>> repositories, Func<int> leafs, ILogger log,
    TimeProvider clock)
{
    private static readonly TimeSpan LookEvery = TimeSpan.FromSeconds(1);

    /// <summary>Runs until cancelled. True: stop the hub.</summary>
    public async Task<bool> RunAsync(CancellationToken cancellationToken)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var folding = FoldAsync(stop.Token);
        var over = await WatchAsync(stop.Token);
        await stop.CancelAsync();
        await folding;
        return over;
    }

    private async Task FoldAsync(CancellationToken cancellationToken)
    {
        using var timer = new PeriodicTimer(settings().Checkpoint, clock);
        try
        {
            while (await timer.WaitForNextTickAsync(cancellationToken))
            {
                timer.Period = settings().Checkpoint;
                foreach (var node in repositories())
                    await node.Host.Writer.RunAsync(r => r.Database.Checkpoint(truncate: false), cancellationToken);
            }
        }
        catch (Exception e) when (e is OperationCanceledException or EdgeSyncException)
        {
            // Ended, or the repository is being closed.
        }
    }

    private async Task<bool> WatchAsync(CancellationToken cancellationToken)
    {
        try
        {
            HubLifetime? lifetime = null;
            TimeSpan? before = null;
            using var timer = new PeriodicTimer(LookEvery, clock);
            while (await timer.WaitForNextTickAsync(cancellationToken))
            {
                var patience = settings().ExitWithoutLeaves;
                if (patience != before) lifetime = patience is { } span ? new HubLifetime(span, Now) : null;
                before = patience;
                lifetime?.OnLeaves(Now, leafs());
                if (lifetime is null || !lifetime.IsOver(Now)) continue;

                log.HubIdle(Durations.Format(patience!.Value));
                return true;
            }

            return false;
        }
        catch (OperationCanceledException)
        {
            return false;
        }
    }

    private Instant Now => Instant.FromDateTime(clock.GetUtcNow());
}
