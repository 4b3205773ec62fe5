using EdgeSync.Iroh.Endpoints;
using EdgeSync.Net.Discovery;
using EdgeSync.Primitives;

namespace EdgeSync.Net.Iroh;

/// <summary>Where an endpoint is, by its id: all services are asked at once, and the first that knows counts.</summary>
internal sealed class PeerLookup(
    IReadOnlyList<PkarrClient> records, IReadOnlyList<string> origins, TxtResolver? names, LanPeers? lan)
{
    /// <summary>The ways to the endpoint; null: no service knows it.</summary>
    public async Task<EndpointAddress?> FindAsync(EndpointId id, CancellationToken cancellationToken)
    {
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var searches = SearchesFor(id, ending.Token).Select(GuardAsync).ToList();
        try
        {
            while (searches.Count > 0)
            {
                var done = await Task.WhenAny(searches);
                searches.Remove(done);
                if (await done is { IsEmpty: false } found) return found;
            }
        }
        finally
        {
            await ending.CancelAsync();
            await Task.WhenAll(searches);
        }

        cancellationToken.ThrowIfCancellationRequested();
        return null;
    }

    private IEnumerable<Task<EndpointAddress?>> SearchesFor(EndpointId id, CancellationToken cancellationToken)
    {
        if (lan is not null) yield return lan.SearchAsync(id, cancellationToken);
        foreach (var client in records) yield return ReadAsync(client, id, cancellationToken);
        if (names is null) yield break;
        foreach (var origin in origins) yield return AskAsync(names, id, origin, cancellationToken);
    }

    private static async Task<EndpointAddress?> ReadAsync(
        PkarrClient client, EndpointId id, CancellationToken cancellationToken) =>
        (await client.ResolveAsync(id, cancellationToken))?.Info().Address;

    private static async Task<EndpointAddress?> AskAsync(
        TxtResolver names, EndpointId id, string origin, CancellationToken cancellationToken) =>
        (await names.ResolveAsync(id, origin, cancellationToken))?.Address;

    private static async Task<EndpointAddress?> GuardAsync(Task<EndpointAddress?> search)
    {
        try
        {
            return await search;
        }
        catch (Exception e) when (e is EdgeSyncException or OperationCanceledException or IOException)
        {
            return null;   // another service may know
        }
    }
}
