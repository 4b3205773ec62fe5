using System.Text.Json.Serialization;
using EdgeSync.Node.Status;
using EdgeSync.Node.Sync;

namespace EdgeSync.Node.Control;

/// <summary>
/// One request to a running daemon: a line of JSON on its unix socket, with one line in reply. The requests:
/// <code>
/// sync_now   sync with every target; replies when it is done    repository?
/// changed    a process committed: check for changes          repository
/// status     everything (docs/status.md)
/// users      users of a repository have changed
/// reload     read the settings again, like SIGHUP
/// </code>
/// </summary>
internal sealed record ControlRequest([property: JsonRequired] string Do, string? Repository = null);

internal sealed record ControlReply
{
    public Failure? Error { get; init; }

    public IReadOnlyList<SyncNowResult>? Syncs { get; init; }

    public NodeStatus? Status { get; init; }
}
