using EdgeSync.Can.Service;
using EdgeSync.Node.Can;
using EdgeSync.Node.Status;
using EdgeSync.Primitives;

namespace EdgeSync.Node.Daemon;

/// <summary>Puts the status of a node's asset store together.</summary>
internal static class AssetsStatusOf
{
    /// <param name="service">Null: the node has no store.</param>
    /// <param name="cancellationToken">Ends the waiting for the mirror.</param>
    /// <returns>Null also while the store ends.</returns>
    public static async Task<AssetsStatus?> ReadAsync(CanService? service, CancellationToken cancellationToken)
    {
        if (service is null) return null;

        try
        {
            return Of(service, await service.StatusAsync(cancellationToken));
        }
        catch (ObjectDisposedException)
        {
            return null;
        }
        catch (Exception e) when (e is EdgeSyncException or IOException or UnauthorizedAccessException)
        {
            // A disk that is gone is not the end of the node's status.
            return new AssetsStatus { Url = service.Url, Folder = service.Store.Root, Error = e.Message };
        }
    }

    private static AssetsStatus Of(CanService service, CanStatus status) =>
        new()
        {
            Url = service.Url,
            Folder = status.StorageRoot,
            Assets = status.Assets,
            Bytes = status.Bytes,
            Trashed = status.Trashed,
            Corrupted = status.Corrupted,
            DiskFree = status.DiskFree,
            DiskReserve = status.DiskReserve,
            IsVerifying = status.Verify.Running,
            Mirror = status.Mirror is { } mirror ? Of(mirror, service.Mirror!.IsShared) : null,
        };

    private static AssetsMirrorStatus Of(MirrorStatus mirror, bool isShared) => new()
    {
        State = StateOf(mirror),
        Store = mirror.Store,
        EndpointId = mirror.Endpoint,
        IsShared = isShared,
        Stores = mirror.Stores.Count(s => s.Store != mirror.Store),
        Connected = mirror.Peers.Count,
        InSync = mirror.Peers.Count(p => p.IsInSync),
        Missing = mirror.Missing,
        Questions = mirror.Questions,
    };

    private static string StateOf(MirrorStatus mirror) => mirror switch
    {
        { Questions.Count: > 0 } => "asking",
        { IsPaused: true } => "paused",
        { Peers.Count: 0 } => "alone",
        _ => mirror.Peers.All(p => p.IsInSync) ? "in_sync" : "syncing",
    };
}
