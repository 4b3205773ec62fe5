using EdgeSync.Nats.Keys;
using EdgeSync.Net.Nats;
using EdgeSync.Tests.Support;
using NATS.NKeys;

namespace EdgeSync.InteropTests.Nats;

/// <summary>
/// The port over NATS.Net logs in to the distribution's nats-server in every way there is, and is sure of it.
/// </summary>
public sealed class NatsNetLoginTests
{
    private static CancellationToken Cancellation => TestContext.Current!.Execution.CancellationToken;

    [Test]
    public async Task Token_and_password_from_options_or_address()
    {
        using var tokens = StockNats.Start("authorization { token: \"s3cret\" }");
        await AcceptedAsync(
            new NatsNetOptions { Url = tokens.Url, Credentials = new NatsCredentials { Token = "s3cret" } });
        await AcceptedAsync(new NatsNetOptions { Url = $"nats://s3cret@127.0.0.1:{tokens.Port}" });
        await RefusedAsync(
            new NatsNetOptions { Url = tokens.Url, Credentials = new NatsCredentials { Token = "wrong" } });
        await RefusedAsync(new NatsNetOptions { Url = tokens.Url });

        using var users = StockNats.Start("authorization { users: [ { user: \"a b\", password: \"p:w@d\" } ] }");
        await AcceptedAsync(
            new NatsNetOptions
            {
                Url = users.Url,
                Credentials = new NatsCredentials { User = "a b", Password = "p:w@d" }
            });
        await AcceptedAsync(new NatsNetOptions { Url = $"nats://a%20b:p%3Aw%40d@127.0.0.1:{users.Port}" });
        await RefusedAsync(
            new NatsNetOptions
            {
                Url = users.Url,
                Credentials = new NatsCredentials { User = "a b", Password = "no" }
            });
    }

    [Test]
    public async Task An_nkey_signs_the_nonce()
    {
        var (known, stranger) = (OperatorChain.NewKey(PrefixByte.User), OperatorChain.NewKey(PrefixByte.User));
        using var server = StockNats.Start($"authorization {{ users: [ {{ nkey: {known.GetPublicKey()} }} ] }}");

        await AcceptedAsync(
            new NatsNetOptions { Url = server.Url, Credentials = new NatsCredentials { NkeySeed = known.GetSeed() } });
        await RefusedAsync(
            new NatsNetOptions
            {
                Url = server.Url,
                Credentials = new NatsCredentials { NkeySeed = stranger.GetSeed() }
            });
    }

    /// <summary>An operator signs an account, the account a user: the chain that a .creds file stands for.</summary>
    [Test]
    public async Task A_credentials_file_is_accepted()
    {
        var chain = new OperatorChain();
        using var server = StockNats.Start(chain.Configuration);

        await AcceptedAsync(
            new NatsNetOptions
            {
                Url = server.Url,
                Credentials = new NatsCredentials { CredsText = chain.CredentialsFile }
            });
        await RefusedAsync(
            new NatsNetOptions
            {
                Url = server.Url,
                Credentials = new NatsCredentials { CredsText = chain.StolenFile }
            });
    }

    [Test]
    public async Task A_refused_login_is_tried_again_and_again()
    {
        using var server = StockNats.Start("authorization { token: \"old\" }");
        var log = new EventLog();
        await using var nats = Open(
            new NatsNetOptions { Url = server.Url, Credentials = new NatsCredentials { Token = "new" } }, log);
        await nats.StartAsync(Cancellation);

        // More than the two refusals after which the client library stops by itself.
        for (var i = 0; i < 3; i++)
            Assert.Contains(
                "credentials", (await log.WaitForAsync(NatsNetEventKind.ConnectFailed)).Text, StringComparison.Ordinal);

        Assert.False(nats.IsConnected);
    }

    [Test]
    public async Task A_denied_subject_is_reported_and_the_link_stays()
    {
        using var server = StockNats.Start(
            "authorization { users: [ { user: u, password: p, permissions: { publish: \"ok.>\", subscribe: [\"ok.>\", "
                + "\"_INBOX.>\"] } } ] }");
        var log = new EventLog();
        await using var nats = Open(new NatsNetOptions { Url = $"nats://u:p@127.0.0.1:{server.Port}" }, log);
        await nats.StartAsync(Cancellation);

        nats.Publish("secret", default);
        Assert.Contains(
            "publish to \"secret\"", (await log.WaitForAsync(NatsNetEventKind.Notice)).Text,
            StringComparison.OrdinalIgnoreCase);
        using var subscription = nats.Subscribe("secret", null, _ => { });
        Assert.Contains(
            "subscription to \"secret\"", (await log.WaitForAsync(NatsNetEventKind.Notice)).Text,
            StringComparison.OrdinalIgnoreCase);

        Assert.True(nats.IsConnected);
    }

