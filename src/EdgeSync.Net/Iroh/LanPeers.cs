using EdgeSync.Iroh.Discovery;
using EdgeSync.Iroh.Endpoints;
using EdgeSync.Net.Discovery;
using EdgeSync.Primitives;

namespace EdgeSync.Net.Iroh;

/// <summary>The endpoints that announce themselves on the LAN.</summary>
internal sealed class LanPeers : IAsyncDisposable
{
    /// <summary>A question is asked at least so often, and answered at once.</summary>
    private static readonly TimeSpan SearchTime = TimeSpan.FromSeconds(10);

    private readonly Lock _lock = new();
    private readonly Dictionary<EndpointId, EndpointAddress> _peers = [];
    private readonly List<(EndpointId Id, TaskCompletionSource<EndpointAddress?> Found)> _waiting = [];
    private readonly Action<IrohEvent> _told;
    private readonly TimeProvider _clock;
    private readonly LanSocket _socket;

    /// <exception cref="EdgeSyncException">The port cannot be shared, or no interface takes part.</exception>
    public LanPeers(
        EndpointId self, IrohDiscovery discovery, Prng prng, Action<IrohEvent> told, TimeProvider clock)
    {
        (_told, _clock) = (told, clock);
        _socket = LanSocket.Start(self, prng, OnEvent, clock, discovery.LanInterfaces, discovery.LanPort);
    }

    public IReadOnlyList<EndpointAddress> All
    {
        get
        {
            using (_lock.EnterScope()) return [.. _peers.Values.OrderBy(p => p.Id)];
        }
    }

    public EndpointAddress? Find(EndpointId id)
    {
        using (_lock.EnterScope()) return _peers.GetValueOrDefault(id);
    }

    /// <summary>An endpoint of the LAN, once it is heard of; null: it is not.</summary>
    public async Task<EndpointAddress?> SearchAsync(EndpointId id, CancellationToken cancellationToken)
    {
        var found = new TaskCompletionSource<EndpointAddress?>(TaskCreationOptions.RunContinuationsAsynchronously);
        using (_lock.EnterScope())
        {
            if (_peers.TryGetValue(id, out var known)) return known;
            _waiting.Add((id, found));
        }

        try
        {
            return await found.Task.WaitAsync(SearchTime, _clock, cancellationToken);
        }
        catch (TimeoutException)
        {
            return null;
        }
        finally
        {
            using (_lock.EnterScope()) _waiting.RemoveAll(w => w.Found == found);
        }
    }

    public void Announce(EndpointInfo info) => _socket.Announce(info);

    public ValueTask DisposeAsync() => _socket.DisposeAsync();

    private void OnEvent(LanEvent happened)
    {
        using (_lock.EnterScope())
        {
            if (happened.Info is not { } info) _peers.Remove(happened.Id);
            else _peers[happened.Id] = info.Address;
            foreach (var (id, found) in _waiting)
                if (id == happened.Id && happened.Info is not null) found.TrySetResult(happened.Info.Address);
        }

        var kind = happened.Info is null ? IrohEventKind.PeerLost : IrohEventKind.PeerFound;
        _told(new IrohEvent(kind, Peer: happened.Id, Text: happened.Info?.Address.ToString())
        {
            Found = happened.Info,
        });
    }
}
