using System.Text.Json.Serialization;
using EdgeSync.Node.Status;
using EdgeSync.Node.Sync;

namespace EdgeSync.Node.Control;

/// <summary>
/// One question to a running daemon: a line of JSON on its unix socket, answered by one line. What can be asked:
/// <code>
/// sync_now   with whom it concerns, now; answered when it is done     repository?
/// changed    somebody committed: look                                 repository
/// status     everything (docs/status.md)
/// users      users of a repository are others now
/// reload     read the settings anew, as SIGHUP does
/// </code>
/// </summary>
internal sealed record ControlRequest([property: JsonRequired] string Do, string? Repository = null);

internal sealed record ControlReply
{
    public Failure? Error { get; init; }

    public IReadOnlyList<SyncNowResult>? Syncs { get; init; }

    public NodeStatus? Status { get; init; }
}
