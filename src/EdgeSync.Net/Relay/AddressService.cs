using System.Net;
using System.Text;
using System.Threading.Channels;
using EdgeSync.Iroh.Endpoints;
using EdgeSync.Net.Quic;
using EdgeSync.Primitives;
using EdgeSync.Quic;
using EdgeSync.Quic.Connections;

namespace EdgeSync.Net.Relay;

/// <summary>
/// Tells each client the address that its datagrams come from, by QUIC with the protocol <c>/edgesync/address/1</c>:
/// one unidirectional stream with a line <c>IP:PORT</c>, and another line when it changes. Clients ask from the socket
/// that others shall reach them at, and stay connected.
/// </summary>
internal sealed class AddressService : IAsyncDisposable
{
    /// <summary>Clients that stay connected at the same time.</summary>
    private const int ClientsMax = 4096;

    private readonly QuicHost _host;
    private readonly SecretKey _key;
    private readonly Task _running;

    private AddressService(QuicHost host, SecretKey key)
    {
        (_host, _key) = (host, key);
        _running = AcceptAsync();
    }

    /// <summary>The protocol's name.</summary>
    public static byte[] Alpn { get; } = Encoding.ASCII.GetBytes("/edgesync/address/1");

    /// <summary>The UDP port.</summary>
    public int Port => _host.Bound[0].Port;

    /// <param name="address">Where to listen; another port when that one is taken: clients learn it from the
    /// relay.</param>
    /// <param name="entropy">Of its key, which is a new one each time: what it says is only tried.</param>
    /// <exception cref="EdgeSyncException">No port can be bound.</exception>
    public static AddressService Start(IPEndPoint address, Entropy entropy, TimeProvider clock)
    {
        var key = SecretKey.Generate(entropy);
        var options = new QuicHostOptions(
            new QuicOptions(key.Key, [Alpn])
            {
                StreamsMax = 1,
                DatagramBuffer = 0,
                ConnectionWindow = 4096,
                WindowGrowth = 0,
            },
            entropy)
        {
            Accepts = true,
            Bind = BothFamiliesOf(address),
        };
        try
        {
            return new AddressService(QuicHost.Start(options, clock), key);
        }
        catch (EdgeSyncException) when (address.Port != 0)
        {
            var other = options with { Bind = [new IPEndPoint(address.Address, 0)] };
            return new AddressService(QuicHost.Start(other, clock), key);
        }
    }

    // A web server that listens at the one takes clients of both.
    private static IPEndPoint[] BothFamiliesOf(IPEndPoint address) => address.Address.Equals(IPAddress.IPv6Any)
        ? [new IPEndPoint(IPAddress.Any, address.Port), address]
        : [address];

    public async ValueTask DisposeAsync()
    {
        await _host.DisposeAsync();
        await _running;
        _key.Dispose();
    }

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
            {
                var connection = await _host.AcceptAsync();
                if (_host.ConnectionCount > ClientsMax) connection.Close(0, "too many clients");
                else _ = TellAsync(connection);
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
