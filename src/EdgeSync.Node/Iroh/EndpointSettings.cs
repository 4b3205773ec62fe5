using System.Net;
using EdgeSync.Iroh.Endpoints;
using EdgeSync.Iroh.Tickets;
using EdgeSync.Net.Iroh;
using EdgeSync.Net.PortMapping;
using EdgeSync.Node.Settings;
using EdgeSync.Quic;

namespace EdgeSync.Node.Iroh;

/// <summary>Makes the options of an endpoint from the settings.</summary>
internal static class EndpointSettings
{
    /// <summary>What follows a repository's path in the default name of its key file.</summary>
    private const string KeySuffix = ".iroh-key";

    /// <summary>Of a repository while it is cloned.</summary>
    private const string UnfinishedSuffix = ".part";

    private const string VariablePrefix = "LEAF_";

    /// <param name="key">Who it is.</param>
    public static IrohEndpointOptions OptionsOf(IrohSection settings, SecretKey key) => new(key)
    {
        Bind = BindOf(settings.Bind),
        Relays = RelaysOf(settings),
        RelayToken = Secrets.Read(null, settings.RelayTokenFile),
        UsesPeersRelays = !settings.IsRelayOff && settings.Discovery != IrohDiscoveryMode.Local,
        Discovery = DiscoveryOf(settings),
        PortMapping = MapsPorts(settings) ? new PortMapperOptions() : null,
    };

    /// <summary>
    /// For a command that dials one peer: without a relay of its own, and without a record where DNS has the others'.
    /// </summary>
    public static IrohEndpointOptions OfCommand(IrohSection settings, SecretKey key)
    {
        var discovery = DiscoveryOf(settings);
        return OptionsOf(settings, key) with
        {
            Relays = [],
            PortMapping = null,
            Discovery = discovery.Origins.Count > 0 ? discovery with { Records = [] } : discovery,
        };
    }

    /// <summary>The servers that an endpoint with these settings contacts by itself, by their host names.</summary>
    public static IReadOnlyList<string> ServersOf(IrohSection settings) =>
        [.. RelaysOf(settings).Select(r => new Uri(r.Text).Host.TrimEnd('.')), .. DiscoveryOf(settings).Hosts];

    /// <summary>The settings of the variables, for commands.</summary>
    public static IrohSection OfEnvironment()
    {
        var loader = new SettingsLoader(NoArguments.Instance, NodeFlags.IrohOf(VariablePrefix))
        {
            ReadsFile = false,
            RepositoryVariable = "EDGESYNC_NO_VARIABLE",
        };
        return loader.Load().Settings.Iroh;
    }

    /// <summary>
    /// Those of a machine that joins by a ticket: the same, with the relays of the ticket where none are given.
    /// </summary>
    /// <exception cref="EdgeSync.Primitives.EdgeSyncException">Not a ticket.</exception>
    public static IrohSection OfJoined(string ticket)
    {
        var settings = OfEnvironment();
        if (settings.Relays.Count == 0) settings.Relays = [.. IrohPeer.Parse(ticket).Relays.Select(r => r.Text)];
        return settings;
    }

    /// <summary>The key file of a node or command that has this repository.</summary>
    public static string KeyFileOf(IrohSection settings, string repository)
    {
        if (settings.KeyFile is { } named) return named;

        var path = Path.GetFullPath(repository);
        return (path.EndsWith(UnfinishedSuffix, StringComparison.Ordinal) ? path[..^UnfinishedSuffix.Length] : path)
            + KeySuffix;
    }

    /// <summary>
    /// A ticket of a node that does not run yet: its id, the relays that are named, and these addresses with its port,
    /// if it has a fixed one. What is missing is looked up by the id.
    /// </summary>
    /// <param name="hosts">Names are left out.</param>
    public static string TicketOf(NodeSettings settings, IReadOnlyList<string> hosts)
    {
        using var key = EndpointKeyFile.Ensure(
            KeyFileOf(settings.Iroh, settings.Repositories.FirstOrDefault()?.Path ?? ""));
        var port = ListenAddress.Parse(settings.Iroh.Bind).Port;
        var direct = port == 0
            ? []
            : hosts.Select(h => IPAddress.TryParse(h, out var ip) ? UdpAddress.From(ip, port) : (UdpAddress?)null)
                .OfType<UdpAddress>();
        return EndpointTicket.Format(new EndpointAddress(key.Id, NamedRelaysOf(settings.Iroh), direct));
    }

    // Of no use on the LAN alone, or to a socket that others do not reach.
    private static bool MapsPorts(IrohSection settings) =>
        settings.PortMapping && settings.Discovery is (IrohDiscoveryMode.Public or IrohDiscoveryMode.Own)
        && !IPAddress.IsLoopback(ListenAddress.Parse(settings.Bind).Address);

    private static IReadOnlyList<RelayUrl> NamedRelaysOf(IrohSection settings) =>
        [.. settings.NamedRelays.Select(text => RelayUrl.TryParse(text, out var url) ? url : null).OfType<RelayUrl>()];

    private static IReadOnlyList<RelayUrl> RelaysOf(IrohSection settings)
    {
        if (settings.IsRelayOff) return [];
        if (NamedRelaysOf(settings) is { Count: > 0 } named) return named;

        return settings.Discovery == IrohDiscoveryMode.Public ? IrohPublic.Relays : [];
    }

    private static IrohDiscovery DiscoveryOf(IrohSection settings) => settings.Discovery switch
    {
        IrohDiscoveryMode.Public => IrohDiscovery.Public,
        IrohDiscoveryMode.Own => new IrohDiscovery
        {
            Records = [.. settings.Pkarr.Select(p => new Uri(p))],
            Origins = settings.DnsOrigins,
            Lan = true,
        },
        IrohDiscoveryMode.Local => IrohDiscovery.Local,
        _ => IrohDiscovery.None,
    };

    // "*" is one socket for each family; a port that is chosen may differ between them.
    private static IReadOnlyList<IPEndPoint> BindOf(string text)
    {
        var endpoint = ListenAddress.Parse(text);
        return endpoint.Address.Equals(IPAddress.IPv6Any) || endpoint.Address.Equals(IPAddress.Any)
            ? [new IPEndPoint(IPAddress.Any, endpoint.Port), new IPEndPoint(IPAddress.IPv6Any, endpoint.Port)]
            : [endpoint];
    }

    private sealed class NoArguments : ISettingArguments
    {
        public static readonly NoArguments Instance = new();

        public string? File => null;

        public byte[] ReadFile(string path) => [];

        public SettingInput? ValueOf(SettingFlag flag) => null;
    }
}
