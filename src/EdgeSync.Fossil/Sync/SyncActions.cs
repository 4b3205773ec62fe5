namespace EdgeSync.Fossil.Sync;

/// <summary>What a session is to do.</summary>
[Flags]
public enum SyncActions
{
    None = 0,

    /// <summary>Receive artifacts that the server has.</summary>
    Pull = 1,

    /// <summary>Send artifacts that the server lacks.</summary>
    Push = 2,

    /// <summary>Receive everything into an empty store, or resume an interrupted clone.</summary>
    Clone = 4,

    /// <summary>Private artifacts too.</summary>
    Private = 8,

    /// <summary>Unversioned files, both ways as far as the server allows.</summary>
    Unversioned = 16,

    /// <summary>With <see cref="Unversioned"/>: make the local files equal to the server's.</summary>
    UnversionedRevert = 32,

    /// <summary>Compare whole catalogues instead of only new artifacts.</summary>
    Verily = 64,

    /// <summary>Synced tables.</summary>
    Tables = 128,

    Sync = Pull | Push,
}

/// <summary>The login of a session. A password of 40 hex digits is the shared secret itself.</summary>
public sealed record SyncLogin(string User, string Password);
