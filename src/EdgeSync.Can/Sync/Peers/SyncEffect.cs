using EdgeSync.Can.Assets;
using EdgeSync.Can.Sync.Transfer;
using EdgeSync.Iroh.Endpoints;

namespace EdgeSync.Can.Sync.Peers;

/// <summary>What the shell has to do, or a person to decide.</summary>
public abstract record SyncEffect
{
    /// <summary>Connect; ends in <see cref="SyncNode.OnConnected"/> or <see cref="SyncNode.OnDialFailed"/>.</summary>
    public sealed record Dial(EndpointId Peer) : SyncEffect;

    /// <summary>
    /// Send on a stream of the session; <see cref="SyncNode.OnSent"/> when the connection has taken it. A stream that
    /// is not open yet is opened, in both directions.
    /// </summary>
    /// <param name="Session">As the shell named it.</param>
    /// <param name="Lane">0 is the first stream, opened by the dialling side; others are named by who opens.</param>
    /// <param name="Bytes">Whole frames, or the proof's.</param>
    /// <param name="IsRented">
    /// The array is of <see cref="System.Buffers.ArrayPool{T}.Shared"/>, and nothing else refers to it: it may be
    /// returned when the connection has taken the bytes.
    /// </param>
    public sealed record Send(long Session, int Lane, ReadOnlyMemory<byte> Bytes, bool IsRented = false) : SyncEffect;

    /// <summary>A stream is done with.</summary>
    /// <param name="Session">Of the stream.</param>
    /// <param name="Lane">The stream.</param>
    /// <param name="IsAbort">Reset it, instead of ending this side once all is sent.</param>
    public sealed record EndLane(long Session, int Lane, bool IsAbort) : SyncEffect;

    /// <summary>Close the connection; <see cref="SyncNode.OnClosed"/> follows.</summary>
    public sealed record Close(long Session, SyncClose Code, string Reason) : SyncEffect;

    /// <summary>Read a group of an asset; <see cref="SyncNode.OnGroupRead"/>.</summary>
    public sealed record ReadGroup(long Token, AssetHash Hash, long Offset, int Count) : SyncEffect;

    /// <summary>
    /// Write a verified group behind those before it, and keep the tree; <see cref="SyncNode.OnGroupWritten"/>. The
    /// first group with another tree begins the part anew; one that is there already is written.
    /// </summary>
    /// <param name="Token">For the answer.</param>
    /// <param name="Hash">The asset.</param>
    /// <param name="TimestampMs">Of the asset, as the peer says.</param>
    /// <param name="Tree">By which the group was verified.</param>
    /// <param name="Group">Its number.</param>
    /// <param name="Bytes">
    /// The array is of <see cref="System.Buffers.ArrayPool{T}.Shared"/>, and nothing else refers to it.
    /// </param>
    public sealed record WriteGroup(
        long Token, AssetHash Hash, long TimestampMs, ContentTree Tree, int Group, ReadOnlyMemory<byte> Bytes)
        : SyncEffect;

    /// <summary>
    /// All groups are written: hash the identity, and make the part the asset's content, unless the asset was deleted;
    /// <see cref="SyncNode.OnCommitted"/>.
    /// </summary>
    public sealed record Commit(AssetHash Hash, long TimestampMs, ContentTree Tree) : SyncEffect;

    /// <summary>
    /// Write a piece of an asset whose hash is not known yet, behind those before it; ends in
    /// <see cref="SyncNode.OnGroupWritten"/>.
    /// </summary>
    /// <param name="Token">For the answer.</param>
    /// <param name="Arrival">Names what arrives, in this process.</param>
    /// <param name="Offset">Of the piece.</param>
    /// <param name="Bytes">
    /// The array is of <see cref="System.Buffers.ArrayPool{T}.Shared"/>, and nothing else refers to it.
    /// </param>
    public sealed record WriteArrival(long Token, long Arrival, long Offset, ReadOnlyMemory<byte> Bytes) : SyncEffect;

    /// <summary>
    /// All pieces are written, and are that asset: make them its part, and commit it; ends in
    /// <see cref="SyncNode.OnCommitted"/>.
    /// </summary>
    public sealed record CommitArrival(long Arrival, AssetHash Hash, long TimestampMs, ContentTree Tree) : SyncEffect;

    /// <summary>Drop the pieces: the rest does not come, or is of no use.</summary>
    public sealed record DropArrival(long Arrival) : SyncEffect;

    /// <summary>A peer got a group that does not fit: verify the asset here.</summary>
    public sealed record Verify(AssetHash Hash) : SyncEffect;

    /// <summary>A person decides; <see cref="SyncNode.Answer"/>.</summary>
    public sealed record Ask(SyncQuestion Question, int Count, int Assets) : SyncEffect;

    /// <summary>For the log.</summary>
    /// <param name="Event">A stable name.</param>
    /// <param name="Detail">Of this case.</param>
    public sealed record Report(string Event, string Detail) : SyncEffect;
}

/// <summary>What a person is asked.</summary>
public enum SyncQuestion
{
    /// <summary>Peers delete many assets: are they to be deleted here? If not, they come back there.</summary>
    PeerDeletes,

    /// <summary>Many assets were deleted here: are they to be deleted everywhere?</summary>
    LocalDeletes,

    /// <summary>The content of many assets is gone: is it to be fetched again?</summary>
    MissingContent,
}

/// <summary>Why a connection is closed: the application's code of QUIC.</summary>
public enum SyncClose : ulong
{
    /// <summary>Not needed any longer.</summary>
    Done = 0,

    /// <summary>There is another connection between the two.</summary>
    Double = 1,

    /// <summary>The peer does not follow the protocol.</summary>
    Protocol = 400,

    /// <summary>The peer does not have the passphrase.</summary>
    Passphrase = 403,

    /// <summary>The peer is silent.</summary>
    Timeout = 408,

    /// <summary>Both sides are the same store, or one that was retired.</summary>
    Store = 409,

    /// <summary>The peer has sent too much that is of no use, or content that is not what it says.</summary>
    Budget = 429,
}

/// <summary>What became of a commit.</summary>
public enum CommitOutcome
{
    Stored,

    /// <summary>The content is not the asset's; the part is dropped.</summary>
    Mismatch,

    /// <summary>The disk refused.</summary>
    Failed,
}
