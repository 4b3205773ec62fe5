using EdgeSync.Can.Assets;
using EdgeSync.Can.Sync.Peers;
using EdgeSync.Can.Sync.Transfer;

namespace EdgeSync.Storage.Assets.Mirror;

/// <summary>
/// Where a mirror reads and writes contents: the folder of its store, or a service that has them. From any thread;
/// writes of one asset come one after the other.
/// </summary>
public interface IMirrorContents
{
    /// <summary>Reads a part of a content; false when it is not there.</summary>
    ValueTask<bool> TryReadAsync(
        AssetHash hash, long offset, Memory<byte> target, CancellationToken cancellationToken);

    /// <summary>Writes a verified group of an asset that arrives.</summary>
    /// <param name="hash">The asset.</param>
    /// <param name="timestampMs">Of the asset; its identity is hashed as the groups come.</param>
    /// <param name="tree">By which the group was verified.</param>
    /// <param name="group">Its number.</param>
    /// <param name="bytes">Of the group.</param>
    /// <returns>False: it does not follow what is here, or the disk refuses.</returns>
    bool Write(AssetHash hash, long timestampMs, ContentTree tree, int group, ReadOnlySpan<byte> bytes);

    /// <summary>Writes a piece of an asset whose hash is not known yet, behind those before it.</summary>
    /// <param name="arrival">Names what arrives, in this process.</param>
    /// <param name="offset">Of the piece.</param>
    /// <param name="bytes">Of the piece.</param>
    /// <returns>False: the disk refuses.</returns>
    bool WriteArrival(long arrival, long offset, ReadOnlySpan<byte> bytes);

    /// <summary>
    /// All pieces are here: makes them all groups of that asset, which <see cref="CommitAsync"/> hashes and takes.
    /// </summary>
    /// <returns>False: the disk refuses.</returns>
    bool TakeArrival(long arrival, AssetHash hash, ContentTree tree);

    /// <summary>Drops the pieces.</summary>
    void DropArrival(long arrival);

    /// <summary>All groups are here: makes them the content of the asset, if they are.</summary>
    Task<CommitOutcome> CommitAsync(
        AssetHash hash, long timestampMs, ContentTree tree, CancellationToken cancellationToken);

    /// <summary>
    /// Hashes a content again; one that is missing or is not the asset's is marked. A mirror learns of it by the
    /// change.
    /// </summary>
    Task VerifyAsync(AssetHash hash, CancellationToken cancellationToken);

    /// <summary>
    /// Makes the trees of contents that have none, as they were stored without a mirror; a content that is not the
    /// asset's is marked instead.
    /// </summary>
    Task EnsureTreesAsync(IReadOnlyList<Asset> assets, CancellationToken cancellationToken);
}
