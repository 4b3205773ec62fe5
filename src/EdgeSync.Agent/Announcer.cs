namespace EdgeSync.Agent;

/// <summary>What a node publishes: announcements and heartbeats.</summary>
internal sealed class Announcer(AgentOptions options, Queue<AgentEffect> effects)
{
    // Invariant: at most AnnouncementPlanner.AnnouncementsMax, the newest.
    private readonly List<Announcement> _pendingForBridge = [];

    public long AnnouncementsSent { get; private set; }

    public long PresencesSent { get; private set; }

    /// <param name="hub">Whom it is brought to.</param>
    /// <param name="hubIsBridge">That one is a bridge, which will not repeat it.</param>
    public void Announce(Announcement item, string? hub, bool hubIsBridge)
    {
        if (hubIsBridge) _pendingForBridge.Add(item);
        if (_pendingForBridge.Count > AnnouncementPlanner.AnnouncementsMax) _pendingForBridge.RemoveAt(0);
        Publish(item with { Hub = hub });
    }

    /// <summary>A bridge does not announce what was pushed to it: its pusher does, on its behalf.</summary>
    public void PublishOnBehalfOf(string bridge)
    {
        foreach (var item in _pendingForBridge) Publish(item with { PeerId = bridge, Role = NodeRole.Hub });
        _pendingForBridge.Clear();
    }

    public void PublishPresence(Presence presence)
    {
        PresencesSent++;
        effects.Enqueue(new AgentEffect.Publish(options.Subjects.Presence, presence.ToBytes()));
    }

    private void Publish(Announcement item)
    {
        AnnouncementsSent++;
        effects.Enqueue(new AgentEffect.Publish(options.Subjects.Commit, item.ToBytes()));
    }
}
