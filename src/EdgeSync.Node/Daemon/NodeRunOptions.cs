using EdgeSync.Node.Repositories;

namespace EdgeSync.Node.Daemon;

/// <summary>The options of a node from its process.</summary>
internal sealed record NodeRunOptions
{
    /// <summary>The target of the log.</summary>
    public required TextWriter Errors { get; init; }

    public required TimeProvider Clock { get; init; }

    /// <summary>Logs as if <c>log.level</c> were <c>debug</c>.</summary>
    public bool IsVerbose { get; init; }

    /// <summary>
    /// With it <c>/ui?key=…</c> logs a browser in as the owner of the only repository; null: nothing does.
    /// </summary>
    public string? OwnerKey { get; init; }

    /// <summary>Called once, when every port listens and every repository is open.</summary>
    public Action<StartedNode> Started { get; init; } = _ => { };

    /// <summary>The signal that ends the process, for the log; null when none came.</summary>
    public Func<string?> StopCause { get; init; } = () => null;
}

/// <summary>A running node.</summary>
/// <param name="Repositories">Paths of the files.</param>
/// <param name="Addresses">By kind: <c>http</c>, <c>nats</c>, <c>nats-leaf</c>, <c>websocket</c>, <c>monitor</c>,
/// <c>control</c>.</param>
internal sealed record StartedNode(
    string Node, string Role, IReadOnlyList<string> Repositories, IReadOnlyDictionary<string, string> Addresses)
{
    /// <summary>Of the only repository.</summary>
    public string? ProjectCode { get; init; }

    /// <summary>Logins that a hub created, with their passwords, which are shown once.</summary>
    public IReadOnlyList<MadeUser> Users { get; init; } = [];

    /// <summary>Addresses for <c>--nats</c> of another machine, the best first.</summary>
    public IReadOnlyList<string> JoinAddresses { get; init; } = [];
}
