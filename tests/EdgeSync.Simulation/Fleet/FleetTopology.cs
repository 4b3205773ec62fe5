using System.Globalization;
using EdgeSync.Agent;
using EdgeSync.Agent.Schedule;
using EdgeSync.Primitives;

namespace EdgeSync.Simulation.Fleet;

/// <summary>The machines and their links, drawn from the seed.</summary>
internal static class FleetTopology
{
    private const double LargeChance = 0.04;
    private const double CircleChance = 0.25;

    private static readonly LinkProfile[] Usual = LinkProfile.All[..7];

    public static string Build(Fleet fleet, Prng prng)
    {
        var kind = prng.NextInt32(7);
        var isLarge = !fleet.Options.OnSqlite && prng.Chance(LargeChance);
        var leaves = isLarge ? prng.NextInt32(12, 50) : prng.NextInt32(2, fleet.Options.OnSqlite ? 4 : 8);
        var name = fleet.Options.IsIroh ? Iroh(fleet, prng, Math.Min(leaves + 1, 8)) : kind switch
        {
            0 => Star(fleet, prng, leaves),
            1 => Chain(fleet, prng, prng.NextInt32(2, 5)),
            2 => TwoHubs(fleet, prng, leaves),
            3 => Mesh(fleet, prng, Math.Min(leaves + 1, 8)),
            4 => Outside(fleet, prng, leaves, withHub: prng.Chance(0.5)),
            5 => Bridged(fleet, prng, Math.Min(leaves, 12)),
            _ => Mixed(fleet, prng, Math.Min(leaves, 8)),
        };
        return string.Create(
            CultureInfo.InvariantCulture,
            $"{name} of {fleet.Nodes.Count}: "
                + $"{string.Join(' ', fleet.Links.Select(l => $"{l.Name}={l.Profile.Name}"))}");
    }

    private static string Star(Fleet fleet, Prng prng, int leaves)
    {
        var hub = fleet.AddNode("hub", NodeRole.Hub);
        for (var i = 0; i < leaves; i++) Join(fleet, prng, fleet.AddNode($"leaf{i}", LeafRole(prng)), hub);
        return "star";
    }

    private static string Chain(Fleet fleet, Prng prng, int hubs)
    {
        FleetNode? last = null;
        for (var i = 0; i < hubs; i++)
        {
            var hub = fleet.AddNode($"hub{i}", NodeRole.Hub);
            if (last is not null) Join(fleet, prng, hub, last);
            for (var j = prng.NextInt32(fleet.Options.OnSqlite ? 2 : 4); j > 0; j--)
                Join(fleet, prng, fleet.AddNode($"leaf{i}-{j}", LeafRole(prng)), hub);
            last = hub;
        }

        return "chain";
    }

    private static string TwoHubs(Fleet fleet, Prng prng, int leaves)
    {
        var hubs = new[] { fleet.AddNode("east", NodeRole.Hub), fleet.AddNode("west", NodeRole.Hub) };
        for (var i = 0; i < leaves; i++)
        {
            var leaf = fleet.AddNode($"leaf{i}", LeafRole(prng));
            var first = prng.NextInt32(2);
            Join(fleet, prng, leaf, hubs[first]);
            if (i > 0 && !prng.Chance(CircleChance)) continue;

            Join(fleet, prng, leaf, hubs[1 - first]);
            fleet.HasCircles |= i > 0;
        }

        return "two hubs";
    }

    private static string Mesh(Fleet fleet, Prng prng, int peers)
    {
        // A tree, and now and then one link too many: the brokers must find the loop.
        for (var i = 0; i < peers; i++)
        {
            var node = fleet.AddNode($"peer{i}", NodeRole.Peer);
            if (i == 0) continue;

            var first = prng.NextInt32(i);
            Join(fleet, prng, node, fleet.Nodes[first]);
            if (i == 1 || !prng.Chance(CircleChance)) continue;

            Join(fleet, prng, node, fleet.Nodes[(first + 1) % i]);
            fleet.HasCircles = true;
        }

        return "mesh";
    }

