using EdgeSync.Iroh.Endpoints;
using EdgeSync.Node.Settings;
using EdgeSync.Primitives;

namespace EdgeSync.Node.Can.Mirror;

/// <summary>The keys of <c>config.yaml</c> about the mirror; docs/can.md lists them.</summary>
internal static class MirrorKeys
{
    private const int NameLengthMax = 100;

    /// <summary>The settings with a key; null: it is not one of the mirror.</summary>
    /// <param name="fault">Makes the refusal, with a reason of its own or the usual one.</param>
    public static CanSettings? With(
        CanSettings settings, string key, string value, Func<string?, Exception> fault)
    {
        var (mirror, iroh) = (settings.Mirror, settings.Mirror.Iroh);
        switch (key)
        {
            case "sync": mirror = mirror with { IsOn = CanSettings.Flag(value) ?? throw fault(null) }; break;
            case "sync_passphrase": mirror = mirror with { Passphrase = CanSettings.Secret(value) }; break;
            case "sync_group": mirror = mirror with { Group = value }; break;
            case "sync_name":
                if (value.Length is 0 or > NameLengthMax) throw fault(null);
                mirror = mirror with { Name = value };
                break;
            case "ticket_file": mirror = mirror with { TicketFile = CanSettings.Secret(value) }; break;
            case "connect_ticket_file": mirror = mirror with { ConnectTicketFile = CanSettings.Secret(value) }; break;
            case "sync_peers": mirror = mirror with { Peers = PeersOf(value, fault) }; break;
            case "sync_allow": mirror = mirror with { Allowed = IdsOf(ListOf(value), fault) }; break;
            case "sync_original":
                var named = ListOf(value);
                mirror = mirror with
                {
                    TakesOriginalTicket = named.Remove(AssetsMirror.OriginalTicket),
                    Originals = IdsOf(named, fault),
                };
                break;
            case "sync_limit": mirror = mirror with { Limit = TransferLimit.Of(value) ?? throw fault(null) }; break;
            case "sync_compat":
                mirror = mirror with { IsCompatible = CanSettings.Flag(value) ?? throw fault(null) };
                break;
            case "sync_discovery":
                if (!Enum.TryParse<IrohDiscoveryMode>(value, ignoreCase: true, out var mode) || char.IsDigit(value[0]))
                    throw fault($"'{value}' is not one of public, own, local, off");
                iroh.Discovery = mode;
                break;
            case "sync_relays": iroh.Relays = Checked(ListOf(value), IsRelay, fault); break;
            case "sync_pkarr": iroh.Pkarr = Checked(ListOf(value), IsHttp, fault); break;
            case "sync_dns": iroh.DnsOrigins = ListOf(value); break;
            case "sync_bind": iroh.Bind = ListenAddress.TryParse(value, out _) ? value : throw fault(null); break;
            case "sync_key_file": iroh.KeyFile = CanSettings.Secret(value); break;
            case "sync_port_mapping": iroh.PortMapping = CanSettings.Flag(value) ?? throw fault(null); break;
            default: return null;
        }

        return settings with { Mirror = mirror };
    }

    /// <summary>A ticket or an id, as it is.</summary>
    /// <exception cref="EdgeSyncException">It is neither.</exception>
    public static string PeerOf(string text)
    {
        IrohPeer.Parse(text);
        return text;
    }

    /// <exception cref="EdgeSyncException">It is not a limit.</exception>
    public static MirrorSettings WithLimit(MirrorSettings settings, string text) => settings with
    {
        Limit = TransferLimit.Of(text) ?? throw new EdgeSyncException(
            ErrorKind.Usage, $"'{text}' is not a limit", TransferLimit.Hint),
    };

    private static List<string> ListOf(string value) =>
        [.. value.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries)];

    private static List<string> Checked(
        List<string> values, Func<string, bool> isValid, Func<string?, Exception> fault) =>
        values.Find(v => !isValid(v)) is { } wrong ? throw fault($"'{wrong}' is not an address of that kind") : values;

    private static bool IsRelay(string text) => text is "off" || RelayUrl.TryParse(text, out _);

    private static bool IsHttp(string text) =>
        Uri.TryCreate(text, UriKind.Absolute, out var url) && url.Scheme is "http" or "https";

    private static List<string> PeersOf(string value, Func<string?, Exception> fault)
    {
        var peers = ListOf(value);
        foreach (var peer in peers)
        {
            if (!IrohPeer.TryParse(peer, out _, out var reason)) throw fault(reason);
        }

        return peers;
    }

    private static List<EndpointId> IdsOf(List<string> values, Func<string?, Exception> fault) =>
    [
        .. values.Select(text => EndpointId.TryParse(text, out var id)
            ? id : throw fault($"'{text}' is not an endpoint id (64 hex digits)")),
    ];
}
