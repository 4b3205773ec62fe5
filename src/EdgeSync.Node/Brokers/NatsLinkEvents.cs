using EdgeSync.Node.Loops;
using EdgeSync.Node.Sync;

namespace EdgeSync.Node.Brokers;

/// <summary>
/// Link events of a node: when a link is back, waiting requests are notified first, then the agents. Called from any
/// thread; the handlers run in order on the tasks of the owner.
/// </summary>
/// <param name="tasks">Owns the running handlers.</param>
/// <param name="upstreams">The nodes at the other ends of the connected uplinks.</param>
/// <param name="stop">Ends the waiting.</param>
internal sealed class NatsLinkEvents(
    RunningTasks tasks, Func<IEnumerable<string>> upstreams, TimeProvider clock, CancellationToken stop) : ILinkEvents
{
    /// <summary>After a link came up, the other side's interest is still arriving.</summary>
    private static readonly TimeSpan InterestPause = TimeSpan.FromMilliseconds(50);

    private readonly Lock _gate = new();
    private readonly List<Waiter> _waiters = [];
    private long _ups;

    /// <summary>
    /// True (with the other end's node id if known): a link to others came up; false: the uplink to that node is down,
    /// or the connection itself.
    /// </summary>
    public Func<bool, string?, ValueTask>? Changed { get; set; }

    /// <summary>Called before <see cref="Changed"/> when a link came up.</summary>
    public Action? CameUp { get; set; }

    /// <summary>Links that came up since start.</summary>
    public long Ups => Interlocked.Read(ref _ups);

    public IEnumerable<string> Upstreams => upstreams();

    public IDisposable OnBack(Action back)
    {
        var waiter = new Waiter(this, back);
        lock (_gate) _waiters.Add(waiter);
        return waiter;
    }

    public void Post(bool isUp, string? upstream)
    {
        if (isUp) Interlocked.Increment(ref _ups);
        tasks.Start(() => HandleAsync(isUp, upstream));
    }

    private async Task HandleAsync(bool isUp, string? upstream)
    {
        if (isUp)
        {
            await Task.Delay(InterestPause, clock, stop);
            if (upstream is not null && !upstreams().Contains(upstream)) return;   // down already

            CameUp?.Invoke();
            Waiter[] waiters;
            lock (_gate) waiters = [.. _waiters];
            foreach (var waiter in waiters) waiter.Back();
        }

        if (Changed is { } changed) await changed(isUp, upstream);
    }

    private sealed record Waiter(NatsLinkEvents News, Action Back) : IDisposable
    {
        public void Dispose()
        {
            lock (News._gate) News._waiters.RemoveAll(w => ReferenceEquals(w, this));
        }
    }
}
