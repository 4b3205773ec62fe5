using EdgeSync.Node.Control;
using EdgeSync.Primitives;

namespace EdgeSync.Node.Daemon;

/// <summary>Handles the requests on a daemon's control socket.</summary>
internal sealed class ControlHandler(NodeDaemon daemon)
{
    /// <exception cref="EdgeSyncException">The request is unknown, or failed.</exception>
    public async Task<ControlReply> AnswerAsync(ControlRequest request, CancellationToken cancellationToken)
    {
        switch (request.Do)
        {
            case "changed":
                daemon.OnChanged(request.Repository ?? "");
                return new ControlReply();
            case "sync_now":
                return new ControlReply { Syncs = await daemon.SyncNowAsync(request.Repository, cancellationToken) };
            case "status":
                return new ControlReply { Status = await daemon.Status.SnapshotAsync(cancellationToken) };
            case "users":
                await daemon.ChangeMembersAsync();
                return new ControlReply();
            case "reload":
                await daemon.ReloadAsync(cancellationToken);
                return new ControlReply();
            default:
                throw new EdgeSyncException(
                    ErrorKind.Protocol, $"unknown request '{request.Do}'",
                    "restart the daemon: it has another version");
        }
    }
}
