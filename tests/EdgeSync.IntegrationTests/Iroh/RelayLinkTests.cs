using System.Net;
using System.Net.Security;
using System.Security.Cryptography.X509Certificates;
using EdgeSync.Iroh.Endpoints;
using EdgeSync.Iroh.Relay;
using EdgeSync.Net.Relay;
using EdgeSync.Primitives;
using EdgeSync.Quic;
using EdgeSync.Storage;
using EdgeSync.Tests.Support;

namespace EdgeSync.IntegrationTests.Iroh;

/// <summary>Our relay and our client of it, over real WebSockets.</summary>
public sealed class RelayLinkTests
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(30);

    private static CancellationToken Token => TestContext.Current!.Execution.CancellationToken;

    [Test]
    public async Task Datagrams_and_batches_arrive_whole_and_from_whom_they_are()
    {
        await using var relay = await StartAsync(new IrohRelayOptions(), Token);
        await using var one = new Peer(1, relay.Url);
        await using var two = new Peer(2, relay.Url);
        await one.OnlineAsync(Token);
        await two.OnlineAsync(Token);

        one.Link.Send(two.Id, EcnMark.Ect0, 0, "hello"u8);
        one.Link.Send(two.Id, EcnMark.Ect0, 1200, new byte[30_000]);

        await two.ReceivedAsync(2, Token);
        Assert.Equal([$"{one.Id.ToShortString()} 0 5", $"{one.Id.ToShortString()} 1200 30000"], two.Received);
        Assert.Equal(2, relay.Totals.ForwardedCount);
    }

    [Test]
    public async Task A_relay_of_others_is_used_alike()
    {
        var url = Environment.GetEnvironmentVariable("EDGESYNC_IROH_RELAY");
        Skip.Unless(url is { Length: > 0 }, "needs the address of another relay in EDGESYNC_IROH_RELAY");
        await using var one = new Peer(1, url!);
        await using var two = new Peer(2, url!);
        await one.OnlineAsync(Token);
        await two.OnlineAsync(Token);

        one.Link.Send(two.Id, EcnMark.Ect0, 0, "hello"u8);
        one.Link.Send(two.Id, EcnMark.Ect0, 1200, new byte[30_000]);

        await two.ReceivedAsync(2, Token);
        Assert.Equal([$"{one.Id.ToShortString()} 0 5", $"{one.Id.ToShortString()} 1200 30000"], two.Received);
        await one.MeasuredAsync(Token);
    }

    [Test]
    public async Task A_relay_that_comes_back_is_found_again()
    {
        var first = await StartAsync(new IrohRelayOptions(), Token);
        var port = new Uri(first.Url).Port;
        await using var one = new Peer(1, first.Url);
        await one.OnlineAsync(Token);
        await first.DisposeAsync();

        await using var second = await StartAsync(
            new IrohRelayOptions { Listen = new IPEndPoint(IPAddress.Loopback, port) }, Token);
        await using var two = new Peer(2, second.Url);
        await one.OnlineAsync(Token);
        await two.OnlineAsync(Token);

        two.Link.Send(one.Id, EcnMark.NotEct, 0, "again"u8);
        await one.ReceivedAsync(1, Token);
    }

    [Test]
    public async Task Without_the_token_a_client_learns_why_it_is_refused()
    {
        await using var relay = await StartAsync(new IrohRelayOptions { Token = "secret" }, Token);
        await using var none = new Peer(1, relay.Url);
        await using var wrong = new Peer(2, relay.Url, token: "other");
        await using var right = new Peer(3, relay.Url, token: "secret");

        await right.OnlineAsync(Token);
        Assert.Equal("this relay needs a token and got none", await none.DenialAsync(Token));
        Assert.Equal("the token is not the one of this relay", await wrong.DenialAsync(Token));
    }

    [Test]
    public async Task Works_inside_TLS()
    {
        using var folder = new TemporaryFolder();
        var files = new TestCertificates(folder.Path);
        await using var relay = await StartAsync(
            new IrohRelayOptions { TlsCertificateFile = files.ServerFile, TlsKeyFile = files.ServerKeyFile },
            Token);
        await using var one = new Peer(1, relay.Url);

        await one.OnlineAsync(Token);

        Assert.StartsWith("https://", relay.Url, StringComparison.Ordinal);
    }

    [Test]
    public async Task Answers_what_endpoints_and_monitors_ask()
    {
        await using var relay = await StartAsync(new IrohRelayOptions(), Token);
        using var http = new HttpClient { BaseAddress = new Uri(relay.Url) };

        using var ping = await http.GetAsync("/ping", Token);
        Assert.Equal(HttpStatusCode.OK, ping.StatusCode);
        Assert.Equal(["*"], ping.Headers.GetValues("Access-Control-Allow-Origin"));

        using var request = new HttpRequestMessage(HttpMethod.Get, "/generate_204");
        request.Headers.Add("X-Iroh-Challenge", "ts_127.0.0.1");
        using var nothing = await http.SendAsync(request, Token);
        Assert.Equal(HttpStatusCode.NoContent, nothing.StatusCode);
        Assert.Equal(["response ts_127.0.0.1"], nothing.Headers.GetValues("X-Iroh-Response"));

        Assert.Contains(
            "\nedgesync_relay_connections 0\n", await http.GetStringAsync("/metrics", Token),
            StringComparison.Ordinal);
        using var plain = await http.GetAsync("/relay", Token);
        Assert.Equal(HttpStatusCode.BadRequest, plain.StatusCode);
    }

    private static Task<IrohRelay> StartAsync(IrohRelayOptions options, CancellationToken cancellationToken) =>
        IrohRelay.StartAsync(options, SystemEntropy.Instance, TimeProvider.System, cancellationToken);

    private sealed class Peer : IRelayReceiver, IAsyncDisposable
    {
        private readonly Lock _gate = new();
        private readonly SecretKey _key;
        private readonly List<string> _received = [];
        private string? _denial;

        public Peer(byte seed, string url, string? token = null)
        {
            _key = new SecretKey([.. Enumerable.Repeat(seed, SecretKey.SeedBytes)]);
            Assert.True(RelayUrl.TryParse(url, out var relay));
            Link = new RelayLink(
                relay, _key, new RelayLinkOptions { Token = token, CertificateCheck = IsThere }, this,
                new Prng(seed), TimeProvider.System);
        }

        public RelayLink Link { get; }

        public EndpointId Id => _key.Id;

        public List<string> Received
        {
            get
            {
                lock (_gate) return [.. _received];
            }
        }

        public void OnRelay(RelayLink link, RelayEvent what)
        {
            lock (_gate)
            {
                if (what.Kind == RelayEventKind.Datagrams)
                    _received.Add($"{what.Peer.ToShortString()} {what.SegmentBytes} {what.Datagrams.Length}");
                if (what.Kind == RelayEventKind.Denied) _denial = what.Text;
            }
        }

        public Task OnlineAsync(CancellationToken cancellationToken) =>
            UntilAsync(() => Link.State == RelayClientState.Online, cancellationToken);

        public Task MeasuredAsync(CancellationToken cancellationToken) =>
            UntilAsync(() => Link.RoundTrip is not null, cancellationToken);

        public Task ReceivedAsync(int count, CancellationToken cancellationToken) =>
            UntilAsync(() => Received.Count >= count, cancellationToken);

        public async Task<string> DenialAsync(CancellationToken cancellationToken)
        {
            await UntilAsync(() => Volatile.Read(ref _denial) is not null, cancellationToken);
            return _denial!;
        }

        public async ValueTask DisposeAsync()
        {
            await Link.DisposeAsync();
            _key.Dispose();
        }

        private static bool IsThere(
            object sender, X509Certificate? certificate, X509Chain? chain, SslPolicyErrors errors) =>
            certificate is not null;

        private async Task UntilAsync(Func<bool> isDone, CancellationToken cancellationToken)
        {
            var patience = new Patience(Limit, TimeSpan.FromMilliseconds(5));
            while (!isDone()) await patience.LookAgainAsync(() => $"{Link.State}", cancellationToken);
        }
    }
}
