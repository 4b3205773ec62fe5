using EdgeSync.Agent;

namespace EdgeSync.Node.Settings;

/// <summary>One repository that a node keeps in sync, with its options.</summary>
internal sealed class RepositorySettings
{
    public string Path { get; set; } = "";

    /// <summary>First word of its subjects.</summary>
    public string Prefix { get; set; } = "fossil";

    /// <summary>Fossil servers to sync with too, http or https.</summary>
    public List<string> Peers { get; set; } = [];

    /// <summary>Login on peers; without one, the rights of nobody apply.</summary>
    public string? User { get; set; }

    public string? Password { get; set; }

    public string? PasswordFile { get; set; }

    /// <summary>
    /// The only accepted key of https peers, <c>sha256:</c> and 64 hex digits; the system's trust when null.
    /// </summary>
    public string? Pin { get; set; }

    /// <summary>The same, as bytes; null when there is none.</summary>
    public byte[]? PinnedKey => Pin is null ? null : EdgeSync.Net.ServerPin.TryParse(Pin);

    public bool Push { get; set; } = true;

    public bool Pull { get; set; } = true;

    /// <summary>Unversioned files too.</summary>
    public bool Uv { get; set; }

    /// <summary>Synced tables too.</summary>
    public bool Tables { get; set; }

    /// <summary>Private branches too.</summary>
    public bool Private { get; set; }

    public AutosyncMode Autosync { get; set; } = AutosyncMode.On;

    public bool AllowFork { get; set; }

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
}

/// <summary>A folder whose changes are committed automatically.</summary>
internal sealed class WatchSettings
{
    public string Folder { get; set; } = "";

    /// <summary>A commit follows when no file has changed for this long.</summary>
    public TimeSpan Quiet { get; set; } = TimeSpan.FromSeconds(2);

    public string? User { get; set; }

    public string? Branch { get; set; }

    /// <summary>Globs of names that are ignored.</summary>
    public List<string> Ignore { get; set; } = [];
}
