using EdgeSync.Agent.Messages;
using EdgeSync.Agent.Peers;
using EdgeSync.Agent.Schedule;
using EdgeSync.Fossil.Sync;
using EdgeSync.Primitives;

namespace EdgeSync.Agent;

/// <summary>
/// Something that the core wants done. The host takes effects in order with <see cref="AgentCore.TryTake"/> until none
/// is left, and tells what came of them by calling the core.
/// </summary>
public abstract record AgentEffect
{
    private AgentEffect()
    {
    }

    /// <summary>
    /// Run one exchange; its end is told by <see cref="AgentCore.OnSyncFinished"/> with the same
    /// <paramref name="SyncId"/>, at the latest after <paramref name="Timeout"/>. One target has one exchange at a
    /// time.
    /// </summary>
    /// <param name="SyncId">Names this exchange.</param>
    public sealed record StartSync(
        long SyncId, SyncTarget Target, SyncActions Actions, SyncReason Reason, TimeSpan Timeout) : AgentEffect
    {
        /// <summary>Artifacts that the target is known to have, to be asked for in the first round.</summary>
        public IReadOnlyList<ArtifactId> Wanted { get; init; } = [];
    }

    /// <summary>Publish on NATS; nothing is told back. While no link is up it may be thrown away.</summary>
    public sealed record Publish(string Subject, byte[] Payload) : AgentEffect;

    /// <summary>
    /// Look up what came into the repository after <paramref name="After"/>; told by
    /// <see cref="AgentCore.OnChangesRead"/>.
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
    /// Read what the project's stream got behind the sequence <paramref name="After"/> (0: only its last sequence), at
    /// most the newest
    /// <paramref name="CountMax"/>. Told by <see cref="AgentCore.OnMissedRead"/> with the same
    /// <paramref name="ReadId"/>; null where no JetStream answers.
    /// </summary>
    public sealed record ReadMissed(long ReadId, ulong After, int CountMax) : AgentEffect;

    /// <summary>
    /// An announcement that was missed: look whether it is held, and hand it to <see cref="AgentCore.OnAnnouncement"/>.
    /// </summary>
    public sealed record CheckAnnouncement(Announcement Announcement) : AgentEffect;

    /// <summary>One line for the log.</summary>
    public sealed record Log(AgentLogLevel Level, AgentEvent Event) : AgentEffect;
}

/// <summary>How much a line matters.</summary>
public enum AgentLogLevel
{
    Debug,
    Info,
    Warning,
    Error,
}

/// <summary>Why an exchange starts.</summary>
public enum SyncReason
{
    /// <summary>The fallback timer.</summary>
    Poll,

    /// <summary>Something was added here.</summary>
    LocalChange,

    /// <summary>A peer told of something that is not here.</summary>
    Announcement,

    /// <summary>A person or program asked for it.</summary>
    Requested,

    /// <summary>A link or a peer came (back) up.</summary>
    CatchUp,

    /// <summary>It failed before.</summary>
    Retry,
}