    [Test]
    public async Task TLS_is_made_after_INFO_and_verified()
    {
        using var folder = new TemporaryFolder();
        var files = new TestCertificates(folder.Path);
        using var server = StockNats.Start(
            $"tls {{ cert_file: \"{files.ServerFile}\", key_file: \"{files.ServerKeyFile}\" }}");

        await AcceptedAsync(new NatsNetOptions { Url = server.Url, CaFile = files.CaFile });
        await AcceptedAsync(new NatsNetOptions { Url = $"tls://localhost:{server.Port}", CaFile = files.CaFile });
        Assert.Contains(
            "certificate", await WhyNotAsync(new NatsNetOptions { Url = server.Url }), StringComparison.Ordinal);
        Assert.Contains(
            "certificate", await WhyNotAsync(new NatsNetOptions { Url = $"tls://localhost:{server.Port}" }),
            StringComparison.Ordinal);
    }

    [Test]
    public async Task A_server_may_require_a_client_certificate()
    {
        using var folder = new TemporaryFolder();
        var files = new TestCertificates(folder.Path);
        using var server = StockNats.Start(
            $"tls {{ cert_file: \"{files.ServerFile}\", key_file: \"{files.ServerKeyFile}\", ca_file: "
                + $"\"{files.CaFile}\", verify: true }}");

        await AcceptedAsync(
            new NatsNetOptions
            {
                Url = server.Url,
                CaFile = files.CaFile,
                CertFile = files.ClientFile,
                KeyFile = files.ClientKeyFile
            });
        Assert.NotEmpty(await WhyNotAsync(new NatsNetOptions { Url = server.Url, CaFile = files.CaFile }));
    }

    [Test]
    public async Task A_required_TLS_is_not_given_up_for_a_plain_server()
    {
        using var folder = new TemporaryFolder();
        var files = new TestCertificates(folder.Path);
        using var server = StockNats.Start();

        Assert.Contains(
            "no TLS", await WhyNotAsync(new NatsNetOptions { Url = $"tls://127.0.0.1:{server.Port}" }),
            StringComparison.Ordinal);
        // whom to trust, not that it must be
        await AcceptedAsync(new NatsNetOptions { Url = server.Url, CaFile = files.CaFile });
    }

    [Test]
    public async Task Secure_WebSocket_with_our_own_authority()
    {
        using var folder = new TemporaryFolder();
        var files = new TestCertificates(folder.Path);
        var port = Ports.Free();
        using var server = StockNats.Start(
            $"websocket {{ listen: \"127.0.0.1:{port}\", tls {{ cert_file: \"{files.ServerFile}\", key_file: "
                + $"\"{files.ServerKeyFile}\" }} }}");

        await AcceptedAsync(new NatsNetOptions { Url = $"wss://localhost:{port}", CaFile = files.CaFile });
        Assert.NotEmpty(await WhyNotAsync(new NatsNetOptions { Url = $"wss://localhost:{port}" }));
    }

    private static NatsNetBus Open(NatsNetOptions options, EventLog log) =>
        new(
            options with { Happened = log.Hear, ReconnectWaitMin = TimeSpan.FromMilliseconds(50) },
            TimeProvider.System);

    private static async Task AcceptedAsync(NatsNetOptions options)
    {
        await using var nats = Open(options, new EventLog());
        await nats.StartAsync(Cancellation);
        Assert.True(nats.IsConnected, nats.LastFailure);
        await nats.FlushAsync(Cancellation);
    }

    private static async Task RefusedAsync(NatsNetOptions options) =>
        Assert.Contains("credentials", await WhyNotAsync(options), StringComparison.Ordinal);

    private static async Task<string> WhyNotAsync(NatsNetOptions options)
    {
        var log = new EventLog();
        await using var nats = Open(options, log);
        await nats.StartAsync(Cancellation);
        Assert.False(nats.IsConnected);
        return (await log.WaitForAsync(NatsNetEventKind.ConnectFailed)).Text;
    }
}
