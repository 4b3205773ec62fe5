using System.Net;
using System.Text;
using System.Threading.Channels;
using EdgeSync.Iroh.Endpoints;
using EdgeSync.Net.Quic;
using EdgeSync.Primitives;
using EdgeSync.Quic;
using EdgeSync.Quic.Connections;
using EdgeSync.Quic.Tls;

namespace EdgeSync.Net.Relay;

/// <summary>What an <see cref="AddressService"/> is made with.</summary>
/// <param name="Listen">Where to listen.</param>
internal sealed record AddressServiceOptions(IPEndPoint Listen)
{
    /// <summary>Whether another port will do when that one is in use: clients of ours learn it.</summary>
    public bool MayMove { get; init; }

    /// <summary>
    /// Shown to clients of QUIC address discovery; null: they are refused at once. The service disposes of it.
    /// </summary>
    public TlsCertificate? Certificate { get; init; }
}

/// <summary>
/// Tells each client the address that its datagrams come from, by QUIC, with two protocols at one port:
/// <code>
/// /edgesync/address/1   raw public keys; one unidirectional stream with a line IP:PORT, and another when it changes
/// /iroh-qad/0           a certificate; OBSERVED_ADDRESS frames (draft-ietf-quic-address-discovery), no streams
/// </code>
/// Clients ask from the socket that others shall reach them at, and stay connected.
/// </summary>
internal sealed class AddressService : IAsyncDisposable
{
    /// <summary>Clients that stay connected at the same time.</summary>
    private const int ClientsMax = 4096;

    /// <summary>Clients of QUIC address discovery say something every 25 seconds.</summary>
    private static readonly TimeSpan Idle = TimeSpan.FromSeconds(35);

    private readonly QuicHost _host;
    private readonly SecretKey _key;
    private readonly TlsCertificate? _certificate;
    private readonly Task _running;

    private AddressService(QuicHost host, SecretKey key, TlsCertificate? certificate)
    {
        (_host, _key, _certificate) = (host, key, certificate);
        _running = AcceptAsync();
    }

    /// <summary>The name of the protocol of ours.</summary>
    public static byte[] Alpn { get; } = Encoding.ASCII.GetBytes("/edgesync/address/1");

    /// <summary>The name of QUIC address discovery.</summary>
    public static byte[] DiscoveryAlpn { get; } = Encoding.ASCII.GetBytes("/iroh-qad/0");

    /// <summary>The UDP port.</summary>
    public int Port => _host.Bound[0].Port;

    /// <param name="options">Where to listen, and what to show.</param>
    /// <param name="entropy">Of its key, which is a new one each time: what it says is only tried.</param>
    /// <param name="clock">Of timeouts.</param>
    /// <exception cref="EdgeSyncException">The port, or no port, can be bound.</exception>
    public static AddressService Start(AddressServiceOptions options, Entropy entropy, TimeProvider clock)
    {
        var key = SecretKey.Generate(entropy);
        var quic = new QuicHostOptions(
            new QuicOptions(key.Key, options.Certificate is null ? [Alpn] : [Alpn, DiscoveryAlpn])
            {
                StreamsMax = 0,
                DatagramBuffer = 0,
                ConnectionWindow = 4096,
                WindowGrowth = 0,
                IdleTimeout = Idle,
                KeepAlive = TimeSpan.Zero,   // Clients keep their mappings; a changed one shows with what they send.
                ReportsAddresses = true,
                Certificate = options.Certificate,
            },
            entropy)
        {
            Accepts = true,
            Bind = BothFamiliesOf(options.Listen),
        };
        try
        {
            return new AddressService(QuicHost.Start(quic, clock), key, options.Certificate);
        }
        catch (EdgeSyncException) when (options.MayMove && options.Listen.Port != 0)
        {
            var other = quic with { Bind = [new IPEndPoint(options.Listen.Address, 0)] };
            return new AddressService(QuicHost.Start(other, clock), key, options.Certificate);
        }
    }

    // A web server that listens at the one takes clients of both. Two sockets would get two free ports.
    private static IPEndPoint[] BothFamiliesOf(IPEndPoint address) =>
        address.Address.Equals(IPAddress.IPv6Any) && address.Port != 0
        ? [new IPEndPoint(IPAddress.Any, address.Port), address]
        : [address];

    public async ValueTask DisposeAsync()
    {
        await _host.DisposeAsync();
        await _running;
        _key.Dispose();
        _certificate?.Dispose();
    }

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
            {
                var connection = await _host.AcceptAsync();
                if (_host.ConnectionCount > ClientsMax) connection.Close(0, "too many clients");
                else if (connection.Alpn.Span.SequenceEqual(Alpn)) _ = TellAsync(connection);
            }
        }
        catch (ChannelClosedException)
        {
            // The relay stops.
        }
    }

    private static async Task TellAsync(HostConnection connection)
    {
        try
        {
            await using var stream = await connection.OpenStreamAsync(isUnidirectional: true);
            UdpAddress told = default;
            while (!connection.Closed.IsCompleted)
            {
                var changed = connection.PathsChanged;
                var seen = connection.Route.Remote;
                if (seen != told) await stream.WriteAsync(Encoding.ASCII.GetBytes($"{seen}\n"));
                told = seen;
                await changed;
            }
        }
        catch (EdgeSyncException)
        {
            // The client is gone.
        }
    }
}
