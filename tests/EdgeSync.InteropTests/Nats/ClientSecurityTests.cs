using System.Text;
using EdgeSync.Nats.Client;
using EdgeSync.Nats.Keys;
using EdgeSync.Net.Nats;
using EdgeSync.Primitives;
using EdgeSync.Tests.Support;
using NATS.NKeys;

namespace EdgeSync.InteropTests.Nats;

/// <summary>Our client proves itself to the distribution's nats-server in every way there is, and the server to it.</summary>
public sealed class ClientSecurityTests
{
    private static CancellationToken Cancellation => TestContext.Current!.Execution.CancellationToken;

    [Test]
    public async Task Token_and_password_from_options_or_URL()
    {
        using var tokens = StockNats.Start("authorization { token: \"s3cret\" }");
        await AcceptedAsync(new NatsOpts { Url = tokens.Url, Credentials = new NatsCredentials { Token = "s3cret" } });
        await AcceptedAsync(new NatsOpts { Url = $"nats://s3cret@127.0.0.1:{tokens.Port}" });
        await RefusedAsync(new NatsOpts { Url = tokens.Url, Credentials = new NatsCredentials { Token = "wrong" } });
        await RefusedAsync(new NatsOpts { Url = tokens.Url });

        using var users = StockNats.Start("authorization { users: [ { user: \"a b\", password: \"p:w@d\" } ] }");
        await AcceptedAsync(new NatsOpts { Url = users.Url, Credentials = new NatsCredentials { Username = "a b", Password = "p:w@d" } });
        await AcceptedAsync(new NatsOpts { Url = $"nats://a%20b:p%3Aw%40d@127.0.0.1:{users.Port}" });
        await RefusedAsync(new NatsOpts { Url = users.Url, Credentials = new NatsCredentials { Username = "a b", Password = "no" } });
    }

    [Test]
    public async Task An_nkey_signs_the_nonce()
    {
        var (known, stranger) = (OperatorChain.NewKey(PrefixByte.User), OperatorChain.NewKey(PrefixByte.User));
        using var server = StockNats.Start($"authorization {{ users: [ {{ nkey: {known.GetPublicKey()} }} ] }}");

        await AcceptedAsync(new NatsOpts { Url = server.Url, Credentials = NatsCredentials.FromSeed(known.GetSeed()) });
        await RefusedAsync(new NatsOpts { Url = server.Url, Credentials = NatsCredentials.FromSeed(stranger.GetSeed()) });
    }

    /// <summary>An operator signs an account, the account a user: the chain that a .creds file stands for.</summary>
    [Test]
    public async Task A_credentials_file_is_accepted()
    {
        var chain = new OperatorChain();
        using var server = StockNats.Start(chain.Configuration);

        await AcceptedAsync(new NatsOpts { Url = server.Url, Credentials = NatsCredentials.FromCredentialsFile(chain.CredentialsFile) });
        await RefusedAsync(new NatsOpts { Url = server.Url, Credentials = new NatsCredentials { Jwt = chain.UserJwt, Key = NKeyPair.FromSeed(OperatorChain.NewKey(PrefixByte.User).GetSeed()) } });
    }

    [Test]
    public async Task A_denied_subject_is_told_and_the_link_stays()
    {
        using var server = StockNats.Start(
            "authorization { users: [ { user: u, password: p, permissions: { publish: \"ok.>\", subscribe: \"ok.>\" } } ] }");
        var log = new NewsLog();
        await using var nats = new NatsConnection(new NatsOpts { Url = $"nats://u:p@127.0.0.1:{server.Port}", OnNews = log.Hear });

        await nats.PublishAsync("secret", cancellationToken: Cancellation);
        Assert.Contains("Publish to \"secret\"", (await log.WaitForAsync(NatsConnectionNewsKind.ServerError)).Text, StringComparison.Ordinal);
        await using var subscription = await nats.SubscribeCoreAsync("secret", cancellationToken: Cancellation);
        Assert.Contains("Subscription to \"secret\"", (await log.WaitForAsync(NatsConnectionNewsKind.ServerError)).Text, StringComparison.Ordinal);

        Assert.Equal(NatsConnectionState.Open, nats.ConnectionState);
    }