    // As the mesh, over links that either side may open; hubs do not.
    private static string Iroh(Fleet fleet, Prng prng, int peers)
    {
        for (var i = 0; i < peers; i++)
        {
            var isHub = i == 0 && prng.Chance(0.3);
            var node = fleet.AddNode($"peer{i}", isHub ? NodeRole.Hub : LeafRole(prng));
            if (i == 0) continue;

            var first = prng.NextInt32(i);
            Pair(fleet, prng, node, fleet.Nodes[first]);
            if (i == 1 || !prng.Chance(CircleChance)) continue;

            Pair(fleet, prng, node, fleet.Nodes[(first + 1) % i]);
            fleet.HasCircles = true;
        }

        return "iroh";
    }

    private static string Outside(Fleet fleet, Prng prng, int leaves, bool withHub)
    {
        var server = new FleetServer(fleet, "nats", prng.Fork());
        fleet.Servers.Add(server);
        for (var i = 0; i <= leaves; i++)
        {
            var isHub = withHub && i == 0;
            var hasBroker = !isHub && prng.Chance(0.3);
            var node = fleet.AddNode(isHub ? "hub" : $"node{i}", isHub ? NodeRole.Hub : LeafRole(prng), hasBroker);
            var link = fleet.AddLink($"{node.Name}-nats", prng.Pick<LinkProfile>(Usual));
            if (hasBroker) node.AddUplink(link, () => server.Broker);
            else node.UseBroker(link, () => server.Broker);
        }

        return withHub ? "server and hub" : "server";
    }

    private static string Bridged(Fleet fleet, Prng prng, int leaves)
    {
        var server = new FleetServer(fleet, "nats", prng.Fork());
        fleet.Servers.Add(server);
        AddWeb(fleet, prng);
        fleet.Bridge = new FleetBridge(
            fleet, fleet.Web!, fleet.AddLink("bridge-nats", prng.Pick<LinkProfile>(Usual)), () => server.Broker,
            prng.Fork());
        for (var i = 0; i < leaves; i++)
        {
            var hasBroker = prng.Chance(0.5);
            var node = fleet.AddNode($"leaf{i}", LeafRole(prng), hasBroker);
            var link = fleet.AddLink($"{node.Name}-nats", prng.Pick<LinkProfile>(Usual));
            if (hasBroker) node.AddUplink(link, () => server.Broker);
            else node.UseBroker(link, () => server.Broker);
        }

        return "bridge";
    }

    /// <summary>Peers without a hub, of which some also sync with a Fossil server.</summary>
    private static string Mixed(Fleet fleet, Prng prng, int peers)
    {
        AddWeb(fleet, prng);
        var first = fleet.AddNode("peer0", NodeRole.Peer);
        first.HttpTargets.Add(SyncTarget.Http(FleetWebServer.Url));
        for (var i = 1; i <= peers; i++)
        {
            var node = fleet.AddNode($"peer{i}", NodeRole.Peer);
            Join(fleet, prng, node, first);
            if (prng.Chance(0.4)) node.HttpTargets.Add(SyncTarget.Http(FleetWebServer.Url));
        }

        return "mixed";
    }

    private static void AddWeb(Fleet fleet, Prng prng)
    {
        var repository = fleet.AddNode("web", NodeRole.Peer);
        fleet.Web = new FleetWebServer(fleet, repository, fleet.AddLink("web", prng.Pick<LinkProfile>(Usual)));
    }

    private static void Join(Fleet fleet, Prng prng, FleetNode leaf, FleetNode hub) =>
        leaf.AddUplink(
            fleet.AddLink(
                $"{leaf.Name}-{hub.Name}",
                prng.Pick<LinkProfile>(prng.Chance(0.1) ? LinkProfile.All : Usual)), () => hub.Broker);

    private static void Pair(Fleet fleet, Prng prng, FleetNode one, FleetNode other) =>
        one.AddPeer(fleet.AddLink($"{one.Name}-{other.Name}", prng.Pick<LinkProfile>(Usual)), other);

    private static NodeRole LeafRole(Prng prng) => prng.Chance(0.3) ? NodeRole.Peer : NodeRole.Leaf;
}
