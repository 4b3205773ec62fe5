namespace EdgeSync.Node.Settings;

/// <summary>
/// The asset store of a node, beside its repositories: the keys of <c>config.yaml</c> (docs/can.md) under the names of
/// this file.
/// </summary>
public sealed class AssetsSection
{
    /// <summary>The storage folder, created when absent. Null: there is no store, and nothing of it runs.</summary>
    public string? Folder { get; set; }

    /// <summary>Its own port, as <see cref="HttpSection.Listen"/> in text.</summary>
    public string Listen { get; set; } = "127.0.0.1:3210";

    /// <summary>Names under which browsers may reach a store that listens on this machine alone.</summary>
    public List<string> Hosts { get; set; } = [];

    /// <summary>Key of reading and storing; null: every client that reaches the port may do both.</summary>
    public string? ApiKey { get; set; }

    /// <summary>File whose first line is that key, readable by its owner only.</summary>
    public string? ApiKeyFile { get; set; }

    /// <summary>Bearer token of administration; null: it is refused.</summary>
    public string? AdminToken { get; set; }

    /// <summary>File whose first line is that token, readable by its owner only.</summary>
    public string? AdminTokenFile { get; set; }

    /// <summary>Key of <c>/sync/*</c>; null: it is refused.</summary>
    public string? SyncApiKey { get; set; }

    /// <summary>File whose first line is that key, readable by its owner only.</summary>
    public string? SyncApiKeyFile { get; set; }

    /// <summary>Whether thumbnails are kept.</summary>
    public bool ThumbnailCache { get; set; } = true;

    /// <summary>Free space that uploads leave, in MiB.</summary>
    public int DiskReserveMb { get; set; } = 64;

    /// <summary>Period of the verifier; zero: only when it is asked for.</summary>
    public TimeSpan VerifyInterval { get; set; } = TimeSpan.FromHours(12);

    /// <summary>What the verifier reads in a second, in MiB.</summary>
    public int VerifyMbPerSecond { get; set; } = 32;

    /// <summary>Inconsistencies that a pass of the verifier tolerates before the index is made again.</summary>
    public int RebuildErrorThreshold { get; set; } = 50;

    /// <summary>Its part in a mirror.</summary>
    public AssetsMirror Mirror { get; set; } = new();

    /// <summary>There is a store.</summary>
    internal bool IsOn => Folder is not null;

    /// <summary>There is a store, and it takes part in a mirror.</summary>
    internal bool IsMirror => IsOn && Mirror.Enabled;
}

/// <summary>
/// The part of an asset store in a mirror. It uses the endpoint of section <c>iroh</c>: the node's own where that is
/// enabled, else one that is started for it with the settings there.
/// </summary>
public sealed class AssetsMirror
{
    /// <summary>In <see cref="Allow"/>: those that <c>iroh.peers</c> names or that a repository trusts.</summary>
    internal const string Trusted = "trusted";

    /// <summary>In <see cref="Original"/>: the endpoint that <see cref="ConnectTicketFile"/> names.</summary>
    internal const string OriginalTicket = "ticket";

    /// <summary>Starts the mirror.</summary>
    public bool Enabled { get; set; }

    /// <summary>What all stores of the mirror have in common.</summary>
    public string? Passphrase { get; set; }

    /// <summary>File whose first line is the passphrase, readable by its owner only.</summary>
    public string? PassphraseFile { get; set; }

    /// <summary>Separates mirrors that have the same passphrase by chance.</summary>
    public string? Group { get; set; }

    /// <summary>How people know this store; the name of the node when null.</summary>
    public string? Name { get; set; }

    /// <summary>Tickets or ids of other stores, where they are not found otherwise.</summary>
    public List<string> Peers { get; set; } = [];

    /// <summary>
    /// Endpoints that may take part: ids, or <c>trusted</c> for those that this node syncs repositories with. Empty:
    /// all that have the passphrase.
    /// </summary>
    public List<string> Allow { get; set; } = [];

    /// <summary>
    /// Endpoints that may speak the original's protocol, which proves nothing of the passphrase: ids, or <c>ticket</c>
    /// for the one that <see cref="ConnectTicketFile"/> names. They are dialled, too. Empty: nobody.
    /// </summary>
    public List<string> Original { get; set; } = [];

    /// <summary>Bytes of content in a second, also by time of day; null: no limit.</summary>
    public string? Limit { get; set; }

    /// <summary>Whether it also meets in the records of the original, whose keys can be guessed quickly.</summary>
    public bool Compat { get; set; }

    /// <summary>Where the ways to this store are written; null: nowhere.</summary>
    public string? TicketFile { get; set; }

    /// <summary>Where another store writes its own; null: nowhere.</summary>
    public string? ConnectTicketFile { get; set; }

    /// <summary>Only peers that this node trusts, and those that are named besides.</summary>
    internal bool AllowsTrusted => Allow.Contains(Trusted);

    /// <summary>The ids that are named.</summary>
    internal IEnumerable<string> AllowedIds => Allow.Where(a => a != Trusted);
}
