using System.Buffers;
using System.Security.Cryptography;
using EdgeSync.Can.Wire;

namespace EdgeSync.Can.Assets;

/// <summary>
/// Which of two changes of an asset stays: the later one; of two at the same millisecond, the one whose encoded message
/// has the larger SHA-256. So stores that exchange changes in any order agree.
/// </summary>
public static class MetaRule
{
    public static bool Wins(MetaUpdate update, Asset asset)
    {
        ArgumentNullException.ThrowIfNull(update);
        ArgumentNullException.ThrowIfNull(asset);
        if (update.MetaUpdatedAtMs != asset.MetaUpdatedAtMs) return update.MetaUpdatedAtMs > asset.MetaUpdatedAtMs;

        return Digest(update).AsSpan().SequenceCompareTo(Digest(Of(asset))) > 0;
    }

    /// <summary>The asset with the change.</summary>
    public static Asset Apply(MetaUpdate update, Asset asset)
    {
        ArgumentNullException.ThrowIfNull(update);
        ArgumentNullException.ThrowIfNull(asset);
        return asset with
        {
            Details = asset.Details with
            {
                Description = update.Description,
                Tags = TagList.Normalize(update.Tags),
            },
            IsTrashed = update.IsTrashed,
            MetaUpdatedAtMs = update.MetaUpdatedAtMs,
        };
    }

    /// <summary>The state of an asset as a message.</summary>
    public static MetaUpdate Of(Asset asset)
    {
        ArgumentNullException.ThrowIfNull(asset);
        return new MetaUpdate(
            asset.Hash, asset.Details.Description, asset.Details.Tags, asset.IsTrashed, asset.MetaUpdatedAtMs);
    }

    private static byte[] Digest(MetaUpdate update)
    {
        var message = new ArrayBufferWriter<byte>(256);
        update.WriteTo(message);
        return SHA256.HashData(message.WrittenSpan);
    }
}
