using System.Net;
using System.Security.Cryptography.X509Certificates;
using EdgeSync.Net.Http;
using EdgeSync.Net.Iroh;
using EdgeSync.Net.Quic;
using EdgeSync.Net.Relay;
using EdgeSync.Quic;
using EdgeSync.Quic.Connections;
using EdgeSync.Quic.Tls;
using EdgeSync.Storage;
using EdgeSync.Tests.Support;
using static EdgeSync.IntegrationTests.Iroh.IrohPair;

namespace EdgeSync.IntegrationTests.Iroh;

/// <summary>QUIC address discovery, with relays of ours and with relays that have nothing else.</summary>
public sealed class AddressDiscoveryTests : IDisposable
{
    private const string Discovery = "/iroh-qad/0";

    private readonly TemporaryFolder _folder = new();
    private readonly TestCertificates _files;

    public AddressDiscoveryTests() => _files = new TestCertificates(_folder.Path);

    public void Dispose() => _folder.Dispose();

    [Test]
    public async Task A_relay_with_TLS_and_nothing_of_ours_is_asked_and_asked_again_when_it_was_away()
    {
        await using var relay = await StartRelayAsync(Tls() with { AddressPort = null });
        var service = StartService(0);
        var port = service.Port;
        await using var endpoint = Start(Options(1) with
        {
            Relays = [UrlOf(relay.Url)],
            CertificateCheck = IsOurs,
            DiscoveryPort = port,
        });

        await SeenAsync(endpoint, endpoint.Local);
        Assert.Equal(new ReflexiveSource(UrlOf(relay.Url), Discovery, port), endpoint.ObservedBy);
        Assert.Equal(endpoint.Bound.Select(b => b.ToString()), endpoint.Observed.Select(a => a.ToString()));

        await service.DisposeAsync();
        await SeenAsync(endpoint, []);
        Assert.Null(endpoint.ObservedBy);

        await using var again = StartService(port);
        await SeenAsync(endpoint, endpoint.Local);
    }

    [Test]
    public async Task A_relay_of_ours_with_TLS_serves_both_protocols_at_one_port()
    {
        await using var relay = await StartRelayAsync(Tls());
        await using var endpoint = Start(Options(1) with
        {
            Relays = [UrlOf(relay.Url)],
            CertificateCheck = IsOurs,
        });
        await SeenAsync(endpoint, endpoint.Local);
        Assert.Equal(
            new ReflexiveSource(UrlOf(relay.Url), "/edgesync/address/1", relay.AddressPort!.Value),
            endpoint.ObservedBy);

        await using var other = StartHost([]);
        var connection = await AskAsync(other, relay.AddressPort!.Value, Trusting());
        while (connection.ObservedAddress is null) await connection.PathsChanged.WaitAsync(Limit, Token);

        Assert.Equal(other.Bound[0].ToString(), connection.ObservedAddress.ToString());
        Assert.Equal(Discovery, System.Text.Encoding.ASCII.GetString(connection.Alpn.Span));
        Assert.True(connection.PeerKey.IsEmpty);
    }

    [Test]
    public async Task A_relay_without_TLS_refuses_address_discovery_at_once()
    {
        await using var relay = await StartRelayAsync();
        await using var host = StartHost([]);

        var refusal = await Assert.ThrowsAsync<QuicClosedException>(
            () => AskAsync(host, relay.AddressPort!.Value, Trusting()));

        // 0x128 in the answer to the first packet: nothing is waited for.
        Assert.Equal((CloseKind.PeerError, 0x128UL), (refusal.Reason.Kind, refusal.Reason.Code));
    }

    [Test]
    public async Task A_certificate_that_this_machine_does_not_trust_proves_nothing()
    {
        await using var relay = await StartRelayAsync(Tls());
        await using var host = StartHost([]);

        var refusal = await Assert.ThrowsAsync<QuicClosedException>(
            () => AskAsync(host, relay.AddressPort!.Value, new ChainVerifier(TimeProvider.System)));

        Assert.Equal((CloseKind.LocalError, 0x130UL), (refusal.Reason.Kind, refusal.Reason.Code));
    }

