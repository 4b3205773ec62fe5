namespace EdgeSync.Agent;

/// <summary>An event for the log; the host formats it.</summary>
public abstract record AgentEvent
{
    private AgentEvent()
    {
    }

    public sealed record PeerJoined(string Peer, NodeRole Role, string Version) : AgentEvent;

    public sealed record PeerLeft(string Peer) : AgentEvent;

    /// <summary>Its heartbeats stopped, without a leave.</summary>
    public sealed record PeerSilent(string Peer, TimeSpan Silence) : AgentEvent;

    /// <summary>Another node uses our node id.</summary>
    /// <param name="Text">The details.</param>
    public sealed record DuplicateName(string Text) : AgentEvent;

    /// <param name="Target">The target's id.</param>
    /// <param name="Received">Artifacts.</param>
    /// <param name="Sent">Artifacts.</param>
    public sealed record SyncFinished(string Target, long Received, long Sent, TimeSpan Took) : AgentEvent;

    /// <param name="Target">The target's id.</param>
    public sealed record SyncFailed(string Target, string Reason, TimeSpan Took) : AgentEvent;
}
