using EdgeSync.Nats.Broker;
using EdgeSync.Net.Nats;

namespace EdgeSync.IntegrationTests.Net.Nats;

public sealed class NatsBrokerTlsTests
{
    [Test]
    public async Task INFO_in_clear_then_the_handshake_then_the_rest_inside()
    {
        await using var test = await StartAsync(handshakeFirst: false);
        await using var plain = await LineClient.ConnectAsync(test.Url);

        Assert.Contains("\"tls_required\":true", await plain.ReadLineAsync(), StringComparison.Ordinal);
        await using var client = await plain.UpgradeAsync();
        await client.SendAsync("CONNECT {\"verbose\":false}\r\nSUB a 1\r\nPUB a 2\r\nhi\r\n");

        Assert.Equal("MSG a 1 2", await client.ReadLineAsync());
        Assert.Equal("tls", test.Url.Scheme);
    }

    [Test]
    public async Task The_handshake_may_come_first()
    {
        await using var test = await StartAsync(handshakeFirst: true);
        await using var plain = await LineClient.ConnectAsync(test.Url);

        await using var client = await plain.UpgradeAsync();

        Assert.Contains("\"tls_required\":true", await client.OpenAsync(), StringComparison.Ordinal);
    }

    [Test]
    public async Task A_silent_client_gets_INFO_with_a_fallback()
    {
        await using var test = await StartAsync(handshakeFirst: true, TimeSpan.FromMilliseconds(50));
        await using var plain = await LineClient.ConnectAsync(test.Url);

        Assert.Contains("\"tls_required\":true", await plain.ReadLineAsync(), StringComparison.Ordinal);
        await using var client = await plain.UpgradeAsync();
        await client.SendAsync("CONNECT {\"verbose\":false}\r\nPING\r\n");

        Assert.Equal("PONG", await client.ReadLineAsync());
    }

    [Test]
    public async Task With_a_fallback_the_handshake_may_still_come_first()
    {
        await using var test = await StartAsync(handshakeFirst: true, TimeSpan.FromMinutes(1));
        await using var plain = await LineClient.ConnectAsync(test.Url);

        await using var client = await plain.UpgradeAsync();

        Assert.Contains("\"tls_required\":true", await client.OpenAsync(), StringComparison.Ordinal);
    }

    [Test]
    [Arguments(false)]
    [Arguments(true)]
    public async Task A_client_without_TLS_is_rejected(bool handshakeFirst)
    {
        await using var test = await StartAsync(handshakeFirst);
        await using var client = await LineClient.ConnectAsync(test.Url);
        if (!handshakeFirst) await client.ReadLineAsync();

        await client.SendAsync("CONNECT {\"verbose\":false}\r\nPING\r\n");

        await client.ReadToEndAsync();
        await TestBroker.UntilAsync(() => test.Refused.Count == 1, "the handshake was given up");
        Assert.Equal(0, test.Broker.ClientCount);
    }

    [Test]
    public async Task A_silent_connection_is_closed_after_the_timeout()
    {
        await using var test = await StartAsync(handshakeFirst: false);
        await using var client = await LineClient.ConnectAsync(test.Url);
        await client.ReadLineAsync();

        Assert.Null(await client.TryReadLineAsync());
        await TestBroker.UntilAsync(() => test.Refused.Count == 1, "the handshake was given up");
        Assert.Equal(["the handshake took too long"], test.Refused);
    }

    private static Task<TestBroker> StartAsync(bool handshakeFirst, TimeSpan fallback = default) =>
        TestBroker.StartAsync(
        new BrokerOptions { ServerName = "test" },
        o => o with
        {
            Tls = new NatsBrokerTls
            {
                Certificate = TestBroker.CreateCertificate(),
                HandshakeFirst = handshakeFirst,
                HandshakeFallback = fallback,
                Timeout = TimeSpan.FromMilliseconds(500),
            },
        });
}
