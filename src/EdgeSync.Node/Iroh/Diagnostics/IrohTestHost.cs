using System.Net;
using EdgeSync.Iroh.Endpoints;
using EdgeSync.Net.Iroh;
using EdgeSync.Net.PortMapping;
using EdgeSync.Primitives;
using EdgeSync.Storage;

namespace EdgeSync.Node.Iroh.Diagnostics;

/// <summary>The options of both sides of <c>edgesync iroh test</c>.</summary>
public sealed record IrohTestOptions
{
    /// <summary>The secret key in hex; null for that of <see cref="KeyFile"/>, or a new one.</summary>
    public string? Secret { get; init; }

    /// <summary>The file of the secret key, created when absent.</summary>
    public string? KeyFile { get; init; }

    /// <summary>Loopback by default: other machines cannot reach a test.</summary>
    public IReadOnlyList<IPEndPoint> Bind { get; init; } = [new(IPAddress.Loopback, 0)];

    /// <summary>Relays to be reached through; the nearest one is used.</summary>
    public IReadOnlyList<string> Relays { get; init; } = [];

    /// <summary>Whether the router is asked to map the port.</summary>
    public bool MapsPort { get; init; }

    /// <summary>Where that router is; null: the default gateway of the system.</summary>
    internal PortMapperOptions? Router { get; init; }

    /// <summary>Presented to relays; null: none.</summary>
    public string? RelayToken { get; init; }

    /// <summary>Whether no UDP socket is opened.</summary>
    public bool RelayOnly { get; init; }

    /// <summary>Whether no relay is used, not even the peer's.</summary>
    public bool DirectOnly { get; init; }

    /// <summary>pkarr relays at which ids are looked up.</summary>
    public IReadOnlyList<string> Records { get; init; } = [];

    /// <summary>Whether ids are looked up on the LAN.</summary>
    public bool Lan { get; init; }

    /// <summary>What is accepted; the first one is dialled where the verb has no protocol of its own.</summary>
    public IReadOnlyList<string> Alpns { get; init; } = TestProtocol.All;

    /// <summary>Whether every client proves its address by a Retry.</summary>
    public bool Retry { get; init; }

    /// <summary>Ids of the endpoints that may connect; empty for all.</summary>
    public IReadOnlyList<string> Allow { get; init; } = [];

    /// <summary>Whether the listener ends after one connection.</summary>
    public bool Once { get; init; }
}

/// <summary>The endpoint under both sides.</summary>
internal static class IrohTestHost
{
    /// <summary>The settings of an endpoint that serves a test: no discovery, and no relay but those named.</summary>
    public static IrohEndpoint Start(
        IrohTestOptions options, SecretKey key, bool accepts, Action<IrohEvent>? observer = null)
    {
        if (options is { RelayOnly: true, DirectOnly: true })
            throw new EdgeSyncException(ErrorKind.Usage, "--relay-only and --direct-only exclude each other");
        if (options.RelayOnly && accepts && options.Relays.Count == 0)
            throw new EdgeSyncException(ErrorKind.Usage, "--relay-only needs the --relay to listen at");

        return IrohEndpoint.Start(
            new IrohEndpointOptions(key)
            {
                Alpns = accepts ? options.Alpns : [],
                Bind = options.RelayOnly ? [] : options.Bind,
                Relays = options.DirectOnly ? [] : [.. options.Relays.Select(TestKeys.RelayOf)],
                UsesPeersRelays = !options.DirectOnly,
                RelayToken = options.RelayToken,
                Discovery = new IrohDiscovery
                {
                    Records = [.. options.Records.Select(RecordsOf)],
                    Lan = options.Lan,
                },
                PortMapping = options.MapsPort ? options.Router ?? new PortMapperOptions() : null,
                AlwaysRetries = options.Retry,
                Observer = observer,
            },
            SystemEntropy.Instance, TimeProvider.System);
    }

    public static IReadOnlyList<IrohTestPath> PathsOf(IrohConnection connection) =>
        [.. connection.Paths.Select(PathOf)];

    private static Uri RecordsOf(string text) => RelayUrl.TryParse(text, out _)
        ? new Uri(text)
        : throw new EdgeSyncException(ErrorKind.Usage, $"'{text}' is not the address of a pkarr relay");

    private static IrohTestPath PathOf(IrohPath path) => new(
        path.Address, path.IsRelayed, path.IsSelected, Math.Round(path.RoundTrip.TotalMilliseconds, 2), path.Mtu,
        path.PacketsLost, path.CongestionWindow);
}
