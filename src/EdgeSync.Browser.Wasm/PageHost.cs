using EdgeSync.Agent.Notify;
using EdgeSync.Agent.Schedule;
using EdgeSync.Browser.Notify;
using EdgeSync.Browser.Store;
using EdgeSync.Browser.Sync;
using EdgeSync.Fossil.Sync;
using EdgeSync.Net.Nats;
using EdgeSync.Primitives;

namespace EdgeSync.Browser.Wasm;

/// <summary>
/// The open repository of a worker: runs its leaf on the worker's one thread. A pump is due when the leaf asks for one,
/// and at its deadline.
/// </summary>
internal sealed class PageHost(PageStore store, OpenOptions options, Action<PageEvent> happened) : IAsyncDisposable
{
    // A server that went away without a word is noticed in half a minute.
    private static readonly TimeSpan PingInterval = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan ReconnectWaitMax = TimeSpan.FromSeconds(5);

    private TaskCompletionSource _wake = new();
    private NatsNetBus? _bus;
    private PageLeaf? _leaf;
    private Task _running = Task.CompletedTask;
    private bool _isStopped;

    public PageStore Store => store;

    public PageLeaf? Leaf => _leaf;

    /// <summary>Null until the page has opened the messages.</summary>
    public PageNotify? Notify { get; private set; }

    /// <summary>The name for people of what the page sends; null: the device's.</summary>
    public string? NotifyFrom { get; private set; }

    public bool IsConnected => _bus is { IsConnected: true };

    public static Instant Now => Instant.FromDateTime(TimeProvider.System.GetUtcNow());

    /// <summary>Copies the project; returns what came.</summary>
    /// <exception cref="EdgeSyncException">The clone failed; what came is kept for another try.</exception>
    public async Task<SyncReport> CloneAsync(Action<SyncProgress> observer)
    {
        var code = options.ProjectCode ?? throw new EdgeSyncException(
            ErrorKind.Usage, "a clone needs the code of the project", "projectCode: 40 hex digits");
        if (options.Notify) code = NotifyNames.ProjectCodeOf(code);
        await using var bus = NewBus();
        await bus.StartAsync(CancellationToken.None);
        if (!bus.IsConnected)
            throw new EdgeSyncException(
                ErrorKind.Unavailable, $"{options.NatsUrl} cannot be reached: {bus.LastFailure}", "check natsUrl");

        using var clone = new PageClone(
            store, bus, LeafOptionsOf(), code, BrowserEntropy.Instance, Now, () => _wake.TrySetResult(), observer);
        while (clone.Outcome is null)
        {
            _wake = new TaskCompletionSource();
            clone.Pump(Now);
            if (clone.Outcome is null) await WaitAsync(clone.Deadline);
        }

        return clone.Outcome is { IsOk: true } ? clone.Report : throw FailureOf(clone.Outcome);
    }

    /// <summary>Connects, and syncs from now on. Does not wait for the connection.</summary>
    public void Start()
    {
        if (_leaf is not null) return;

        _bus = NewBus();
        _leaf = new PageLeaf(
            store, _bus, LeafOptionsOf(), BrowserEntropy.Instance.NewPrng(), BrowserEntropy.Instance, Now)
        {
            Woken = () => _wake.TrySetResult(),
            Notify = Notify,
        };
        _leaf.Start();
        _running = RunAsync(_bus, _leaf);
    }

    /// <summary>Looks for messages in the repository from now on.</summary>
    /// <exception cref="EdgeSyncException">The name of the device is refused, or nothing is cloned yet.</exception>
    public PageNotify OpenNotify(string? device, string? from)
    {
        Notify = new PageNotify(store, device, BrowserEntropy.Instance, Now);
        NotifyFrom = from;
        if (_leaf is not null) _leaf.Notify = Notify;
        return Notify;
    }

    /// <summary>Tells the page of the messages that have arrived.</summary>
    public void TellMessages()
    {
        while (Notify is { } notify && notify.TryTake(out var message))
            happened(new PageEvent("message") { Message = MessageEntry.Of(message) });
    }

    /// <summary>Ends the leaf; the store stays open.</summary>
    public async Task StopAsync()
    {
        if (_leaf is null) return;

        _isStopped = true;
        _wake.TrySetResult();
        await _running;
        _leaf.Stop(Now);
        await _bus!.DisposeAsync();
        (_leaf, _bus, _isStopped) = (null, null, false);
    }

    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        store.Dispose();
    }

    private async Task RunAsync(NatsNetBus bus, PageLeaf leaf)
    {
        try
        {
            var connecting = bus.StartAsync(CancellationToken.None);
            while (!_isStopped)
            {
                _wake = new TaskCompletionSource();
                leaf.Pump(Now);
                while (leaf.TryTake(out var e)) happened(EventOf(e));
                TellMessages();
                await WaitAsync(leaf.Deadline);
            }

            await connecting;
        }
        catch (Exception e)
        {
            // The page decides: it may close, and open again.
            happened(new PageEvent("failed") { Error = e.Message });
        }
    }

    private Task WaitAsync(Instant? deadline)
    {
        if (deadline is not { } at) return _wake.Task;

        var pause = at - Now;
        // Not a pause: a page has one thread, and a timer lets calls of the page and data of the network come in
        // between two steps that are both due.
        return pause <= TimeSpan.Zero
            ? Task.Delay(1)
            : Task.WhenAny(_wake.Task, Task.Delay(pause < TimeSpan.FromHours(1) ? pause : TimeSpan.FromHours(1)));
    }

    private NatsNetBus NewBus() => new(
        new NatsNetOptions
        {
            Url = options.NatsUrl,
            Name = options.Name ?? "page",
            PingInterval = PingInterval,
            ReconnectWaitMax = ReconnectWaitMax,
        },
        TimeProvider.System);

    private LeafOptions LeafOptionsOf() => new()
    {
        NodeId = Agent.Messages.ProjectSubjects.PeerNameOf(
            options.Name ?? $"page-{BrowserEntropy.Instance.NextHex(8)}"),
        Prefix = options.Prefix,
        PollInterval = TimeSpan.FromSeconds(Math.Clamp(options.PollSeconds, 1, 3600)),
        Login = options.User is { } user ? new SyncLogin(user, options.Password ?? "") : null,
        Push = options.Push,
    };

    private static PageEvent EventOf(LeafEvent e) => e switch
    {
        LeafEvent.Link link => new PageEvent("link") { Connected = link.IsUp },
        LeafEvent.Synced synced => new PageEvent("synced")
        {
            Target = synced.Target,
            Received = synced.Received,
            Sent = synced.Sent,
            Error = synced.Error,
        },
        _ => new PageEvent("unknown"),
    };

    private static EdgeSyncException FailureOf(SyncOutcome outcome)
    {
        var kind = outcome.Kind switch
        {
            SyncOutcomeKind.Denied => ErrorKind.Denied,
            SyncOutcomeKind.NoResponders or SyncOutcomeKind.Unreachable or SyncOutcomeKind.TimedOut =>
                ErrorKind.Unavailable,
            _ => ErrorKind.Protocol,
        };
        return new EdgeSyncException(kind, $"the clone failed: {outcome.Reason}", "what came is kept: clone again");
    }
}
