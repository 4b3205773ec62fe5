using EdgeSync.Node.Control;
using EdgeSync.Node.Mesh;
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
                await daemon.OnAccessChangedAsync(cancellationToken);
                return new ControlReply();
            case "pair":
                return await PairAsync(request, cancellationToken);
            case "pair_wait":
                return new ControlReply { Candidate = await Iroh.Pairing.WaitAsync(cancellationToken) };
            case "pair_answer":
                await Iroh.Pairing.AnswerAsync(request.Peer ?? "", request.Accepts == true, cancellationToken);
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

    private IrohNode Iroh => daemon.Iroh ?? throw new EdgeSyncException(
        ErrorKind.Usage, "the daemon has no iroh endpoint", "edgesync leaf --iroh");

    private async Task<ControlReply> PairAsync(ControlRequest request, CancellationToken cancellationToken)
    {
        var open = await Iroh.Pairing.BeginAsync(
            daemon.HostOf(request.Repository), Iroh.Address, request.Capabilities ?? AllowList.ListedCapabilities,
            cancellationToken);
        return new ControlReply { Code = open.Code, ExpiresAt = open.ExpiresAt.ToString() };
    }
}
