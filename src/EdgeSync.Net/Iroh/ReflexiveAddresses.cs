using System.Net;
using System.Net.Sockets;
using System.Text;
using EdgeSync.Iroh.Endpoints;
using EdgeSync.Net.Quic;
using EdgeSync.Net.Relay;
using EdgeSync.Primitives;
using EdgeSync.Quic;
using EdgeSync.Quic.Connections;
using EdgeSync.Quic.Tls;

namespace EdgeSync.Net.Iroh;

/// <summary>
/// Server-reflexive candidates of this endpoint behind NATs (RFC 8445). The home relay reports the source addresses of
/// the endpoint's own sockets (<see cref="AddressService"/>): by the protocol of ours where its <c>/ping</c> names a
/// port, otherwise, where it has TLS, by QUIC address discovery. The connection stays open: it keeps the mapping in the
/// NAT, and the relay reports a new address on it.
/// </summary>
/// <param name="options">Whose certificates are taken, and at which port.</param>
/// <param name="found">Gets the addresses, again whenever they change, and who told them.</param>
internal sealed class ReflexiveAddresses(
    QuicHost host, RelayProbe probe, TimeProvider clock, IrohEndpointOptions options,
    Action<IReadOnlyList<UdpAddress>, ReflexiveSource?> found)
{
    private const int LineMax = 64;

    /// <summary>How QUIC address discovery ends: "finished".</summary>
    private const ulong FinishedCode = 1;

    private static readonly TimeSpan RetryMin = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan RetryMax = TimeSpan.FromMinutes(1);

    /// <summary>A relay that may have no address discovery at all is asked seldom.</summary>
    private static readonly TimeSpan DiscoveryRetryMax = TimeSpan.FromMinutes(5);
    private static readonly TimeSpan DiscoveryPatience = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan DiscoveryKeepAlive = TimeSpan.FromSeconds(25);
    private static readonly TimeSpan DiscoveryIdle = TimeSpan.FromSeconds(35);

    private readonly Lock _lock = new();
    private readonly Alarm _alarm = new(clock);
    private readonly Dictionary<AddressFamily, UdpAddress> _addresses = [];
    private readonly ChainVerifier _verifier = new(clock) { Check = options.CertificateCheck };
    private CancellationTokenSource? _asking;
    private RelayUrl? _relay;

    /// <summary>Another relay is asked; null: none.</summary>
    public void Ask(RelayUrl? relay)
    {
        using (_lock.EnterScope()) _relay = relay;
        OnNetworkChange();
    }

    /// <summary>What was told is of another network.</summary>
    public void OnNetworkChange()
    {
        using (_lock.EnterScope()) _ = _asking?.CancelAsync();
        _alarm.Ring();
    }

    public async Task RunAsync(CancellationToken cancellationToken)
    {
        var retry = RetryMin;
        while (!cancellationToken.IsCancellationRequested)
        {
            var answered = await AskAsync(cancellationToken);
            var most = answered == Outcome.Undiscovered ? DiscoveryRetryMax : RetryMax;
            retry = answered == Outcome.Told ? RetryMin : retry * 2 < most ? retry * 2 : most;
            // A relay that tells no addresses is asked again in another network.
            await _alarm.WaitAsync(
                answered == Outcome.NotOffered ? Timeout.InfiniteTimeSpan : retry, cancellationToken);
        }
    }

    private async Task<Outcome> AskAsync(CancellationToken cancellationToken)
    {
        using var asking = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        RelayUrl? relay;
        using (_lock.EnterScope()) (relay, _asking) = (_relay, asking);
        try
        {
            if (relay is null) return Outcome.NotOffered;
            if (await probe.AskAsync(relay, asking.Token) is not { } answer) return Outcome.Silent;
            if (SourceOf(relay, answer, options.DiscoveryPort) is not { } source) return Outcome.NotOffered;
            var addresses = await Dns.GetHostAddressesAsync(relay.Host.TrimEnd('.'), asking.Token);
            var isOurs = answer.AddressPort is not null;
            var sessions = addresses.GroupBy(a => a.AddressFamily)
                .Select(family => isOurs
                    ? ListenAsync(family.Key, [.. family], source, asking.Token)
                    : DiscoverAsync(family.Key, [.. family], source, asking.Token));
            return (await Task.WhenAll(sessions)).Contains(true) ? Outcome.Told
                : isOurs ? Outcome.Silent : Outcome.Undiscovered;
        }
        catch (Exception e) when (e is SocketException
            || (e is OperationCanceledException && !cancellationToken.IsCancellationRequested))
        {
            return Outcome.Silent;
        }
        finally
        {
            using (_lock.EnterScope()) _asking = null;
        }
    }

    /// <summary>How a relay can be asked; null: not at all. The protocol of ours needs no certificates.</summary>
    internal static ReflexiveSource? SourceOf(RelayUrl relay, RelayAnswer answer, int? discoveryPort) =>
        answer.AddressPort is { } port
            ? new ReflexiveSource(relay, Encoding.ASCII.GetString(AddressService.Alpn), port)
        : relay.IsTls && discoveryPort is { } discovery
            ? new ReflexiveSource(relay, Encoding.ASCII.GetString(AddressService.DiscoveryAlpn), discovery)
        : null;

    /// <summary>QUIC address discovery, until the connection ends; true when an address was told.</summary>
    private async Task<bool> DiscoverAsync(
        AddressFamily family, IPAddress[] relay, ReflexiveSource source, CancellationToken cancellationToken)
    {
        UdpAddress? told = null;
        HostConnection? connection = null;
        try
        {
            using (var patience = new CancellationTokenSource(DiscoveryPatience, clock))
            using (var either = CancellationTokenSource.CreateLinkedTokenSource(patience.Token, cancellationToken))
            {
                connection = await host.ConnectAsync(
                    null, [.. relay.Select(a => UdpAddress.From(a, source.Port))], [AddressService.DiscoveryAlpn],
                    quic => ForDiscovery(quic, source.Relay), either.Token);
            }

            while (!connection.Closed.IsCompleted)
            {
                var changed = connection.PathsChanged;
                if (connection.ObservedAddress is { } seen && seen != told) Set(family, told = seen, source);
                await changed.WaitAsync(cancellationToken);
            }
        }
        catch (EdgeSyncException)
        {
            // No way to it, refused, or its certificate does not prove it: it is asked again, later and later.
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            // It does not answer.
        }
        finally
        {
            connection?.Close(FinishedCode, "finished");
            Set(family, null, source);
        }

        return told is not null;
    }

    private QuicOptions ForDiscovery(QuicOptions quic, RelayUrl relay) => quic with
    {
        ServerTrust = new ServerTrust(relay.Host, _verifier),
        AsksForAddress = true,
        PathsMax = 1,
        NatAddresses = 0,
        StreamsMax = 0,
        DatagramBuffer = 0,
        ConnectionWindow = LineMax,
        KeepAlive = DiscoveryKeepAlive,
        IdleTimeout = DiscoveryIdle,
    };

    private async Task<bool> ListenAsync(
        AddressFamily family, IPAddress[] relay, ReflexiveSource source, CancellationToken cancellationToken)
    {
        var isTold = false;
        HostConnection? connection = null;
        try
        {
            connection = await host.ConnectAsync(
                null, [.. relay.Select(a => UdpAddress.From(a, source.Port))], [AddressService.Alpn],
                cancellationToken);
            await using var stream = await connection.AcceptStreamAsync(cancellationToken);
            var line = new byte[LineMax];
            while (await ReadLineAsync(stream, line, cancellationToken) is { } text)
            {
                if (!IPEndPoint.TryParse(text, out var seen) || seen.Port == 0) return isTold;
                isTold = true;
                Set(family, UdpAddress.From(seen.Address, seen.Port), source);
            }
        }
        catch (EdgeSyncException)
        {
            // No way to it, or lost: it is asked again.
        }
        finally
        {
            connection?.Close(0, "");
            Set(family, null, source);
        }

        return isTold;
    }

    private static async Task<string?> ReadLineAsync(
        HostStream stream, byte[] line, CancellationToken cancellationToken)
    {
        for (var length = 0; length < line.Length; length++)
        {
            if (await stream.ReadAsync(line.AsMemory(length, 1), cancellationToken) == 0) return null;
            if (line[length] == '\n') return Encoding.ASCII.GetString(line, 0, length);
        }

        return null;
    }

    private void Set(AddressFamily family, UdpAddress? address, ReflexiveSource source)
    {
        UdpAddress[] all;
        using (_lock.EnterScope())
        {
            if (address is { } seen) _addresses[family] = seen;
            else if (!_addresses.Remove(family)) return;
            all = [.. _addresses.Values];
        }

        found(all, all.Length == 0 ? null : source);
    }

    private enum Outcome
    {
        /// <summary>The relay does not answer now.</summary>
        Silent,

        /// <summary>It answers, but not to QUIC address discovery, which it may not have.</summary>
        Undiscovered,

        /// <summary>It tells no addresses.</summary>
        NotOffered,

        Told,
    }
}
