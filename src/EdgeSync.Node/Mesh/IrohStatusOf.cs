using EdgeSync.Net.Iroh;
using EdgeSync.Node.Repositories;
using EdgeSync.Node.Status;

namespace EdgeSync.Node.Mesh;

/// <summary>Puts the status of an iroh endpoint together.</summary>
internal static class IrohStatusOf
{
    public static IrohStatus Read(IrohNode node)
    {
        var endpoint = node.Endpoint;
        var connections = endpoint.Connections.ToLookup(c => c.Peer);
        var links = node.Links;
        return new IrohStatus
        {
            EndpointId = endpoint.Id.ToString(),
            Ticket = endpoint.Ticket,
            Bound = [.. endpoint.Bound.Select(b => b.ToString())],
            Relay = endpoint.Relay?.Url.Text,
            RelayOnline = endpoint.Relay?.IsOnline,
            RelayDenial = endpoint.Relay?.Denial,
            IsPairing = node.Pairing.IsOpen,
            Exchanges = node.Xfer.Exchanges,
            Peers =
            [
                .. node.Allowed.All.Where(p => p.Id != endpoint.Id).OrderBy(p => p.Id)
                    .Select(p => PeerOf(p, [.. connections[p.Id]], links.GetValueOrDefault(p.Id))),
            ],
        };
    }

    private static IrohPeerStatus PeerOf(AllowedPeer peer, IReadOnlyList<IrohConnection> connections, PeerLink? link)
    {
        var paths = connections.SelectMany(c => c.Paths).ToList();
        // The best of those that data goes on.
        var route = connections.Select(c => c.Route).OfType<IrohPath>()
            .OrderBy(p => p.IsRelayed).ThenBy(p => p.RoundTrip).FirstOrDefault();
        return new IrohPeerStatus
        {
            EndpointId = peer.Id.ToString(),
            Name = peer.Name.Length > 0 ? peer.Name : null,
            Origin = peer.IsListed ? "settings" : "trusted",
            Capabilities = peer.Capabilities.ToDictionary(c => RepositoryHost.NameOf(c.Key), c => c.Value),
            Route = route switch { null => "none", { IsRelayed: true } => "relay", _ => "direct" },
            Address = route?.Address,
            RttMs = route is null ? null : Math.Round(route.RoundTrip.TotalMilliseconds, 2),
            Connections = connections.Count,
            TimeToDirectMs = connections.Select(c => c.TimeToDirect).Where(t => t is not null).Min() is { } time
                ? Math.Round(time.TotalMilliseconds, 1)
                : null,
            DirectBytesSent = paths.Where(p => !p.IsRelayed).Sum(p => p.BytesSent),
            DirectBytesReceived = paths.Where(p => !p.IsRelayed).Sum(p => p.BytesReceived),
            RelayBytesSent = paths.Where(p => p.IsRelayed).Sum(p => p.BytesSent),
            RelayBytesReceived = paths.Where(p => p.IsRelayed).Sum(p => p.BytesReceived),
            BrokerLinked = link is { IsUp: true },
            LastError = link is { IsUp: false } ? link.LastError : null,
        };
    }
}