    [Test]
    public async Task TLS_is_made_after_INFO_and_verified()
    {
        using var folder = new TemporaryFolder();
        var files = new TestCertificates(folder.Path);
        using var server = StockNats.Start($"tls {{ cert_file: \"{files.ServerFile}\", key_file: \"{files.ServerKeyFile}\" }}");
        var trusting = NatsTlsOpts.FromFiles(files.CaFile, null, null);

        await AcceptedAsync(new NatsOpts { Url = server.Url, Tls = trusting });
        await AcceptedAsync(new NatsOpts { Url = $"tls://localhost:{server.Port}", Tls = trusting });
        await AcceptedAsync(new NatsOpts { Url = server.Url, Tls = new NatsTlsOpts { InsecureSkipVerify = true } });
        var distrust = await FailsAsync(new NatsOpts { Url = server.Url });
        Assert.Contains("TLS", distrust.Message, StringComparison.Ordinal);
        Assert.Contains("disabled", (await FailsAsync(new NatsOpts { Url = server.Url, TlsMode = TlsMode.Disable })).Message, StringComparison.Ordinal);
    }

    [Test]
    public async Task A_server_may_ask_for_the_clients_certificate()
    {
        using var folder = new TemporaryFolder();
        var files = new TestCertificates(folder.Path);
        using var server = StockNats.Start(
            $"tls {{ cert_file: \"{files.ServerFile}\", key_file: \"{files.ServerKeyFile}\", ca_file: \"{files.CaFile}\", verify: true }}");

        await AcceptedAsync(new NatsOpts { Url = server.Url, Tls = NatsTlsOpts.FromFiles(files.CaFile, files.ClientFile, files.ClientKeyFile) });
        await FailsAsync(new NatsOpts { Url = server.Url, Tls = NatsTlsOpts.FromFiles(files.CaFile, null, null) });
    }

    [Test]
    public async Task A_required_TLS_is_not_given_up_for_a_plain_server()
    {
        using var server = StockNats.Start();

        Assert.Contains("no TLS", (await FailsAsync(new NatsOpts { Url = $"tls://127.0.0.1:{server.Port}" })).Message, StringComparison.Ordinal);
        Assert.Contains("no TLS", (await FailsAsync(new NatsOpts { Url = server.Url, TlsMode = TlsMode.Require })).Message, StringComparison.Ordinal);
    }

    [Test]
    public async Task Secure_WebSocket_with_our_own_authority()
    {
        using var folder = new TemporaryFolder();
        var files = new TestCertificates(folder.Path);
        var port = Ports.Free();
        using var server = StockNats.Start(
            $"websocket {{ listen: \"127.0.0.1:{port}\", tls {{ cert_file: \"{files.ServerFile}\", key_file: \"{files.ServerKeyFile}\" }} }}");

        await AcceptedAsync(new NatsOpts { Url = $"wss://localhost:{port}", Tls = NatsTlsOpts.FromFiles(files.CaFile, null, null) });
        await FailsAsync(new NatsOpts { Url = $"wss://localhost:{port}" });
    }

    private static async Task AcceptedAsync(NatsOpts opts)
    {
        await using var nats = new NatsConnection(opts);
        await using var subscription = await nats.SubscribeCoreAsync("t", cancellationToken: Cancellation);
        await nats.PublishAsync("t", "hello"u8.ToArray(), cancellationToken: Cancellation);
        await nats.PingAsync(Cancellation);
        Assert.True(subscription.TryRead(out var message));
        Assert.Equal("hello", Encoding.UTF8.GetString(message.Data.Span));
    }

    private static async Task RefusedAsync(NatsOpts opts)
    {
        var failure = await FailsAsync(opts);
        Assert.Equal(NatsFailure.Refused, failure.Failure);
        Assert.Equal(ErrorKind.Denied, failure.Kind);
    }

    private static async Task<NatsException> FailsAsync(NatsOpts opts)
    {
        await using var nats = new NatsConnection(opts);
        return await Assert.ThrowsAsync<NatsException>(async () => await nats.ConnectAsync(Cancellation));
    }

}
