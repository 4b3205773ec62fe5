using System.Net;
using EdgeSync.Iroh.Relay;
using Microsoft.Extensions.Logging;

namespace EdgeSync.Net.Relay;

/// <summary>Addresses of a relay, and the access to it.</summary>
public sealed record IrohRelayOptions
{
    /// <summary>Where the server logs; null: nowhere.</summary>
    public ILoggerFactory? Loggers { get; init; }

    /// <summary>Port 0 picks a free one.</summary>
    public IPEndPoint Listen { get; init; } = new(IPAddress.Loopback, 0);

    /// <summary>PEM, with its chain; null: without TLS.</summary>
    public string? TlsCertificateFile { get; init; }

    /// <summary>PEM; null when the certificate's file holds it.</summary>
    public string? TlsKeyFile { get; init; }

    /// <summary>What clients must present; null: everyone is relayed.</summary>
    public string? Token { get; init; }

    /// <summary>Connections of one address; of IPv6, of a network of 64 bits.</summary>
    public int ConnectionsPerAddressMax { get; init; } = 512;

    /// <summary>The UDP port of address discovery that endpoints of others know.</summary>
    public const int DiscoveryPort = 7842;

    /// <summary>
    /// The UDP port at which the relay reports to clients the source address of their datagrams, at the IP address of
    /// <see cref="Listen"/>; 0 picks a free one, null: it reports none. Endpoints of ours learn the port from the
    /// relay, others ask at <see cref="DiscoveryPort"/> alone, and get an answer with TLS alone.
    /// </summary>
    public int? AddressPort { get; init; } = 0;

    /// <summary>Whether another port will do when that one is in use.</summary>
    public bool MayMoveAddressPort { get; init; }

    public RelayServerOptions Limits { get; init; } = new();

    /// <summary>The zone that has the records of endpoints which publish here.</summary>
    public string DnsOrigin { get; init; } = "localhost";

    /// <summary>Where the zone is served, over UDP and TCP; null: nowhere.</summary>
    public IPEndPoint? DnsListen { get; init; }

    /// <summary>Records that are kept.</summary>
    public int RecordsMax { get; init; } = 100_000;

    /// <summary>For which a record is kept; endpoints publish again every five minutes.</summary>
    public TimeSpan RecordLifetime { get; init; } = TimeSpan.FromHours(24);
}
