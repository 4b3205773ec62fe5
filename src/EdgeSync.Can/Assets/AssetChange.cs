namespace EdgeSync.Can.Assets;

/// <summary>What the last change of an asset was.</summary>
public enum AssetChangeKind
{
    /// <summary>It arrived, and was not changed since.</summary>
    Added,

    /// <summary>Its details changed, or it came back from the trash.</summary>
    Updated,

    Trashed,

    /// <summary>It is gone for good.</summary>
    Deleted,
}

/// <summary>The last change of one asset.</summary>
/// <param name="Number">Of the change; they grow, with gaps where an asset was changed again.</param>
/// <param name="Kind">What happened.</param>
/// <param name="Hash">The asset.</param>
/// <param name="TimestampMs">Of the asset.</param>
public readonly record struct AssetChange(long Number, AssetChangeKind Kind, AssetHash Hash, long TimestampMs);
