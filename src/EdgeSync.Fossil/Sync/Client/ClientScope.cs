namespace EdgeSync.Fossil.Sync.Client;

/// <summary>
/// What a session still has to do. Some rejections concern a part of the actions, and the session continues without it.
/// </summary>
internal sealed class ClientScope(SyncActions ordered)
{
    /// <summary>A clone is neither pull nor push.</summary>
    public SyncActions Actions { get; private set; } = (ordered & SyncActions.Clone) != 0
        ? ordered & ~SyncActions.Sync
        : ordered;

    /// <summary>The server accepts nothing from this user.</summary>
    public bool PushRefused { get; private set; }

    /// <summary>The request under way requests the server's catalogue.</summary>
    public bool CatalogRequested { get; set; }

    public void RefusePush()
    {
        Actions &= ~SyncActions.Push;
        PushRefused = true;
    }

    /// <summary>True if the error leaves something to do; everything else in the request is due again.</summary>
    public bool TryNarrow(string error, ClientPush push, DeltaCycleRecovery circles, ClientUnversioned unversioned)
    {
        var pulls = (Actions & SyncActions.Pull) != 0;
        if (CatalogRequested && !pulls && error.StartsWith("not authorized to read", StringComparison.Ordinal))
        {
            CatalogRequested = false;
            push.OnCatalogDenied();
            push.OnLost();
            return true;
        }

        if (circles.IsRequested && error.StartsWith("not authorized to clone", StringComparison.Ordinal))
        {
            circles.OnRefused();
            push.OnLost();
            unversioned.OnLost();
            return true;
        }

        // Differs from Fossil: a user with read rights only still gets the pull that sync contains.
        if (!pulls || (Actions & SyncActions.Push) == 0) return false;
        if (!error.StartsWith("not authorized to write", StringComparison.Ordinal)) return false;

        RefusePush();
        return true;
    }
}
