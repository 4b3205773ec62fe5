using System.Net;
using System.Net.Sockets;
using System.Text;
using EdgeSync.Iroh.Endpoints;
using EdgeSync.Net.Quic;
using EdgeSync.Net.Relay;
using EdgeSync.Primitives;
using EdgeSync.Quic;

namespace EdgeSync.Net.Iroh;

/// <summary>
/// Server-reflexive candidates of this endpoint behind NATs (RFC 8445). The home relay reports the source addresses of
/// the endpoint's own sockets: <see cref="AddressService"/>. The connection stays open: it keeps the mapping in the
/// NAT, and the relay reports a new address on it.
/// </summary>
/// <param name="found">Gets the addresses, again whenever they change.</param>
internal sealed class ReflexiveAddresses(
    QuicHost host, RelayProbe probe, TimeProvider clock, Action<IReadOnlyList<UdpAddress>> found)
{
    private const int LineMax = 64;

    private static readonly TimeSpan RetryMin = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan RetryMax = TimeSpan.FromMinutes(1);

    private readonly Lock _lock = new();
    private readonly Alarm _alarm = new(clock);
    private readonly Dictionary<AddressFamily, UdpAddress> _addresses = [];
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
            retry = answered == Outcome.Told ? RetryMin : retry * 2 < RetryMax ? retry * 2 : RetryMax;
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
            if (answer.AddressPort is not { } port) return Outcome.NotOffered;
            var addresses = await Dns.GetHostAddressesAsync(relay.Host, asking.Token);
            var sessions = addresses.GroupBy(a => a.AddressFamily)
                .Select(family => ListenAsync(family.Key, [.. family], port, asking.Token));
            return (await Task.WhenAll(sessions)).Contains(true) ? Outcome.Told : Outcome.Silent;
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

    private async Task<bool> ListenAsync(
        AddressFamily family, IPAddress[] relay, int port, CancellationToken cancellationToken)
    {
        var isTold = false;
        HostConnection? connection = null;
        try
        {
            connection = await host.ConnectAsync(
                null, [.. relay.Select(a => UdpAddress.From(a, port))], [AddressService.Alpn], cancellationToken);
            await using var stream = await connection.AcceptStreamAsync(cancellationToken);
            var line = new byte[LineMax];
            while (await ReadLineAsync(stream, line, cancellationToken) is { } text)
            {
                if (!IPEndPoint.TryParse(text, out var seen) || seen.Port == 0) return isTold;
                isTold = true;
                Set(family, UdpAddress.From(seen.Address, seen.Port));
            }
        }
        catch (EdgeSyncException)
        {
            // No way to it, or lost: it is asked again.
        }
        finally
        {
            connection?.Close(0, "");
            Set(family, null);
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

    private void Set(AddressFamily family, UdpAddress? address)
    {
        UdpAddress[] all;
        using (_lock.EnterScope())
        {
            if (address is { } seen) _addresses[family] = seen;
            else _addresses.Remove(family);
            all = [.. _addresses.Values];
        }

        found(all);
    }

    private enum Outcome
    {
        /// <summary>The relay does not answer now.</summary>
        Silent,

        /// <summary>It tells no addresses.</summary>
        NotOffered,

        Told,
    }
}
