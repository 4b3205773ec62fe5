using EdgeSync.Can.Assets;
using EdgeSync.Can.Sync.Peers;
using EdgeSync.Can.Sync.Transfer;
using EdgeSync.Can.Wire;
using EdgeSync.Primitives;
using EdgeSync.Storage.Assets.Mirror;

namespace EdgeSync.Node.Can.Agent;

/// <summary>
/// The contents of a mirror that are in a service: read and stored over HTTP. What arrives from peers is collected in
/// the agent's folder, and sent to the service when it is whole.
/// </summary>
internal sealed class ServiceContents : IMirrorContents, IAsyncDisposable
{
    private const int PieceBytes = 128 * 1024;

    /// <summary>Contents that are read for trees at once.</summary>
    private const int TreesAtOnce = 8;

    private readonly OpenContents _open;
    private readonly ServiceClient _client;
    private readonly ServiceCatalog _catalog;
    private readonly MirrorStore _store;
    private readonly Action<AssetHash> _isDue;
    private readonly HashSet<AssetHash> _sending = [];

    /// <param name="client">The service.</param>
    /// <param name="catalog">Of the service.</param>
    /// <param name="store">Of the catalog.</param>
    /// <param name="isDue">Takes an asset that must be applied to the service.</param>
    /// <param name="clock">Of idle times.</param>
    public ServiceContents(
        ServiceClient client, ServiceCatalog catalog, MirrorStore store, Action<AssetHash> isDue, TimeProvider clock)
    {
        (_client, _catalog, _store, _isDue) = (client, catalog, store, isDue);
        _open = new OpenContents(client, clock);
    }

    /// <summary>Assets that are being sent to the service.</summary>
    public IReadOnlyCollection<AssetHash> Sending
    {
        get
        {
            lock (_sending) return [.. _sending];
        }
    }

    public async ValueTask<bool> TryReadAsync(
        AssetHash hash, long offset, Memory<byte> target, CancellationToken cancellationToken)
    {
        try
        {
            return await _open.TryReadAsync(hash, offset, target, cancellationToken);
        }
        catch (EdgeSyncException)
        {
            // The peer asks again later, or another one.
            return false;
        }
    }

    public bool Write(AssetHash hash, long timestampMs, ContentTree tree, int group, ReadOnlySpan<byte> bytes) =>
        _store.Contents.Write(hash, timestampMs, tree, group, bytes);

    public bool WriteArrival(long arrival, long offset, ReadOnlySpan<byte> bytes) =>
        _store.Contents.WriteArrival(arrival, offset, bytes);

    public bool TakeArrival(long arrival, AssetHash hash, ContentTree tree) =>
        _store.Contents.TakeArrival(arrival, hash, tree);

    public void DropArrival(long arrival) => _store.Contents.DropArrival(arrival);

    public async Task<CommitOutcome> CommitAsync(
        AssetHash hash, long timestampMs, ContentTree tree, CancellationToken cancellationToken)
    {
        lock (_sending) _sending.Add(hash);
        try
        {
            if (await _store.Contents.TakeWholeAsync(hash, timestampMs, tree) is not { } path)
                return CommitOutcome.Mismatch;
            if (await _catalog.BeginPushAsync(hash, timestampMs, tree.Size) is not { } state)
                return CommitOutcome.Failed;

            var outcome = await SendAsync(state, path, tree, cancellationToken);
            if (outcome == CommitOutcome.Stored) _store.Contents.Drop(hash);
            return outcome;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or EdgeSyncException)
        {
            return CommitOutcome.Failed;
        }
        finally
        {
            lock (_sending) _sending.Remove(hash);
        }
    }

    // A service that has damaged its file without noticing would go on offering it.
    public async Task VerifyAsync(AssetHash hash, CancellationToken cancellationToken)
    {
        try
        {
            if (_client.IsExtended) await _client.VerifyAsync(hash, cancellationToken);
        }
        catch (EdgeSyncException)
        {
            // It is away: then nothing was read from it, either.
        }
    }

