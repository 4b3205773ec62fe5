using EdgeSync.Agent.Messages;
using EdgeSync.Agent.Peers;
using EdgeSync.Agent.Schedule;
using EdgeSync.Fossil.Sync;
using EdgeSync.Primitives;

namespace EdgeSync.Agent;

/// <summary>
/// An action of the host. It takes effects in order with <see cref="AgentCore.TryTake"/> until none is left, and
/// reports their results by calling the core.
/// </summary>
public abstract record AgentEffect
{
    private AgentEffect()
    {
    }

    /// <summary>
    /// Run one session; its end is reported by <see cref="AgentCore.OnSyncFinished"/> with the same <paramref
    /// name="SyncId"/>, at the latest after <paramref name="Timeout"/>. One target has one session at a time.
    /// </summary>
    /// <param name="SyncId">Names this session.</param>
    public sealed record StartSync(
        long SyncId, SyncTarget Target, SyncActions Actions, SyncReason Reason, TimeSpan Timeout) : AgentEffect
    {
        /// <summary>Artifacts that the target has, to be requested in the first round.</summary>
        public IReadOnlyList<ArtifactId> Wanted { get; init; } = [];
    }

    /// <summary>Publish on NATS, without a result. While no link is up it may be dropped.</summary>
    public sealed record Publish(string Subject, byte[] Payload) : AgentEffect;

    /// <summary>
    /// List the changes of the repository after <paramref name="After"/>; reported by <see
    /// cref="AgentCore.OnChangesRead"/>.
    /// </summary>
    public sealed record ListChanges(RecordId After) : AgentEffect;

    /// <summary>Store <see cref="AgentMemory.PublishedRid"/>, after the publications before it were flushed.</summary>
    public sealed record PersistWatermark(RecordId PublishedRid) : AgentEffect;

    /// <summary>Store <see cref="AgentMemory.DurableSequence"/>.</summary>
    public sealed record PersistSequence(ulong Sequence) : AgentEffect;

    /// <summary>Insert or replace a peer's row.</summary>
    public sealed record PersistPeer(PeerRecord Peer) : AgentEffect;

    /// <summary>Delete a peer's row.</summary>
    public sealed record ForgetPeer(string PeerId) : AgentEffect;

    /// <summary>
    /// Read the messages of the project's stream after the sequence <paramref name="After"/> (0: only its last
    /// sequence), at most the newest <paramref name="CountMax"/>. Reported by <see cref="AgentCore.OnMissedRead"/> with
    /// the same <paramref name="ReadId"/>; null without JetStream.
    /// </summary>
    public sealed record ReadMissed(long ReadId, ulong After, int CountMax) : AgentEffect;

    /// <summary>
    /// A missed announcement: check whether it is held, and pass it to <see cref="AgentCore.OnAnnouncement"/>.
    /// </summary>
    public sealed record CheckAnnouncement(Announcement Announcement) : AgentEffect;

    /// <summary>One line for the log.</summary>
    public sealed record Log(AgentLogLevel Level, AgentEvent Event) : AgentEffect;
}

/// <summary>The level of a line.</summary>
public enum AgentLogLevel
{
    Debug,
    Info,
    Warning,
    Error,
}

/// <summary>Why a session starts.</summary>
public enum SyncReason
{
    /// <summary>The fallback timer.</summary>
    Poll,

    /// <summary>Something was added here.</summary>
    LocalChange,

    /// <summary>A peer announced an artifact that is missing here.</summary>
    Announcement,

    /// <summary>A user or program requested it.</summary>
    Requested,

    /// <summary>A link or a peer came (back) up.</summary>
    CatchUp,

    /// <summary>It failed before.</summary>
    Retry,
}
