using EdgeSync.Agent;
using EdgeSync.Agent.Announcements;
using EdgeSync.Agent.Messages;
using EdgeSync.Agent.Schedule;
using EdgeSync.Nats;
using EdgeSync.Node.Brokers;
using EdgeSync.Node.Loops;
using EdgeSync.Node.Repositories;
using EdgeSync.Node.Sync;
using EdgeSync.Primitives;

namespace EdgeSync.Node.Agents;

/// <summary>
/// Runs one repository's agent: events in, effects out. The context supplies clock, scheduler and entropy, the ports
/// everything else, so the same class runs in a daemon and in the simulator.
/// </summary>
internal sealed class AgentHost : IAsyncDisposable
{
    private readonly NodeContext _node;
    private readonly AgentPorts _ports;
    private readonly CancellationTokenSource _stop = new();
    private readonly RunningTasks _tasks;
    private readonly PendingWrites _writes;
    private readonly CoreLoop<AgentCore> _loop;
    private readonly SyncRunner _syncs;
    private readonly SyncNowWaits _waits = new();   // used on the agent's loop only
    private volatile NatsAccess? _nats;
    private NatsSubscriptions? _subscriptions;
    private long _checkIns;
    private int _changes;   // a bit for each origin whose change is posted and not yet passed to the core

    public AgentHost(AgentOptions options, AgentMemory memory, AgentPorts ports, NodeContext node)
    {
        (Options, _ports, _node) = (options, ports, node);
        _tasks = new RunningTasks(node.Failed, node.Log);
        _writes = new PendingWrites(ports.Repository, _tasks, node.Clock, _stop.Token);
        _syncs = new SyncRunner(ports, OpenTransport, node.Clock);
        Core = new AgentCore(options, memory, Now, node.NewPrng());
        _loop = new CoreLoop<AgentCore>(
            Core, new CoreDrive<AgentCore>(c => c.Deadline, (c, now) => c.OnDeadline(now), Drain), node.Clock,
            node.Scheduler);
        _ = WatchAsync();
    }

    public AgentOptions Options { get; }

    /// <summary>Used by the loop only; a simulation reads it between steps.</summary>
    internal AgentCore Core { get; }

    public SyncRunner Syncs => _syncs;

    /// <summary>Null while the repository is not on NATS.</summary>
    public NatsSubscriptions? Subscriptions => _subscriptions;

    /// <summary>Check-ins of the repository, as counted last.</summary>
    public long CheckIns => Interlocked.Read(ref _checkIns);

    public ValueTask AddTargetAsync(SyncTarget target) => _loop.PostAsync((core, now) => core.AddTarget(now, target));

    public ValueTask RemoveTargetAsync(string id) => _loop.PostAsync((core, _) => core.RemoveTarget(id));

    /// <inheritdoc cref="AgentCore.OnTargetReachable"/>
    public void OnTargetReachable(string id) => _loop.TryPost((core, now) => core.OnTargetReachable(now, id));

    /// <summary>Subscribes to peers over NATS, and replies to them from now on.</summary>
    public async Task JoinAsync(NatsAccess nats)
    {
        _subscriptions = NatsSubscriptions.Start(this, _ports.Answer, nats, _node);
        _nats = nats;
        if (!nats.IsConnected) return;

        await OnLinkAsync(isUp: true, null);
        foreach (var upstream in nats.Links.Upstreams.ToList()) await OnLinkAsync(isUp: true, upstream);
    }

    /// <summary>The same over another connection; exchanges over the old one end, and are retried.</summary>
    public async Task RejoinAsync(NatsAccess nats)
    {
        if (_subscriptions is not null) await _subscriptions.DisposeAsync();
        await OnLinkAsync(isUp: false, null);
        await JoinAsync(nats);
    }

    /// <summary>
    /// The repository changed. Never dropped: with a queue full of other nodes' messages a commit would wait for the
    /// next poll. Changes that come before the core takes the first are read together with it.
    /// </summary>
    public void OnChanged(ChangeOrigin origin)
    {
        var bit = 1 << (int)origin;
        if ((Interlocked.Or(ref _changes, bit) & bit) != 0) return;

        _loop.Post((core, now) =>
        {
            Interlocked.And(ref _changes, ~bit);
            core.OnChanged(now, origin);
        });
    }

    public ValueTask OnLinkAsync(bool isUp, string? upstream) => _loop.PostAsync((core, now) =>
    {
        if (isUp) core.OnLinkUp(now, upstream);
        else if (upstream is not null) core.OnUpstreamLost(now, upstream);
        else core.OnLinkDown(now);
    });

    public async ValueTask OnPresenceAsync(
        NatsMessage message, SenderCheck senders, CancellationToken cancellationToken)
    {
        if (!Presence.TryParse(message.Data.Span, out var presence) || !senders.MayBeFrom(presence.PeerId, message))
            return;

        var holdsHead = presence.Head.IsEmpty || presence.PeerId == _node.NodeId
            || await _ports.Repository.HoldsAsync(presence.Head, cancellationToken);
        _loop.TryPost((core, now) => core.OnPresence(now, presence, holdsHead));
    }

    public async ValueTask OnAnnouncementAsync(
        NatsMessage message, SenderCheck senders, CancellationToken cancellationToken)
    {
        if (!Announcement.TryParse(message.Data.Span, out var announcement) || announcement.PeerId == _node.NodeId)
            return;
        if (announcement.PeerId is { } peerId && !senders.MayBeFrom(peerId, message)) return;

        var isHeld = await IsHeldAsync(announcement, cancellationToken);
        _loop.TryPost((core, now) => core.OnAnnouncement(now, announcement, isHeld));
    }

