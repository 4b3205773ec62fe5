using System.Globalization;
using EdgeSync.Node.Loops;
using EdgeSync.Node.Status;
using EdgeSync.Primitives;

namespace EdgeSync.Node.Daemon;

/// <summary>
/// Resets systemd's watchdog while this process can make a status: the snapshot passes through the parts that could
/// hang. A failed one counts too; only a hang gets the process killed and restarted. Spec: sd_watchdog_enabled(3).
/// </summary>
internal sealed class Watchdog : IAsyncDisposable
{
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _loop;

    private Watchdog(TimeSpan interval, INodeStatusSource source, Action feed, TimeProvider clock) =>
        _loop = Task.Run(() => LoopAsync(interval / 2, source, feed, clock));

    /// <summary>Null without a watchdog.</summary>
    public static Watchdog? Start(INodeStatusSource source, TimeProvider clock) =>
        IntervalOf(Environment.GetEnvironmentVariable, Environment.ProcessId) is { } interval
            ? new Watchdog(interval, source, SystemdNotify.Alive, clock)
            : null;

    public static Watchdog Start(TimeSpan interval, INodeStatusSource source, Action feed, TimeProvider clock) =>
        new(interval, source, feed, clock);

    public static TimeSpan? IntervalOf(Func<string, string?> variable, int processId)
    {
        if (variable("WATCHDOG_PID") is { Length: > 0 } pid && pid != processId.ToString(CultureInfo.InvariantCulture))
            return null;

        return long.TryParse(
            variable("WATCHDOG_USEC"), NumberStyles.None, CultureInfo.InvariantCulture, out var microseconds)
            && microseconds > 0
            ? TimeSpan.FromMicroseconds(microseconds)
            : null;
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _loop;
        _stop.Dispose();
    }

    private async Task LoopAsync(TimeSpan pause, INodeStatusSource source, Action feed, TimeProvider clock)
    {
        try
        {
            while (true)
            {
                await Task.Delay(pause, clock, _stop.Token);
                try
                {
                    await source.SnapshotAsync(_stop.Token);
                }
                catch (EdgeSyncException)
                {
                    // Failing, but alive.
                }

                feed();
            }
        }
        catch (OperationCanceledException)
        {
            // Stopped.
        }
    }
}