    public async Task EnsureTreesAsync(IReadOnlyList<Asset> assets, CancellationToken cancellationToken)
    {
        var (made, lost) = (new List<(AssetHash, ContentTree)>(), new List<AssetHash>());
        await Parallel.ForEachAsync(
            assets.Where(a => !a.IsCorrupted && !_catalog.HasTree(a.Hash)),
            new ParallelOptions { MaxDegreeOfParallelism = TreesAtOnce, CancellationToken = cancellationToken },
            async (asset, token) =>
            {
                var tree = await _client.UntilAnsweredAsync(
                    t => TreeOfAsync(asset, t), token, isPatient: true);
                lock (made)
                {
                    if (tree is not null) made.Add((asset.Hash, tree));
                    else lost.Add(asset.Hash);
                }

                if (tree is null) await VerifyAsync(asset.Hash, token);
            });
        if (made.Count > 0) await _catalog.PutTreesAsync(made);
        if (lost.Count > 0) await _catalog.MarkLostAsync(lost);
    }

    public ValueTask DisposeAsync() => _open.DisposeAsync();

    private async Task<CommitOutcome> SendAsync(
        AssetState state, string path, ContentTree tree, CancellationToken cancellationToken)
    {
        var pushed = await _client.UntilAnsweredAsync(
            t => _client.PushAsync(state, path, _catalog.Position, t), cancellationToken);
        if (pushed.Outcome != PushOutcome.Stored)
        {
            await _catalog.FailPushAsync(state.Hash);
            return CommitOutcome.Failed;
        }

        // What was there before may have other details, which its change tells.
        var sent = state with { Number = pushed.AlreadyExisted ? 0 : pushed.Number };
        if (await _catalog.EndPushAsync(sent, tree)) return CommitOutcome.Stored;

        _isDue(state.Hash);
        return CommitOutcome.Failed;
    }

    // Null: the service does not have it, or something else.
    private async Task<ContentTree?> TreeOfAsync(Asset asset, CancellationToken cancellationToken)
    {
        await using var content = await _client.OpenContentAsync(asset.Hash, 0, cancellationToken);
        if (content is null) return null;

        using var hasher = new AssetHasher(asset.TimestampMs);
        using var builder = new ContentTreeBuilder();
        var buffer = new byte[PieceBytes];
        while (await content.ReadAsync(buffer, cancellationToken) is var count and > 0)
        {
            hasher.Append(buffer.AsSpan(0, count));
            builder.Append(buffer.AsSpan(0, count));
        }

        return hasher.Finish() == asset.Hash ? builder.Finish() : null;
    }
}

/// <summary>
/// Contents that are being read group by group: each stays open for its next group, so that a large one is one request
/// and not thousands.
/// </summary>
internal sealed class OpenContents(ServiceClient client, TimeProvider clock) : IAsyncDisposable
{
    private const int OpenMax = 32;

    private static readonly TimeSpan IdleMax = TimeSpan.FromSeconds(30);

    private readonly List<(ServiceContent Content, long UsedAt)> _open = [];

    public async Task<bool> TryReadAsync(
        AssetHash hash, long offset, Memory<byte> target, CancellationToken cancellationToken)
    {
        var content = Take(hash, offset) ?? await client.OpenContentAsync(hash, offset, cancellationToken);
        if (content is null) return false;

        var isWhole = false;
        try
        {
            var rest = target;
            while (rest.Length > 0)
            {
                var count = await content.ReadAsync(rest, cancellationToken);
                if (count == 0) return false;

                rest = rest[count..];
            }

            isWhole = true;
            return true;
        }
        finally
        {
            // Shorter than a group: it was the last one.
            if (isWhole && target.Length == ContentTree.GroupBytes) await KeepAsync(content);
            else await content.DisposeAsync();
        }
    }

    public async ValueTask DisposeAsync()
    {
        List<ServiceContent> all;
        lock (_open)
        {
            all = [.. _open.Select(o => o.Content)];
            _open.Clear();
        }

        foreach (var content in all) await content.DisposeAsync();
    }

    private ServiceContent? Take(AssetHash hash, long offset)
    {
        lock (_open)
        {
            var index = _open.FindIndex(o => o.Content.Hash == hash && o.Content.Position == offset);
            if (index < 0) return null;

            var content = _open[index].Content;
            _open.RemoveAt(index);
            return content;
        }
    }

    private async Task KeepAsync(ServiceContent content)
    {
        var given = new List<ServiceContent>();
        lock (_open)
        {
            _open.Add((content, clock.GetTimestamp()));
            while (_open.Count > OpenMax || clock.GetElapsedTime(_open[0].UsedAt) > IdleMax)
            {
                given.Add(_open[0].Content);
                _open.RemoveAt(0);
            }
        }

        foreach (var old in given) await old.DisposeAsync();
    }
}
