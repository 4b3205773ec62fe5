using EdgeSync.Iroh.Discovery;
using EdgeSync.Iroh.Endpoints;
using EdgeSync.Net.Discovery;
using EdgeSync.Primitives;

namespace EdgeSync.Net.Iroh;

/// <summary>Drives a <see cref="PkarrPublisher"/> towards one pkarr relay.</summary>
/// <param name="told">Gets the end of each attempt; the reason when it failed.</param>
internal sealed class RecordPublisher(
    PkarrClient client, SecretKey key, TimeProvider clock, Action<string?> told)
{
    private readonly Lock _lock = new();
    private readonly PkarrPublisher _core = new(key);
    private readonly Alarm _alarm = new(clock);

    private Instant Now => Instant.FromDateTime(clock.GetUtcNow());

    /// <summary>The record of now.</summary>
    public void Update(EndpointInfo info)
    {
        using (_lock.EnterScope()) _core.Update(Now, info);
        _alarm.Ring();
    }

    public async Task RunAsync(CancellationToken cancellationToken)
    {
        while (!cancellationToken.IsCancellationRequested)
        {
            if (TryTake(out var packet, out var wait)) await PublishAsync(packet!, cancellationToken);
            else await _alarm.WaitAsync(wait, cancellationToken);
        }
    }

    private bool TryTake(out SignedPacket? packet, out TimeSpan wait)
    {
        using (_lock.EnterScope())
        {
            var now = Now;
            wait = _core.Deadline is { } deadline ? deadline - now : Timeout.InfiniteTimeSpan;
            return _core.TryTakePacket(now, out packet);
        }
    }

    private async Task PublishAsync(SignedPacket packet, CancellationToken cancellationToken)
    {
        string? failure = null;
        try
        {
            await client.PublishAsync(packet, cancellationToken);
        }
        catch (Exception e) when (e is EdgeSyncException or IOException
            || (e is OperationCanceledException && !cancellationToken.IsCancellationRequested))
        {
            failure = e.Message;
        }

        using (_lock.EnterScope()) _core.OnFinished(Now, failure is null);
        told(failure);
    }
}
