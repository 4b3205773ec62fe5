using System.Net;
using EdgeSync.Iroh.Endpoints;
using EdgeSync.Net.Iroh;
using EdgeSync.Net.Quic;
using EdgeSync.Net.Relay;
using EdgeSync.Storage;

namespace EdgeSync.IntegrationTests.Iroh;

/// <summary>Endpoints on loopback, and a stream that comes back.</summary>
internal static class IrohPair
{
    public const string Echo = "test/echo/1";

    public static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);

    public static CancellationToken Token => TestContext.Current!.Execution.CancellationToken;

    /// <summary>Bound to loopback, without relay and discovery.</summary>
    public static IrohEndpointOptions Options(byte seed) =>
        new(new SecretKey([.. Enumerable.Repeat(seed, SecretKey.SeedBytes)]))
        {
            Alpns = [Echo],
            Bind = [new IPEndPoint(IPAddress.Loopback, 0)],
        };

    public static IrohEndpoint Start(IrohEndpointOptions options) =>
        IrohEndpoint.Start(options, SystemEntropy.Instance, TimeProvider.System);

    public static Task<IrohRelay> StartRelayAsync(IrohRelayOptions? options = null) =>
        IrohRelay.StartAsync(options ?? new IrohRelayOptions(), SystemEntropy.Instance, TimeProvider.System, Token);

    public static RelayUrl UrlOf(string text)
    {
        Assert.True(RelayUrl.TryParse(text, out var url));
        return url;
    }

    /// <summary>Serves until the endpoint is closed: each stream comes back.</summary>
    public static async Task EchoAllAsync(IrohEndpoint endpoint)
    {
        try
        {
            while (true) _ = EchoConnectionAsync(await endpoint.AcceptAsync(Token));
        }
        catch (Exception e) when (e is System.Threading.Channels.ChannelClosedException or OperationCanceledException)
        {
            // The endpoint is closed.
        }
    }

    /// <summary>Sends bytes, whole, and gets them back.</summary>
    public static async Task ComesBackAsync(IrohConnection connection, int bytes)
    {
        var content = new byte[bytes];
        new Random(bytes).NextBytes(content);
        await using var stream = await connection.OpenStreamAsync(false, Token);
        var writing = stream.WriteLastAsync(content, Token).AsTask();
        using var answer = new MemoryStream();
        await stream.CopyToAsync(answer, Token);
        await writing;
        Assert.True(answer.ToArray().AsSpan().SequenceEqual(content), $"{answer.Length} of {bytes} bytes");
    }

    private static async Task EchoConnectionAsync(IrohConnection connection)
    {
        try
        {
            while (true) _ = EchoStreamAsync(await connection.AcceptStreamAsync(Token));
        }
        catch (Exception e) when (e is QuicClosedException or OperationCanceledException)
        {
            // It is over.
        }
    }

    private static async Task EchoStreamAsync(HostStream stream)
    {
        try
        {
            await using var ours = stream;
            await stream.CopyToAsync(stream, Token);
            stream.CompleteWrites();
        }
        catch (Exception e) when (e is QuicClosedException or QuicStreamException or OperationCanceledException)
        {
            // The test is over.
        }
    }
}
