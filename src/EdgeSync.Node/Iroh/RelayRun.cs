using EdgeSync.Iroh.Relay;
using EdgeSync.Net.Relay;
using EdgeSync.Node.Settings;
using EdgeSync.Primitives;
using EdgeSync.Storage;

namespace EdgeSync.Node.Iroh;

/// <summary>The options of <c>iroh relay serve</c>.</summary>
public sealed record RelayRunOptions
{
    /// <summary>As a listening address of settings.</summary>
    public required string Bind { get; init; }

    /// <summary>What clients must present; null: everyone is relayed.</summary>
    public string? Token { get; init; }

    /// <summary>PEM; null: without TLS.</summary>
    public string? TlsCert { get; init; }

    /// <summary>PEM; null when the certificate's file holds it.</summary>
    public string? TlsKey { get; init; }

    /// <summary>The zone of records; null: none is served.</summary>
    public string? DnsOrigin { get; init; }

    /// <summary>Where the zone is served, as a listening address of settings.</summary>
    public string DnsBind { get; init; } = ":5300";

    /// <summary>
    /// The UDP port at which clients learn their outer address; 0 picks a free one, null:
    /// <see cref="IrohRelayOptions.DiscoveryPort"/>, or another one when that is in use.
    /// </summary>
    public int? AddressPort { get; init; }

    /// <summary>Whether clients learn it.</summary>
    public bool TellsAddresses { get; init; } = true;

    /// <summary>Bytes a second of one client; null: any.</summary>
    public long? BytesPerSecond { get; init; }
}

/// <summary>Where a relay serves.</summary>
/// <param name="Url">With the assigned port.</param>
/// <param name="Dns">Where the zone of records is; null: none is served.</param>
/// <param name="AddressPort">Where clients learn their outer address; null: nowhere.</param>
public sealed record RelayRunAddresses(string Url, string? Dns, int? AddressPort);

/// <summary>A relay that ran, in counts.</summary>
public sealed record RelayRunTotals(long Accepted, long Authenticated, long Denied, long Forwarded, long Bytes);

/// <summary>A relay for iroh endpoints as a process of its own.</summary>
public static class RelayRun
{
    /// <param name="options">Addresses and limits.</param>
    /// <param name="clock">Of timeouts.</param>
    /// <param name="started">Gets the addresses, with the assigned ports.</param>
    /// <param name="cancellationToken">Ends the relay.</param>
    /// <exception cref="EdgeSyncException">It cannot start.</exception>
    public static async Task<RelayRunTotals> RunAsync(
        RelayRunOptions options, TimeProvider clock, Action<RelayRunAddresses> started,
        CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(started);
        await using var relay = await IrohRelay.StartAsync(
            new IrohRelayOptions
            {
                Listen = ListenAddress.Parse(options.Bind),
                Token = options.Token,
                TlsCertificateFile = options.TlsCert,
                TlsKeyFile = options.TlsKey,
                AddressPort = options.TellsAddresses ? options.AddressPort ?? IrohRelayOptions.DiscoveryPort : null,
                MayMoveAddressPort = options.AddressPort is null,
                DnsOrigin = options.DnsOrigin ?? "localhost",
                DnsListen = options.DnsOrigin is null ? null : ListenAddress.Parse(options.DnsBind),
                Limits = new RelayServerOptions { BytesPerSecond = options.BytesPerSecond },
            },
            SystemEntropy.Instance, clock, cancellationToken);
        started(new RelayRunAddresses(relay.Url, relay.DnsAddress?.ToString(), relay.AddressPort));
        try
        {
            await Task.Delay(Timeout.InfiniteTimeSpan, clock, cancellationToken);
        }
        catch (OperationCanceledException)
        {
            // Stopped.
        }

        var totals = relay.Totals;
        return new RelayRunTotals(
            totals.AcceptedCount, totals.AuthenticatedCount, totals.DeniedCount, totals.ForwardedCount,
            totals.ForwardedBytes);
    }
}
