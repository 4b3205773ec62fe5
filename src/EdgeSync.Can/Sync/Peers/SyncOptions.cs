namespace EdgeSync.Can.Sync.Peers;

/// <summary>Limits and intervals of the mirror.</summary>
public sealed record SyncOptions
{
    /// <summary>How people know this store.</summary>
    public string Name { get; init; } = "";

    /// <summary>Connections at once.</summary>
    public int SessionsMax { get; init; } = 16;

    /// <summary>Connections of peers that have not proved the passphrase yet; more are closed.</summary>
    public int UnprovedMax { get; init; } = 32;

    /// <summary>Assets fetched from one peer at once.</summary>
    public int FetchesMax { get; init; } = 16;

    /// <summary>Of these, assets of more than one group: small ones pass large ones.</summary>
    public int LargeFetchesMax { get; init; } = 4;

    /// <summary>Assets sent to one peer at once.</summary>
    public int UploadsMax { get; init; } = 32;

    /// <summary>Until a side must have proved the passphrase.</summary>
    public TimeSpan ProofTime { get; init; } = TimeSpan.FromSeconds(10);

    public TimeSpan PingInterval { get; init; } = TimeSpan.FromSeconds(15);

    /// <summary>
    /// From a change to the ping by which both sides see that they are in sync again; many changes share one.
    /// </summary>
    public TimeSpan TellDelay { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>A peer that is silent for as long is gone.</summary>
    public TimeSpan SilenceMax { get; init; } = TimeSpan.FromSeconds(45);

    /// <summary>For which a peer that is elsewhere may be silent on a connection of before.</summary>
    public TimeSpan ProbeTime { get; init; } = TimeSpan.FromSeconds(3);

    public TimeSpan RedialMin { get; init; } = TimeSpan.FromSeconds(5);

    public TimeSpan RedialMax { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>
    /// What a peer may send of no use: each such record, claim or key takes one, each useful one gives one back.
    /// </summary>
    public int Budget { get; init; } = 100_000;

    /// <summary>What is given back with each ping.</summary>
    public int BudgetRefill { get; init; } = 10_000;

    /// <summary>Bytes of messages that a connection has not taken yet, before no more are made.</summary>
    public int ControlBytesMax { get; init; } = 256 * 1024;

    /// <summary>Records of which the content never came: beyond it no new ones are taken.</summary>
    public int MissingMax { get; init; } = 5_000_000;

    /// <summary>For which a peer of the original's protocol may be silent while it is waited for.</summary>
    public TimeSpan CompatSilenceMax { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>After which it is connected again when it has contents that are missing here.</summary>
    public TimeSpan CompatAgainTime { get; init; } = TimeSpan.FromMinutes(5);

    /// <summary>Assets in the hash set of such a peer.</summary>
    public int CompatHashesMax { get; init; } = 1_000_000;

    /// <summary>Deletions that are never too many; see <see cref="Records.DeletionGuard"/>.</summary>
    public int DeletionsMin { get; init; } = 50;

    /// <summary>Share of all assets that may be deleted in a while.</summary>
    public double DeletionsShare { get; init; } = 0.2;
}
