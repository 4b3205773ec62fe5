namespace EdgeSync.Agent;

/// <summary>Something that the log tells; the host puts it into words.</summary>
public abstract record AgentEvent
{
    private AgentEvent()
    {
    }

    public sealed record PeerJoined(string Peer, NodeRole Role, string Version) : AgentEvent;

    public sealed record PeerLeft(string Peer) : AgentEvent;

    /// <summary>Its heartbeats stopped, without a farewell.</summary>
    public sealed record PeerSilent(string Peer, TimeSpan Silence) : AgentEvent;

    /// <summary>Another node uses our node id.</summary>
    /// <param name="Text">What is known of it.</param>
    public sealed record DuplicateName(string Text) : AgentEvent;

    /// <param name="Target">The target's id.</param>
    /// <param name="Received">Artifacts.</param>
    /// <param name="Sent">Artifacts.</param>
    public sealed record SyncFinished(string Target, long Received, long Sent, TimeSpan Took) : AgentEvent;

    /// <param name="Target">The target's id.</param>
    public sealed record SyncFailed(string Target, string Reason, TimeSpan Took) : AgentEvent;
}