    /// <summary>Syncs with every target; returns when all sessions are done.</summary>
    public async Task<IReadOnlyList<SyncNowResult>> SyncNowAsync(CancellationToken cancellationToken)
    {
        var wait = new SyncNowWait();
        await _loop.InvokeAsync(
            (core, now) =>
            {
                _waits.Add(wait);
                core.SyncNow(now);
                return true;
            },
            cancellationToken);

        // After the effects of that call: without a target, nothing was started.
        await _loop.InvokeAsync(
            (core, now) =>
            {
                _waits.EndIfIdle(core, now);
                return true;
            },
            cancellationToken);
        return await LoopTask.WaitAsync(wait.Done, cancellationToken);
    }

    public Task<AgentStatus> StatusAsync(CancellationToken cancellationToken) =>
        _loop.InvokeAsync((core, now) => core.StatusAt(now), cancellationToken);

    /// <summary>Leaves NATS, announces that, and waits for running work.</summary>
    public async ValueTask DisposeAsync()
    {
        if (_subscriptions is not null) await _subscriptions.DisposeAsync();
        await _loop.PostAsync((core, now) => core.Stop(now));
        await _loop.DisposeAsync();
        _stop.Cancel();
        await _tasks.DisposeAsync();
        await _writes.FlushAsync();
        _stop.Dispose();
    }

    private async Task WatchAsync()
    {
        try
        {
            await _loop.Completion;
        }
        catch (Exception e)
        {
            _node.Failed(e);
        }
    }

    // --- effects -----------------------------------------------------------------------------------------------------

    private void Drain(AgentCore core)
    {
        while (core.TryTake(out var effect)) Perform(effect);
    }

    private void Perform(AgentEffect effect)
    {
        _ports.Performing?.Invoke(effect);
        switch (effect)
        {
            case AgentEffect.StartSync start:
                _tasks.Start(() => SyncAsync(start));
                break;
            case AgentEffect.Publish publish when _nats is { IsConnected: true } nats:
                nats.Publish(publish.Subject, publish.Payload);
                break;
            case AgentEffect.ListChanges list:
                _tasks.Start(() => ListChangesAsync(list.After));
                break;
            case AgentEffect.PersistWatermark or AgentEffect.PersistSequence or AgentEffect.PersistPeer
                or AgentEffect.ForgetPeer:
                _writes.Add(effect);
                break;
            case AgentEffect.ReadMissed wanted:
                _tasks.Start(() => ReadMissedAsync(wanted));
                break;
            case AgentEffect.CheckAnnouncement check:
                _tasks.Start(() => CheckAsync(check.Announcement));
                break;
            case AgentEffect.Log line:
                _node.Log.Write(_ports.Repository.Name, line);
                break;
        }
    }

    private async Task SyncAsync(AgentEffect.StartSync start)
    {
        var outcome = await _syncs.RunAsync(start, _stop.Token);
        _ports.SyncFinished?.Invoke(start, outcome);
        await _loop.PostAsync((core, now) =>
        {
            core.OnSyncFinished(now, start.SyncId, outcome);
            _waits.OnFinished(start.Target.Id, outcome);
            _waits.EndIfIdle(core, now);
        });
    }

    private ITransport OpenTransport(SyncTarget target)
    {
        if (target.Kind == TargetKind.Http) return _ports.OpenHttp(target);

        return _nats is { IsConnected: true } nats
            ? nats.OpenTransport(target, Options.Subjects)
            : throw new EdgeSyncException(ErrorKind.Unavailable, "NATS is not connected");
    }

    private async Task ListChangesAsync(RecordId after)
    {
        var changes = await ReadChangesAsync(after);
        await _loop.PostAsync((core, now) =>
        {
            Interlocked.Exchange(ref _checkIns, changes.CheckIns);
            core.OnChangesRead(now, changes);
        });
    }

    // The core waits for it: a repository that cannot be read just now is read again later.
    private async Task<RepositoryChanges> ReadChangesAsync(RecordId after)
    {
        while (true)
        {
            try
            {
                return await _ports.Repository.ReadChangesAsync(after, _stop.Token);
            }
            catch (EdgeSyncException e)
            {
                _node.Log.RepositoryFailed(_ports.Repository.Name, e.Message, e.Hint);
                await Task.Delay(TimeSpan.FromSeconds(1), _node.Clock, _stop.Token);
            }
        }
    }

    private async Task ReadMissedAsync(AgentEffect.ReadMissed wanted)
    {
        var tail = _nats is { IsConnected: true } nats
            ? await nats.ReadTailAsync(
                Options.Subjects, _node.JetStreamDomain, wanted.After, wanted.CountMax, _stop.Token)
            : null;
        var missed = tail is null ? null : new StreamTail(tail.LastSequence, tail.Messages);
        await _loop.PostAsync((core, now) => core.OnMissedRead(now, wanted.ReadId, missed));
    }

    private async Task CheckAsync(Announcement announcement)
    {
        var isHeld = await IsHeldAsync(announcement, _stop.Token);
        await _loop.PostAsync((core, now) => core.OnAnnouncement(now, announcement, isHeld));
    }

    private async Task<bool> IsHeldAsync(Announcement announcement, CancellationToken cancellationToken) =>
        announcement.TryGetArtifact(out var id) && await _ports.Repository.HoldsAsync(id, cancellationToken);

    private Instant Now => Instant.FromDateTime(_node.Clock.GetUtcNow());
}
