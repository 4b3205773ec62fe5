namespace EdgeSync.Node.Settings;

/// <summary>The iroh endpoint of a node: links to peers by their keys, without a server in between.</summary>
public sealed class IrohSection
{
    /// <summary>Starts the endpoint. Without it nothing of iroh runs, and no server is contacted.</summary>
    public bool Enabled { get; set; }

    /// <summary>Tickets or ids of endpoints to sync with, which are trusted.</summary>
    [Live]
    public List<string> Peers { get; set; } = [];

    /// <summary>
    /// File of the secret key, 32 bytes; created when absent. Beside the first repository when null:
    /// <c>NAME.fossil.iroh-key</c>.
    /// </summary>
    public string? KeyFile { get; set; }

    /// <summary>
    /// Relays for endpoints that cannot be reached directly; <c>off</c> for none. Those of
    /// <see cref="Discovery"/> when empty.
    /// </summary>
    [Live]
    public List<string> Relays { get; set; } = [];

    /// <summary>File whose first line is a token that the relays ask for.</summary>
    [Live]
    public string? RelayTokenFile { get; set; }

    /// <summary>How endpoints are found by their ids.</summary>
    public IrohDiscoveryMode Discovery { get; set; } = IrohDiscoveryMode.Public;

    /// <summary>Pkarr relays of <see cref="IrohDiscoveryMode.Own"/>, http or https.</summary>
    public List<string> Pkarr { get; set; } = [];

    /// <summary>DNS zones of <see cref="IrohDiscoveryMode.Own"/> with the records of endpoints.</summary>
    public List<string> DnsOrigins { get; set; } = [];

    /// <summary>UDP address and port; <c>*</c> is every address, port 0 any free one.</summary>
    public string Bind { get; set; } = "*:0";

    /// <summary>
    /// Whether the router is asked to map the UDP port (PCP, NAT-PMP, UPnP); never with
    /// <see cref="IrohDiscoveryMode.Local"/> or <see cref="IrohDiscoveryMode.Off"/>.
    /// </summary>
    public bool PortMapping { get; set; } = true;

    /// <summary>The relays that are named; empty for <c>off</c> too.</summary>
    internal IReadOnlyList<string> NamedRelays => [.. Relays.Where(r => r != Off)];

    /// <summary>No relay is used, whatever the discovery.</summary>
    internal bool IsRelayOff => Relays.Contains(Off);

    private const string Off = "off";

    /// <summary>The settings of a running endpoint with what a reload applies to it.</summary>
    internal IrohSection With(IrohSection fresh)
    {
        var changed = (IrohSection)MemberwiseClone();
        (changed.Peers, changed.Relays, changed.RelayTokenFile) = (fresh.Peers, fresh.Relays, fresh.RelayTokenFile);
        return changed;
    }
}

/// <summary>How endpoints find each other by their ids.</summary>
public enum IrohDiscoveryMode
{
    /// <summary>Relays, pkarr and DNS that the makers of iroh run for everybody, and the LAN.</summary>
    Public,

    /// <summary>The relays and servers that are named, and the LAN; no others.</summary>
    Own,

    /// <summary>The LAN alone: nothing leaves it.</summary>
    Local,

    /// <summary>Nothing: addresses come from tickets.</summary>
    Off,
}
