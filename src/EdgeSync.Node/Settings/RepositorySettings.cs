using EdgeSync.Agent;

namespace EdgeSync.Node.Settings;

/// <summary>One repository that a node keeps in sync, with its options.</summary>
public sealed class RepositorySettings
{
    /// <summary>Path of the file.</summary>
    public string Path { get; set; } = "";

    /// <summary>First word of its subjects.</summary>
    public string Prefix { get; set; } = "fossil";

    /// <summary>Fossil servers to sync with too, http or https.</summary>
    public List<string> Peers { get; set; } = [];

    /// <summary>Login on peers; without one, the rights of <c>nobody</c> apply.</summary>
    public string? User { get; set; }

    /// <summary>Of <see cref="User"/>; a file is safer.</summary>
    public string? Password { get; set; }

    /// <summary>File whose first line is the password, readable by its owner only.</summary>
    public string? PasswordFile { get; set; }

    /// <summary>
    /// The only accepted key of https peers, <c>sha256:</c> and 64 hex digits; the system's trust when null.
    /// </summary>
    public string? Pin { get; set; }

    /// <summary>The same, as bytes; null when there is none.</summary>
    internal byte[]? PinnedKey => Pin is null ? null : EdgeSync.Net.ServerPin.TryParse(Pin);

    /// <summary>Send to peers.</summary>
    public bool Push { get; set; } = true;

    /// <summary>Receive from peers.</summary>
    public bool Pull { get; set; } = true;

    /// <summary>Unversioned files too.</summary>
    public bool Uv { get; set; }

    /// <summary>Synced tables too.</summary>
    public bool Tables { get; set; }

    /// <summary>Private branches too.</summary>
    public bool Private { get; set; }

    /// <summary>When changes are synced without a request.</summary>
    public AutosyncMode Autosync { get; set; } = AutosyncMode.On;

    /// <summary>The folder watch commits although the branch has another end.</summary>
    public bool AllowFork { get; set; }

    /// <summary>The folder watch commits although another user holds the check-in lock.</summary>
    public bool OverrideLock { get; set; }

    /// <summary>The poll interval without announcements.</summary>
    public TimeSpan Poll { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>Reply to peers over NATS.</summary>
    public bool ServeNats { get; set; } = true;

    /// <summary>http, https or NATS address that a missing file is cloned from.</summary>
    public string? CloneFrom { get; set; }

    /// <summary>Project to clone over NATS when the file is missing: 40 lower-case hex digits.</summary>
    public string? ProjectCode { get; set; }

    /// <summary>Folder whose files are committed after a quiet time.</summary>
    public WatchSettings? Watch { get; set; }

    /// <summary>Messages are kept in sync, too: <c>notify.fossil</c> beside it (docs/notify.md).</summary>
    public bool Notify { get; set; }

    /// <summary>Fossil servers to sync the messages with, besides the peers that NATS and iroh reach.</summary>
    public List<string> NotifyPeers { get; set; } = [];

    /// <summary>Path of the repository that the messages in this one are about; null: it holds none.</summary>
    internal string? MessagesOf { get; set; }
}

/// <summary>A folder whose changes are committed automatically.</summary>
public sealed class WatchSettings
{
    /// <summary>Path of the folder.</summary>
    public string Folder { get; set; } = "";

    /// <summary>A commit follows when no file has changed for this long.</summary>
    public TimeSpan Quiet { get; set; } = TimeSpan.FromSeconds(2);

    /// <summary>User of the check-ins; that of the system when null.</summary>
    public string? User { get; set; }

    /// <summary>Branch of the check-ins; the main one when null.</summary>
    public string? Branch { get; set; }

    /// <summary>Globs of names that are ignored.</summary>
    public List<string> Ignore { get; set; } = [];
}
