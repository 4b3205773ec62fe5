using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;
using EdgeSync.Net.Http;
using EdgeSync.Net.Quic;
using EdgeSync.Quic;
using EdgeSync.Quic.Connections;
using EdgeSync.Quic.Tls;
using EdgeSync.Storage;
using EdgeSync.Tests.Support;

namespace EdgeSync.InteropTests.Quic;

/// <summary>
/// ngtcp2's client and server (Debian's packages ngtcp2-client and ngtcp2-server): a stack of another origin, whose
/// loss recovery, migration and key update do not come from the same head as ours.
/// </summary>
public sealed class NgtcpTests : IDisposable
{
    private const string Host = "localhost";
    private const int FileBytes = 3_000_000;

    private static readonly byte[] H3 = "h3"u8.ToArray();

    private readonly TemporaryFolder _folder = new();
    private readonly byte[] _file = new byte[FileBytes];
    private readonly Ed25519Key _key = new([.. Enumerable.Repeat((byte)7, Ed25519Key.KeyBytes)]);
    private Ed25519Key? _signing;

    private static CancellationToken Cancellation => TestContext.Current!.Execution.CancellationToken;

    [Before(HookType.Test)]
    public void MakeCertificate()
    {
        foreach (var program in (string[])["gtlsclient", "gtlsserver", "openssl"])
            Skip.Unless(
                IsOnPath(program),
                $"needs {program} (apt install ngtcp2-client ngtcp2-server openssl)");
        new Random(1).NextBytes(_file);
        MakeCertificate("ed25519");
    }

    public void Dispose()
    {
        _folder.Dispose();
        _key.Dispose();
        _signing?.Dispose();
    }

    [Test]
    [Arguments("")]
    [Arguments("--tx-loss=0.05 --rx-loss=0.05")]
    [Arguments("--change-local-addr=30ms")]
    [Arguments("--key-update=20ms")]
    [Arguments("--max-data=50000 --max-stream-data-bidi-local=20000")]
    public Task A_client_of_another_stack_fetches_a_file(string options) => FetchByGtlsClientAsync(options, false);

    [Test]
    public Task A_client_of_another_stack_proves_its_address() => FetchByGtlsClientAsync("", true);

    [Test]
    [Arguments("rsa:2048")]
    [Arguments("ec -pkeyopt ec_paramgen_curve:P-256")]
    [Arguments("ec -pkeyopt ec_paramgen_curve:P-384")]
    public async Task Another_stack_and_ours_take_each_others_certificates(string key)
    {
        MakeCertificate(key);
        await FetchByGtlsClientAsync("", false);
        await We_fetch_a_file_from_a_server_of_another_stack("", false);
    }

    [Test]
    [Arguments("", false)]
    [Arguments("--tx-loss=0.05 --rx-loss=0.05", false)]
    [Arguments("--validate-addr", false)]
    [Arguments("", true)]
    public async Task We_fetch_a_file_from_a_server_of_another_stack(string options, bool moves)
    {
        Directory.CreateDirectory(_folder["htdocs"]);
        File.WriteAllBytes(Path.Combine(_folder["htdocs"], "file"), _file);
        var port = FreePort();
        using var server = new ProgramStart("gtlsserver")
        {
            Arguments = [
                "127.0.0.1", $"{port}", _folder["key.pem"], _folder["cert.pem"], "-d", _folder["htdocs"], "-q",
                .. Words(options)],
        }.Begin();
        await using var host = StartHost(false, false);
        var connection = await host.ConnectAsync(
            null, [UdpAddress.From(IPAddress.Loopback, port)], null, Cancellation);
        var ignoring = HttpLite.IgnoreStreamsAsync(connection, Cancellation);

        var first = await HttpLite.GetAsync(connection, "/file", Cancellation);
        if (moves)
        {
            Assert.True(connection.UpdateKeys());
            host.Rebind([new IPEndPoint(IPAddress.Loopback, 0)]);
        }

        var second = await HttpLite.GetAsync(connection, "/file", Cancellation);

        Assert.True(first.AsSpan().SequenceEqual(_file), server.TextSoFar);
        Assert.True(second.AsSpan().SequenceEqual(_file), server.TextSoFar);
        connection.Close(0, "");
        await ignoring;
    }

    private async Task FetchByGtlsClientAsync(string options, bool retries)
    {
        await using var host = StartHost(true, retries);
        var port = host.Bound[0].Port;
        Directory.CreateDirectory(_folder["got"]);
        var running = Task.Run(() => new ProgramStart("gtlsclient")
        {
            Arguments = [
                "127.0.0.1", $"{port}", $"https://localhost:{port}/file", "--download", _folder["got"],
                "--exit-on-all-streams-close", "-q", .. Words(options)],
        }.Run());
        var accepting = host.AcceptAsync(Cancellation).AsTask();
        if (await Task.WhenAny(accepting, running) == running && !accepting.IsCompleted)
            Assert.Fail((await running).ToString());
        var answering = HttpLite.AnswerAsync(await accepting, _file, Cancellation);

        var result = (await running).MustSucceed();

        var got = File.ReadAllBytes(Path.Combine(_folder["got"], "file"));
        Assert.True(got.AsSpan().SequenceEqual(_file), $"{got.Length} bytes\n{result}");
        await host.DisposeAsync();
        await answering;
    }

    private void MakeCertificate(string key) => new ProgramStart("openssl")
    {
        Arguments = [
            "req", "-x509", "-newkey", .. Words(key), "-nodes", "-keyout", _folder["key.pem"], "-out",
            _folder["cert.pem"], "-subj", $"/CN={Host}", "-addext", $"subjectAltName=DNS:{Host}", "-days", "2"],
    }.Run().MustSucceed();

    private QuicHost StartHost(bool accepts, bool retries) => QuicHost.Start(
        new QuicHostOptions(
            new QuicOptions(_key, [H3])
            {
                Certificate = accepts ? CertificateOf(_folder["cert.pem"], _folder["key.pem"]) : null,
                ServerTrust = new ServerTrust(
                    Host,
                    new ChainVerifier(TimeProvider.System)
                    {
                        Roots = [X509CertificateLoader.LoadCertificateFromFile(_folder["cert.pem"])],
                    }),
            },
            SystemEntropy.Instance)
        {
            Bind = [new IPEndPoint(IPAddress.Loopback, 0)],
            Accepts = accepts,
            AlwaysRetries = retries,
        },
        TimeProvider.System);

    // The base library knows no keys of Ed25519: their 32 bytes are the last of the file (RFC 8410 §7).
    private TlsCertificate CertificateOf(string file, string keyFile)
    {
        using var certificate = X509CertificateLoader.LoadCertificateFromFile(file);
        if (certificate.PublicKey.Oid.Value != "1.3.101.112") return ServerCertificate.ReadTls(file, keyFile);
        _signing = new Ed25519Key(DerOf(keyFile).AsSpan()[^Ed25519Key.KeyBytes..]);
        return new TlsCertificate([certificate.RawData], _signing);
    }

    private static bool IsOnPath(string program) =>
        (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator)
            .Any(folder => folder.Length > 0 && File.Exists(Path.Combine(folder, program)));

    private static string[] Words(string options) => options.Split(' ', StringSplitOptions.RemoveEmptyEntries);

    private static byte[] DerOf(string file) => Convert.FromBase64String(string.Concat(
        File.ReadLines(file).Where(l => !l.StartsWith('-'))));

    private static int FreePort()
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        return ((IPEndPoint)socket.LocalEndPoint!).Port;
    }
}
