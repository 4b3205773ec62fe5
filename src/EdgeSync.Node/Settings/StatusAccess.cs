namespace EdgeSync.Node.Settings;

/// <summary>Who may read what a node tells of itself.</summary>
internal enum StatusAccess
{
    /// <summary>Programs on this machine, not those that a proxy on it speaks for.</summary>
    Local,

    /// <summary>Everybody who reaches the port.</summary>
    Everybody,
}
