using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;

namespace EdgeSync.IntegrationTests.Net;

/// <summary>https of the server.</summary>
public sealed class WebServerTlsTests
{
    [Test]
    [Arguments(1, false)]
    [Arguments(100_000, false)]
    [Arguments(5_000_000, false)]
    [Arguments(5_000_000, true)]
    public async Task Bodies_go_both_ways_whole(int length, bool isChunked)
    {
        var token = TestContext.Current!.Execution.CancellationToken;
        var (file, hash) = MakeCertificate();
        try
        {
            await using var server = await TestServer.StartAsync(
                o => o with { Listen = [], TlsListen = o.Listen, TlsCertificateFile = file });
            using var handler = new SocketsHttpHandler();
            handler.SslOptions.RemoteCertificateValidationCallback = (_, certificate, _, _) =>
                certificate?.GetCertHashString() == hash;
            using var http = new HttpClient(handler);
            var body = RandomNumberGenerator.GetBytes(length);

            for (var i = 0; i < 3; i++)
            {
                using var request = new HttpRequestMessage(
                    HttpMethod.Post, $"https://127.0.0.1:{server.Port}/")
                { Content = new ByteArrayContent(body) };
                request.Content.Headers.ContentType = new("application/x-fossil");
                request.Headers.TransferEncodingChunked = isChunked;
                using var reply = await http.SendAsync(request, token);

                if (reply.StatusCode != HttpStatusCode.OK)
                    Assert.Fail(string.Join("\n", server.Log.Select(l => l.Fault)));
                Assert.Equal(body, await reply.Content.ReadAsByteArrayAsync(token));
            }
        }
        finally
        {
            File.Delete(file);
        }
    }

    /// <summary>
    /// HTTP/1.1 alone is offered, in a version that is safe; a client that speaks no TLS gets nothing.
    /// </summary>
    [Test]
    public async Task Handshakes_as_before_and_answers_nothing_in_clear()
    {
        var token = TestContext.Current!.Execution.CancellationToken;
        var (file, hash) = MakeCertificate();
        try
        {
            await using var server = await TestServer.StartAsync(
                o => o with { TlsListen = o.Listen, TlsCertificateFile = file });
            Assert.StartsWith("http://", server.Addresses[0], StringComparison.Ordinal);
            Assert.StartsWith("https://", server.Addresses[1], StringComparison.Ordinal);
            var port = new Uri(server.Addresses[1]).Port;

            using var client = new TcpClient();
            await client.ConnectAsync(IPAddress.Loopback, port, token);
            await using var tls = new SslStream(
                client.GetStream(), false, (_, certificate, _, _) => certificate?.GetCertHashString() == hash);
            await tls.AuthenticateAsClientAsync(
                new SslClientAuthenticationOptions
                {
                    TargetHost = "localhost",
                    ApplicationProtocols = [SslApplicationProtocol.Http2, SslApplicationProtocol.Http11]
                }, token);
            Assert.Equal(SslApplicationProtocol.Http11, tls.NegotiatedApplicationProtocol);
            Assert.True(tls.SslProtocol is SslProtocols.Tls12 or SslProtocols.Tls13);

            using var plain = new TcpClient();
            await plain.ConnectAsync(IPAddress.Loopback, port, token);
            await plain.GetStream().WriteAsync("GET /healthz HTTP/1.0\r\n\r\n"u8.ToArray(), token);
            using var answer = new MemoryStream();
            try
            {
                await plain.GetStream().CopyToAsync(answer, token);
            }
            catch (IOException)
            {
                // Reset.
            }

            Assert.DoesNotContain("HTTP", Encoding.ASCII.GetString(answer.ToArray()), StringComparison.Ordinal);
        }
        finally
        {
            File.Delete(file);
        }
    }

    private static (string File, string Hash) MakeCertificate()
    {
        using var key = RSA.Create(2048);
        var request = new CertificateRequest("CN=localhost", key, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        using var certificate = request.CreateSelfSigned(
            DateTimeOffset.UnixEpoch.AddYears(50), DateTimeOffset.UnixEpoch.AddYears(90));
        var file = Path.GetTempFileName();
        File.WriteAllText(file, certificate.ExportCertificatePem() + "\n" + key.ExportPkcs8PrivateKeyPem() + "\n");
        return (file, certificate.GetCertHashString());
    }
}
