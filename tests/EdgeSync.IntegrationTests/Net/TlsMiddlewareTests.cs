using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace EdgeSync.IntegrationTests.Net;

/// <summary>https of the server.</summary>
public sealed class TlsMiddlewareTests
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
            await using var server = await TestServer.StartAsync(o => o with { TlsCertificateFile = file });
            using var handler = new SocketsHttpHandler();
            handler.SslOptions.RemoteCertificateValidationCallback = (_, certificate, _, _) => certificate?.GetCertHashString() == hash;
            using var http = new HttpClient(handler);
            var body = RandomNumberGenerator.GetBytes(length);

            for (var i = 0; i < 3; i++)
            {
                using var request = new HttpRequestMessage(HttpMethod.Post, $"https://127.0.0.1:{server.Port}/") { Content = new ByteArrayContent(body) };
                request.Content.Headers.ContentType = new("application/x-fossil");
                request.Headers.TransferEncodingChunked = isChunked;
                using var reply = await http.SendAsync(request, token);

                if (reply.StatusCode != HttpStatusCode.OK) Assert.Fail(string.Join("\n", server.Log.Select(l => l.Fault)));
                Assert.Equal(body, await reply.Content.ReadAsByteArrayAsync(token));
            }
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
        using var certificate = request.CreateSelfSigned(DateTimeOffset.UnixEpoch.AddYears(50), DateTimeOffset.UnixEpoch.AddYears(90));
        var file = Path.GetTempFileName();
        File.WriteAllText(file, certificate.ExportCertificatePem() + "\n" + key.ExportPkcs8PrivateKeyPem() + "\n");
        return (file, certificate.GetCertHashString());
    }
}
