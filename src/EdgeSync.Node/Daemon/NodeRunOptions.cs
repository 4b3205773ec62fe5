using EdgeSync.Node.Repositories;

namespace EdgeSync.Node.Daemon;

/// <summary>What a process gives to the node that runs in it.</summary>
internal sealed record NodeRunOptions
{
    /// <summary>Where the log goes.</summary>
    public required TextWriter Errors { get; init; }

    public required TimeProvider Clock { get; init; }

    /// <summary>Logs as if <c>log.level</c> were <c>debug</c>.</summary>
    public bool IsVerbose { get; init; }

    /// <summary>Called once, when every port listens and every repository is there.</summary>
    public Action<StartedNode> Started { get; init; } = _ => { };

    /// <summary>The signal that ends the process, for the log; null when none came.</summary>
    public Func<string?> StopCause { get; init; } = () => null;
}

/// <summary>A node that runs.</summary>
/// <param name="Repositories">Paths of the files.</param>
/// <param name="Addresses">By what: <c>http</c>, <c>nats</c>, <c>nats-leaf</c>, <c>websocket</c>, <c>monitor</c>,
/// <c>control</c>.</param>
internal sealed record StartedNode(
    string Node, string Role, IReadOnlyList<string> Repositories, IReadOnlyDictionary<string, string> Addresses)
{
    /// <summary>Of the only repository.</summary>
    public string? ProjectCode { get; init; }

    /// <summary>Logins that a hub has made, with their passwords, which are shown once.</summary>
    public IReadOnlyList<MadeUser> Users { get; init; } = [];

    /// <summary>What another machine may give to <c>--nats</c>, the best first.</summary>
    public IReadOnlyList<string> JoinAddresses { get; init; } = [];
}
