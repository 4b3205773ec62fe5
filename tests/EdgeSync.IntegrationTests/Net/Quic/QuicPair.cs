using System.Net;
using EdgeSync.Net.Quic;
using EdgeSync.Quic;
using EdgeSync.Quic.Connections;
using EdgeSync.Quic.Tls;
using EdgeSync.Storage;

namespace EdgeSync.IntegrationTests.Net.Quic;

/// <summary>Two hosts on the loopback interface, and a connection between them.</summary>
internal sealed class QuicPair : IAsyncDisposable
{
    public static readonly byte[] Echo = "test/echo"u8.ToArray();

    private QuicPair(QuicHost server, QuicHost client, HostConnection here, HostConnection there) =>
        (Server, Client, Here, There) = (server, client, here, there);

    public QuicHost Server { get; }

    public QuicHost Client { get; }

    /// <summary>The connection as the client has it.</summary>
    public HostConnection Here { get; }

    /// <summary>The connection as the server has it.</summary>
    public HostConnection There { get; }

    public static QuicOptions Options(byte seed) =>
        new(new Ed25519Key(Enumerable.Repeat(seed, Ed25519Key.KeyBytes).ToArray()), [Echo]);

    public static byte[] KeyOf(byte seed) => Options(seed).Key.PublicKey.ToArray();

    public static QuicHost Start(
        QuicOptions options, bool accepts, IPAddress? address = null, bool usesOffload = true, bool isPortable = false,
        bool retries = false) =>
        QuicHost.Start(
            new QuicHostOptions(options, SystemEntropy.Instance)
            {
                Bind = [new IPEndPoint(address ?? IPAddress.Loopback, 0)],
                Accepts = accepts,
                AlwaysRetries = retries,
                UsesOffload = usesOffload,
                IsPortable = isPortable,
            },
            TimeProvider.System);

    public static UdpAddress AddressOf(QuicHost host) => UdpAddress.From(host.Bound[0].Address, host.Bound[0].Port);

    public static async Task<QuicPair> ConnectAsync(
        IPAddress? address = null, bool usesOffload = true, bool isPortable = false, bool retries = false,
        QuicOptions? client = null, QuicOptions? server = null)
    {
        var cancellation = TestContext.Current!.Execution.CancellationToken;
        var serving = Start(server ?? Options(2), true, address, usesOffload, isPortable, retries);
        var dialling = Start(client ?? Options(1), false, address, usesOffload, isPortable);
        var accepting = serving.AcceptAsync(cancellation).AsTask();
        var here = await dialling.ConnectAsync(KeyOf(2), [AddressOf(serving)], null, cancellation);
        return new QuicPair(serving, dialling, here, await accepting);
    }

    public async ValueTask DisposeAsync()
    {
        await Client.DisposeAsync();
        await Server.DisposeAsync();
    }
}
