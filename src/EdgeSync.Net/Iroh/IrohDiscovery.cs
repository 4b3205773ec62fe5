using System.Net;
using EdgeSync.Iroh.Discovery;
using EdgeSync.Iroh.Endpoints;

namespace EdgeSync.Net.Iroh;

/// <summary>By which services an endpoint is found, and finds others by their ids.</summary>
public sealed record IrohDiscovery
{
    /// <summary>By none: peers are dialled by their addresses.</summary>
    public static IrohDiscovery None { get; } = new();

    /// <summary>By the services of iroh's makers, and on the LAN.</summary>
    public static IrohDiscovery Public { get; } = new()
    {
        Records = [IrohPublic.Records],
        Origins = [IrohPublic.Origin],
        Lan = true,
    };

    /// <summary>On the LAN alone; nothing leaves it.</summary>
    public static IrohDiscovery Local { get; } = new() { Lan = true };

    /// <summary>pkarr relays that the endpoint's record is published to, and that others are looked up at.</summary>
    public IReadOnlyList<Uri> Records { get; init; } = [];

    /// <summary>DNS zones in which others are looked up.</summary>
    public IReadOnlyList<string> Origins { get; init; } = [];

    /// <summary>Name servers to ask; null: those of the machine.</summary>
    public IReadOnlyList<IPEndPoint>? NameServers { get; init; }

    /// <summary>Whether the endpoint announces itself and listens by mDNS.</summary>
    public bool Lan { get; init; }

    /// <summary>
    /// What is announced on the LAN beside the addresses, of the application (<see cref="EndpointInfo.UserData"/>);
    /// null: nothing.
    /// </summary>
    public string? LanData { get; init; }

    /// <summary>The interfaces of mDNS, by their addresses; null: all that can.</summary>
    public IReadOnlyList<IPAddress>? LanInterfaces { get; init; }

    /// <summary>Another port than that of mDNS, for tests.</summary>
    public int LanPort { get; init; } = LanDiscovery.Port;

    /// <summary>Whether addresses of this machine are in published records, and not relays alone.</summary>
    public bool PublishesDirect { get; init; }

    /// <summary>Hosts that are contacted.</summary>
    public IEnumerable<string> Hosts =>
        Records.Select(r => r.Host).Concat(Origins.Select(o => o.TrimEnd('.'))).Distinct();
}

/// <summary>The services that iroh's makers run for everyone (rate limited; not for tests).</summary>
public static class IrohPublic
{
    /// <summary>In North America (two), Europe and Asia.</summary>
    public static IReadOnlyList<RelayUrl> Relays { get; } =
    [
        .. new[] { "use1-1", "usw1-1", "euc1-1", "aps1-1" }
            .Select(name => RelayUrl.TryParse($"https://{name}.relay.n0.iroh.link./", out var url) ? url : null!),
    ];

    /// <summary>The pkarr relay.</summary>
    public static Uri Records { get; } = new("https://dns.iroh.link/pkarr");

    /// <summary>The DNS zone of its records.</summary>
    public const string Origin = "dns.iroh.link.";
}
