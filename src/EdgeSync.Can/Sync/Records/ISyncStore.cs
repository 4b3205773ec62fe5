using System.Diagnostics.CodeAnalysis;
using EdgeSync.Can.Assets;
using EdgeSync.Can.Sync.Transfer;

namespace EdgeSync.Can.Sync.Records;

/// <summary>
/// What the mirror needs of a store, answered at once. Content itself is read and written by effects.
/// </summary>
/// <remarks>
/// What is saved is on the disk before the effects of the same step are carried out: a store must not tell a peer what
/// it would not know after a crash.
/// </remarks>
public interface ISyncStore
{
    /// <summary>Drawn when the store was made.</summary>
    StoreId Id { get; }

    /// <summary>All records.</summary>
    IEnumerable<SyncRecord> Records();

    bool TryGetRecord(AssetHash key, [NotNullWhen(true)] out SyncRecord? record);

    /// <summary>
    /// Keeps the record, and makes the asset what it says, in one transaction: details, trash; a deletion removes the
    /// content, also a part of it.
    /// </summary>
    void SaveRecord(SyncRecord record);

    /// <summary>
    /// Drops a record: a deletion that every store has. The greatest time of those is kept
    /// (<see cref="ForgottenTime"/>).
    /// </summary>
    void ForgetRecord(AssetHash key, ulong deletionTime);

    /// <summary>
    /// The greatest time of a deletion that was forgotten, as <see cref="Stamp.Time"/>; what is added from now on is
    /// later, so that a copy of such a deletion that is still somewhere does not delete it.
    /// </summary>
    ulong ForgottenTime { get; }

    /// <summary>
    /// Deletions that were forgotten, as far as the store keeps them: for peers that are not stores of the mirror, and
    /// would bring their assets back.
    /// </summary>
    IEnumerable<ForgottenDeletion> ForgottenDeletions();

    /// <summary>Whether it is one of <see cref="ForgottenDeletions"/>.</summary>
    bool TryGetForgotten(AssetHash hash, out ForgottenDeletion deletion);

    /// <summary>
    /// Keeps how many deletions were counted, with the records of the same step.
    /// </summary>
    /// <param name="ofPeers">Those that peers made; otherwise those of users of this store.</param>
    /// <param name="count">What was counted.</param>
    void SaveDeletionCount(bool ofPeers, DeletionCount count);

    /// <summary>What <see cref="SaveDeletionCount"/> has kept last; the default at first.</summary>
    DeletionCount DeletionCountOf(bool ofPeers);

    /// <summary>Whether the content is here, whole and not known to be corrupt.</summary>
    bool HasContent(AssetHash hash);

    /// <summary>Whether the content was here once, and its file is missing or corrupt now.</summary>
    bool IsLost(AssetHash hash);

    /// <summary>The tree of content that is here.</summary>
    bool TryGetTree(AssetHash hash, [NotNullWhen(true)] out ContentTree? tree);

    /// <summary>What has come of a transfer that broke.</summary>
    bool TryGetPartial(AssetHash hash, [NotNullWhen(true)] out PartialContent? partial);

    /// <summary>Drops what has come: it does not fit what comes now.</summary>
    void DropPartial(AssetHash hash);
}

/// <summary>A deletion that every store of the mirror has had.</summary>
/// <param name="Hash">The asset.</param>
/// <param name="TimestampMs">Of its creation, Unix milliseconds.</param>
/// <param name="DeletedAtMs">When it was deleted, Unix milliseconds.</param>
public readonly record struct ForgottenDeletion(AssetHash Hash, long TimestampMs, long DeletedAtMs);

/// <summary>The first groups of an asset, verified and written.</summary>
/// <param name="Tree">By which they were verified.</param>
/// <param name="Groups">How many there are.</param>
public sealed record PartialContent(ContentTree Tree, int Groups);
