namespace EdgeSync.Agent;

/// <summary>What a node says to all: what it has, and that it lives.</summary>
internal sealed class Voice(AgentOptions options, Queue<AgentEffect> effects)
{
    // Invariant: at most NewsDesk.AnnouncementsMax, the newest.
    private readonly List<Announcement> _unsaidByBridge = [];

    public long AnnouncementsSent { get; private set; }

    public long PresencesSent { get; private set; }

    /// <param name="hub">Whom it is brought to.</param>
    /// <param name="hubIsSilent">That one is a bridge, which will not repeat it.</param>
    public void Announce(Announcement item, string? hub, bool hubIsSilent)
    {
        if (hubIsSilent) _unsaidByBridge.Add(item);
        if (_unsaidByBridge.Count > NewsDesk.AnnouncementsMax) _unsaidByBridge.RemoveAt(0);
        Say(item with { Hub = hub });
    }

    /// <summary>A bridge does not tell what was brought to it, so who brought it does, in its name.</summary>
    public void SpeakFor(string bridge)
    {
        foreach (var item in _unsaidByBridge) Say(item with { PeerId = bridge, Role = NodeRole.Hub });
        _unsaidByBridge.Clear();
    }

    public void Show(Presence presence)
    {
        PresencesSent++;
        effects.Enqueue(new AgentEffect.Publish(options.Subjects.Presence, presence.ToBytes()));
    }

    private void Say(Announcement item)
    {
        AnnouncementsSent++;
        effects.Enqueue(new AgentEffect.Publish(options.Subjects.Commit, item.ToBytes()));
    }
}
