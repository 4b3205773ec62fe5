namespace EdgeSync.Node.Settings;

/// <summary>The access to a node's status.</summary>
public enum StatusAccess
{
    /// <summary>Programs on this machine, except through a proxy on it.</summary>
    Local,

    /// <summary>Every client that reaches the port.</summary>
    Everybody,
}
