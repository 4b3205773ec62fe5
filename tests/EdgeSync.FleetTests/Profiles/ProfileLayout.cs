using EdgeSync.FleetTests.Fleet;
using EdgeSync.FleetTests.Proxy;

namespace EdgeSync.FleetTests.Profiles;

/// <summary>The three ways by which a leaf reaches the rest of its fleet.</summary>
internal enum Transport
{
    /// <summary>HTTP, to a server of ours.</summary>
    Http,

    /// <summary>As a client of a real nats-server, which our hub has joined.</summary>
    NatsClient,

    /// <summary>Its broker is a leafnode of our hub's.</summary>
    Leafnode,
}

/// <summary>
/// A star whose rays are links of different profiles: all leaves run at once, because they mostly wait.
/// </summary>
internal static class ProfileLayout
{
    public const string Center = "hub";

    public static string LinkOf(LinkProfile profile) => $"link-{profile.Name}";

    public static FleetLayout Of(Transport transport, IReadOnlyList<LinkProfile> profiles)
    {
        var nodes = new List<NodePlan>();
        var links = new List<LinkPlan>();
        switch (transport)
        {
            case Transport.Http:
                nodes.Add(new NodePlan(Center, NodeRole.HttpServer));
                break;
            case Transport.NatsClient:
                nodes.Add(new NodePlan("nats", NodeRole.NatsServer));
                links.Add(new LinkPlan("hub-nats", "nats", PortKind.NatsLeaf));
                nodes.Add(new NodePlan(Center, NodeRole.Hub, "hub-nats"));
                break;
            default:
                nodes.Add(new NodePlan(Center, NodeRole.Hub));
                break;
        }

        var (target, port, role) = transport switch
        {
            Transport.Http => (Center, PortKind.Http, NodeRole.HttpLeaf),
            Transport.NatsClient => ("nats", PortKind.NatsClient, NodeRole.Leaf),
            _ => (Center, PortKind.NatsLeaf, NodeRole.Leaf),
        };
        foreach (var profile in profiles)
        {
            links.Add(new LinkPlan(LinkOf(profile), target, port));
            nodes.Add(new NodePlan(profile.Name, role, links[^1].Name));
        }

        return new FleetLayout(nodes, links);
    }
}
