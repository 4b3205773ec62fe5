using EdgeSync.Primitives;

namespace EdgeSync.FleetTests.Fleet;

/// <summary>What a node of a fleet is.</summary>
internal enum NodeRole
{
    /// <summary><c>fossil server</c> on a repository.</summary>
    StockServer,

    /// <summary>Our leaf, which only serves its repository over HTTP.</summary>
    HttpServer,

    /// <summary>A repository without a process of its own, that our program syncs now and then.</summary>
    Cron,

    /// <summary>Our leaf, joined to a server over HTTP.</summary>
    HttpLeaf,

    /// <summary>As <see cref="Cron"/>, by the stock program.</summary>
    StockCron,

    /// <summary>The real nats-server.</summary>
    NatsServer,

    /// <summary>Our hub.</summary>
    Hub,

    /// <summary>Our leaf with its embedded broker.</summary>
    Leaf,

    /// <summary>Our bridge.</summary>
    Bridge,

    /// <summary>Our relay for iroh endpoints.</summary>
    IrohRelay,

    /// <summary>Our leaf with an iroh endpoint, and without a port that others dial.</summary>
    IrohLeaf,
}

/// <summary>One member of a fleet.</summary>
/// <param name="Uplink">Name of the cable it dials through; null dials none.</param>
internal sealed record NodePlan(string Name, NodeRole Role, string? Uplink = null)
{
    /// <summary>The node whose endpoint it dials, directly or by the relay that its uplink leads to.</summary>
    public string? Peer { get; init; }

    public bool HoldsRepository => Role is not (NodeRole.NatsServer or NodeRole.Bridge or NodeRole.IrohRelay);

    public bool IsProcess => Role is not (NodeRole.Cron or NodeRole.StockCron);
}

/// <summary>A cable: the route to <paramref name="Target"/> by the given port.</summary>
internal sealed record LinkPlan(string Name, string Target, PortKind Port);

/// <summary>What of a node a cable leads to.</summary>
internal enum PortKind
{
    Http,
    NatsClient,
    NatsLeaf,

    /// <summary>UDP.</summary>
    Iroh,
}

/// <summary>The members of a fleet and their cables. A node precedes those that dial it.</summary>
internal sealed record FleetLayout(IReadOnlyList<NodePlan> Nodes, IReadOnlyList<LinkPlan> Links)
{
    public static FleetLayout Of(FleetOptions options, Prng prng) => options.Topology switch
    {
        Topology.Http => Http(options.Leaves, prng),
        Topology.Peers => Star("leaf0", NodeRole.Leaf, options.Leaves),
        Topology.Hub => Star("hub", NodeRole.Hub, options.Leaves),
        Topology.Server => Server(options.Leaves, prng),
        Topology.Iroh => Iroh(options.Leaves, prng),
        _ => Chain(options.Leaves),
    };

    public override string ToString() =>
        string.Join(
            ' ', Nodes.Select(node => $"{node.Name}:{node.Role}{(node.Uplink is null ? "" : $"({node.Uplink})")}"));

    private static FleetLayout Http(int leaves, Prng prng)
    {
        var nodes = new List<NodePlan> { new("center", prng.Chance(0.5) ? NodeRole.StockServer : NodeRole.HttpServer) };
        var links = new List<LinkPlan>();
        for (var i = 1; i <= leaves; i++)
        {
            links.Add(new LinkPlan($"leaf{i}-center", "center", PortKind.Http));
            // At least one of ours; stock with stock proves nothing about us.
            var role = i == 1
                ? NodeRole.HttpLeaf
                : prng.Pick<NodeRole>([NodeRole.HttpLeaf, NodeRole.Cron, NodeRole.StockCron]);
            nodes.Add(new NodePlan($"leaf{i}", role, links[^1].Name));
        }

        return new FleetLayout(nodes, links);
    }

    private static FleetLayout Star(string center, NodeRole role, int leaves)
    {
        var nodes = new List<NodePlan> { new(center, role) };
        var links = new List<LinkPlan>();
        for (var i = 1; i <= leaves; i++)
        {
            links.Add(new LinkPlan($"leaf{i}-{center}", center, PortKind.NatsLeaf));
            nodes.Add(new NodePlan($"leaf{i}", NodeRole.Leaf, links[^1].Name));
        }

        return new FleetLayout(nodes, links);
    }

    private static FleetLayout Server(int leaves, Prng prng)
    {
        var nodes = new List<NodePlan> { new("nats", NodeRole.NatsServer), new("stock", NodeRole.StockServer) };
        var links = new List<LinkPlan>
        {
            new("bridge-nats", "nats", PortKind.NatsClient),
            new("bridge-stock", "stock", PortKind.Http)
        };
        nodes.Add(new NodePlan("bridge", NodeRole.Bridge, "bridge-nats"));
        for (var i = 1; i <= leaves; i++)
        {
            links.Add(
                new LinkPlan($"leaf{i}-nats", "nats", prng.Chance(0.5) ? PortKind.NatsClient : PortKind.NatsLeaf));
            nodes.Add(new NodePlan($"leaf{i}", NodeRole.Leaf, links[^1].Name));
        }

        return new FleetLayout(nodes, links);
    }

    // A cable is a connection to the relay; direct datagrams have none.
    private static FleetLayout Iroh(int leaves, Prng prng)
    {
        var nodes = new List<NodePlan> { new("relay", NodeRole.IrohRelay) };
        var links = new List<LinkPlan>();
        for (var i = 0; i <= leaves; i++)
        {
            var isRelayed = i <= 1 || prng.Chance(0.5);
            if (isRelayed) links.Add(new LinkPlan($"leaf{i}-relay", "relay", PortKind.Http));
            nodes.Add(new NodePlan($"leaf{i}", NodeRole.IrohLeaf, isRelayed ? links[^1].Name : null)
            {
                Peer = i == 0 ? null : "leaf0",
            });
        }

        return new FleetLayout(nodes, links);
    }

    private static FleetLayout Chain(int leaves)
    {
        var nodes = new List<NodePlan>
        {
            new("hub1", NodeRole.Hub), new("hub2", NodeRole.Hub, "hub2-hub1"), new("hub3", NodeRole.Hub, "hub3-hub2"),
        };
        var links = new List<LinkPlan>
        {
            new("hub2-hub1", "hub1", PortKind.NatsLeaf),
            new("hub3-hub2", "hub2", PortKind.NatsLeaf)
        };
        for (var i = 1; i <= leaves; i++)
        {
            var hub = i % 2 == 1 ? "hub1" : "hub3";
            links.Add(new LinkPlan($"leaf{i}-{hub}", hub, PortKind.NatsLeaf));
            nodes.Add(new NodePlan($"leaf{i}", NodeRole.Leaf, links[^1].Name));
        }

        return new FleetLayout(nodes, links);
    }
}
