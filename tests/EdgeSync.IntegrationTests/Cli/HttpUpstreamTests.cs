using System.Net;
using System.Net.Sockets;
using System.Text;
using EdgeSync.Net.Http;
using EdgeSync.Node.Agents;
using EdgeSync.Node.Settings;

namespace EdgeSync.IntegrationTests.Cli;

/// <summary>How a bridge reaches its Fossil server.</summary>
public sealed class HttpUpstreamTests
{
    [Test]
    public async Task A_bridge_reaches_its_server_through_the_configured_proxy()
    {
        var token = TestContext.Current!.Execution.CancellationToken;
        using var proxy = new TcpListener(IPAddress.Loopback, 0);
        proxy.Start();
        var asked = AnswerOneAsync(proxy, token);
        using var upstream = HttpUpstream.Open(
            new BridgeProject
            {
                Url = "http://fossil.invalid:81/project",
                Proxy = $"http://someone:secret@127.0.0.1:{((IPEndPoint)proxy.LocalEndpoint).Port}",
            },
            TimeProvider.System);

        var (reply, type) = await upstream.PostAsync(XferContentType.Uncompressed, "pull a b\n"u8.ToArray(), token);

        Assert.Equal("# from afar\n", Encoding.ASCII.GetString(reply.Span));
        Assert.Equal(XferContentType.Uncompressed, type);
        var request = await asked;
        Assert.StartsWith("POST http://fossil.invalid:81/project HTTP/1.1\r\n", request, StringComparison.Ordinal);
        Assert.Contains(
            $"Proxy-Authorization: Basic {Convert.ToBase64String("someone:secret"u8)}\r\n", request,
            StringComparison.OrdinalIgnoreCase);
        Assert.EndsWith("\r\n\r\npull a b\n", request, StringComparison.Ordinal);
    }

    // The first request may come without the credentials: they are asked for.
    private static async Task<string> AnswerOneAsync(TcpListener proxy, CancellationToken cancellationToken)
    {
        while (true)
        {
            using var connection = await proxy.AcceptTcpClientAsync(cancellationToken);
            var stream = connection.GetStream();
            var request = await ReadAsync(stream, cancellationToken);
            if (request.Contains("Proxy-Authorization", StringComparison.OrdinalIgnoreCase))
            {
                await stream.WriteAsync(
                    Encoding.ASCII.GetBytes(
                        "HTTP/1.1 200 OK\r\nContent-Type: application/x-fossil-uncompressed\r\n"
                        + "Content-Length: 12\r\n\r\n# from afar\n"), cancellationToken);
                return request;
            }

            await stream.WriteAsync(
                Encoding.ASCII.GetBytes(
                    "HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic realm=\"p\"\r\n"
                    + "Content-Length: 0\r\nConnection: close\r\n\r\n"), cancellationToken);
        }
    }

    private static async Task<string> ReadAsync(NetworkStream stream, CancellationToken cancellationToken)
    {
        var (text, buffer) = (new StringBuilder(), new byte[4096]);
        while (!text.ToString().EndsWith("pull a b\n", StringComparison.Ordinal))
        {
            var read = await stream.ReadAsync(buffer, cancellationToken);
            if (read == 0) break;
            text.Append(Encoding.ASCII.GetString(buffer, 0, read));
        }

        return text.ToString();
    }
}