    [Test]
    public async Task An_endpoint_asks_as_the_specification_says_and_ends_so()
    {
        using var certificate = ServerCertificate.ReadTls(_files.ServerFile, _files.ServerKeyFile);
        await using var server = StartHost(
            [System.Text.Encoding.ASCII.GetBytes(Discovery)],
            quic => quic with { Certificate = certificate, ReportsAddresses = true, StreamsMax = 0 });
        await using var relay = await StartRelayAsync(Tls() with { AddressPort = null });
        var endpoint = Start(Options(1) with
        {
            Relays = [UrlOf(relay.Url)],
            CertificateCheck = IsOurs,
            DiscoveryPort = server.Bound[0].Port,
        });

        var connection = await server.AcceptAsync(Token);
        await SeenAsync(endpoint, endpoint.Local);
        // From the socket that peers reach it at, and without a key.
        Assert.Equal(endpoint.Bound[0].ToString(), connection.Route.Remote.ToString());
        Assert.True(connection.PeerKey.IsEmpty);
        Assert.Null(connection.ObservedAddress);
        await endpoint.DisposeAsync();

        var end = await connection.Closed.WaitAsync(Limit, Token);
        Assert.Equal((CloseKind.Peer, 1UL, "finished"), (end.Kind, end.Code, end.Text));
    }

    [Test]
    [Arguments("https://relay.test", null, 7842, Discovery, 7842)]
    [Arguments("https://relay.test", 443, 7842, "/edgesync/address/1", 443)]
    [Arguments("http://relay.test", 3340, 7842, "/edgesync/address/1", 3340)]
    [Arguments("http://relay.test", null, 7842, null, 0)]
    [Arguments("https://relay.test", null, null, null, 0)]
    public void A_relay_is_asked_by_what_it_has(string url, int? ours, int? discovery, string? protocol, int port)
    {
        var source = ReflexiveAddresses.SourceOf(UrlOf(url), new RelayAnswer(TimeSpan.Zero, ours), discovery);

        Assert.Equal(protocol is null ? null : new ReflexiveSource(UrlOf(url), protocol, port), source);
    }

    private IrohRelayOptions Tls() => new()
    {
        TlsCertificateFile = _files.ServerFile,
        TlsKeyFile = _files.ServerKeyFile,
    };

    private AddressService StartService(int port) => AddressService.Start(
        new AddressServiceOptions(new IPEndPoint(IPAddress.Loopback, port))
        {
            Certificate = ServerCertificate.ReadTls(_files.ServerFile, _files.ServerKeyFile),
        },
        SystemEntropy.Instance, TimeProvider.System);

    private static QuicHost StartHost(byte[][] alpns, Func<QuicOptions, QuicOptions>? adapt = null)
    {
        var options = new QuicOptions(Options(9).Key.Key, alpns.Length > 0 ? alpns : [[1]]);
        return QuicHost.Start(
            new QuicHostOptions(adapt?.Invoke(options) ?? options, SystemEntropy.Instance)
            {
                Bind = [new IPEndPoint(IPAddress.Loopback, 0)],
                Accepts = alpns.Length > 0,
            },
            TimeProvider.System);
    }

    private static Task<HostConnection> AskAsync(QuicHost host, int port, ICertificateVerifier verifier) =>
        host.ConnectAsync(
            null, [UdpAddress.From(IPAddress.Loopback, port)], [System.Text.Encoding.ASCII.GetBytes(Discovery)],
            quic => quic with { ServerTrust = new ServerTrust("localhost", verifier), AsksForAddress = true }, Token);

    private ChainVerifier Trusting() => new(TimeProvider.System)
    {
        Roots = [X509CertificateLoader.LoadCertificateFromFile(_files.CaFile)],
    };

    private bool IsOurs(
        object sender, X509Certificate? certificate, X509Chain? chain, System.Net.Security.SslPolicyErrors errors)
    {
        using var own = X509CertificateLoader.LoadCertificateFromFile(_files.ServerFile);
        return certificate?.Equals(own) == true;
    }

    private static Task SeenAsync(IrohEndpoint endpoint, IReadOnlyList<UdpAddress> addresses) =>
        Patience.UntilAsync(
            () => endpoint.Observed.SequenceEqual(addresses), Limit, () => string.Join(' ', endpoint.Observed),
            TimeSpan.FromMilliseconds(10));
}
