using EdgeSync.Fossil.Sync.Store;
using EdgeSync.Primitives;

namespace EdgeSync.Fossil.Sync;

/// <summary>
/// When a pull makes clusters. Making them writes, so not every pull checks whether they are due: the first one after a
/// change does, and one per minute, for changes that other processes made to the file. All other pulls only read.
/// Thread-safe.
/// </summary>
public sealed class ClusterSchedule
{
    /// <summary>The number of artifacts in no cluster from which clusters are due. Spec: xfer.c,
    /// create_cluster.</summary>
    private const int ArtifactsDue = 100;

    private static readonly TimeSpan Pause = TimeSpan.FromMinutes(1);

    private long _nextTicks;

    /// <summary>The same request; it makes clusters only when a check is due.</summary>
    public RequestSummary Limit(RequestSummary request, Instant now)
    {
        if (!request.MakesClusters) return request;

        var next = Interlocked.Read(ref _nextTicks);
        var isTurn = now.UnixTicks >= next
            && Interlocked.CompareExchange(ref _nextTicks, (now + Pause).UnixTicks, next) == next;
        return request with { MakesClusters = isTurn };
    }

    /// <summary>Something was stored.</summary>
    public void OnChanged() => Interlocked.Exchange(ref _nextTicks, 0);

    /// <summary>Called inside a round.</summary>
    internal static bool AreDue(IArtifactStore store)
    {
        var some = new ArtifactListing[ArtifactsDue];
        return store.List(ArtifactList.Unclustered, RecordId.None, some) == ArtifactsDue;
    }
}
