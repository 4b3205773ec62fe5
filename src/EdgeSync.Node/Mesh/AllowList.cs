using EdgeSync.Iroh.Endpoints;
using EdgeSync.Node.Repositories;
using EdgeSync.Node.Settings;
using EdgeSync.Storage.Users;

namespace EdgeSync.Node.Mesh;

/// <summary>A peer that may connect.</summary>
/// <param name="Capabilities">At each repository that is open to it, by the file.</param>
internal sealed record AllowedPeer(EndpointId Id, IReadOnlyDictionary<string, string> Capabilities)
{
    /// <summary>What it is called; empty when unknown.</summary>
    public string Name { get; init; } = "";

    /// <summary>It is named in the settings: it is dialled, and open are all repositories.</summary>
    public bool IsListed { get; init; }

    /// <summary>The ways to it; null when it only connects to us.</summary>
    public EndpointAddress? Address { get; init; }
}

/// <summary>
/// Who may connect to the endpoint of a node: peers of the settings, and peers that its repositories trust. Read from
/// any thread, replaced as a whole.
/// </summary>
internal sealed class AllowList
{
    /// <summary>The capabilities of a peer of the settings: clone, read, write.</summary>
    public const string ListedCapabilities = JoinTokenStore.Capabilities;

    private volatile IReadOnlyDictionary<EndpointId, EndpointAddress> _listed;
    private volatile IReadOnlyDictionary<EndpointId, AllowedPeer> _peers;

    public AllowList(IrohSection settings)
    {
        _listed = ListedIn(settings);
        _peers = Merge([]);
    }

    public IReadOnlyCollection<AllowedPeer> All => [.. _peers.Values];

    public AllowedPeer? Find(EndpointId id) => _peers.GetValueOrDefault(id);

    /// <summary>Other peers are named from now on; <see cref="RefreshAsync"/> applies it.</summary>
    public void SetListed(IrohSection settings) => _listed = ListedIn(settings);

    /// <summary>Reads again what the repositories trust.</summary>
    public async Task RefreshAsync(IReadOnlyList<RepositoryHost> hosts, CancellationToken cancellationToken)
    {
        var trusted = new List<(string File, TrustedPeer Peer)>();
        foreach (var host in hosts)
        {
            var peers = await host.Readers.RunAsync(r => r.TrustedPeers.List(), cancellationToken);
            trusted.AddRange(peers.Select(p => (host.FilePath, p)));
        }

        // Who may sync a repository may sync its messages, if these do not say something else of it.
        foreach (var messages in hosts.Where(h => MessagesSetting.IsOne(h.FilePath)))
        {
            var own = trusted.Where(t => t.File == messages.FilePath).Select(t => t.Peer.Id).ToHashSet();
            trusted.AddRange(trusted
                .Where(t => !own.Contains(t.Peer.Id) && t.File != messages.FilePath
                    && MessagesSetting.Beside(t.File) == Path.GetFullPath(messages.FilePath))
                .DistinctBy(t => t.Peer.Id).Select(t => (messages.FilePath, t.Peer)).ToList());
        }

        _files = [.. hosts.Select(h => h.FilePath)];
        _peers = Merge(trusted);
    }

    private IReadOnlyList<string> _files = [];

    private static Dictionary<EndpointId, EndpointAddress> ListedIn(IrohSection settings)
    {
        var listed = new Dictionary<EndpointId, EndpointAddress>();
        foreach (var text in settings.Peers)
        {
            var address = IrohPeer.Parse(text);
            if (!listed.TryGetValue(address.Id, out var known) || known.IsEmpty) listed[address.Id] = address;
        }

        return listed;
    }

    private Dictionary<EndpointId, AllowedPeer> Merge(IReadOnlyList<(string File, TrustedPeer Peer)> trusted)
    {
        var merged = new Dictionary<EndpointId, AllowedPeer>();
        foreach (var address in _listed.Values)
        {
            merged[address.Id] = new AllowedPeer(address.Id, _files.ToDictionary(f => f, _ => ListedCapabilities))
            {
                IsListed = true,
                Address = address,
            };
        }

        // What a repository says of a peer precedes the settings.
        foreach (var group in trusted.GroupBy(t => t.Peer.Id))
        {
            if (!EndpointId.TryParse(group.Key, out var id)) continue;

            var listed = merged.GetValueOrDefault(id);
            var capabilities = listed is null
                ? new Dictionary<string, string>(StringComparer.Ordinal)
                : new Dictionary<string, string>(listed.Capabilities, StringComparer.Ordinal);
            foreach (var (file, peer) in group) capabilities[file] = peer.Capabilities;
            merged[id] = new AllowedPeer(id, capabilities)
            {
                IsListed = listed is not null,
                Name = group.Select(g => g.Peer.Name).FirstOrDefault(n => n.Length > 0) ?? "",
                Address = listed?.Address is { IsEmpty: false } given
                    ? given
                    : group.Select(g => AddressOf(g.Peer)).FirstOrDefault(a => a is not null) ?? listed?.Address,
            };
        }

        return merged;
    }

    private static EndpointAddress? AddressOf(TrustedPeer peer) =>
        peer.Ticket is { } ticket && IrohPeer.TryParse(ticket, out var address, out _)
        && address.Id.ToString() == peer.Id
            ? address
            : null;
}
