using System.Net;
using EdgeSync.Net.Http;
using Microsoft.AspNetCore.Http;

namespace EdgeSync.IntegrationTests.Net;

public sealed class TrustedProxiesTests
{
    [Test]
    [Arguments("127.0.0.1", "203.0.113.9", "203.0.113.9")]
    [Arguments("::ffff:127.0.0.1", "203.0.113.9", "203.0.113.9")]
    // the first is what the client claims
    [Arguments("127.0.0.1", "198.51.100.1, 203.0.113.9, 10.1.2.3", "203.0.113.9")]
    [Arguments("127.0.0.1", "", "127.0.0.1")]
    [Arguments("127.0.0.1", "nonsense", "127.0.0.1")]
    [Arguments("203.0.113.50", "198.51.100.1", "203.0.113.50")]
    public void Who_asks_is_the_last_that_is_no_proxy_of_ours(string remote, string forwarded, string expected)
    {
        Assert.True(TrustedProxies.TryParse("127.0.0.1", out var one));
        Assert.True(TrustedProxies.TryParse("10.0.0.0/8", out var network));
        var headers = new HeaderDictionary { ["X-Forwarded-For"] = forwarded };

        Assert.Equal(
            IPAddress.Parse(expected), new TrustedProxies([one, network]).ClientOf(IPAddress.Parse(remote), headers));
        Assert.Equal(IPAddress.Parse(remote), TrustedProxies.None.ClientOf(IPAddress.Parse(remote), headers));
    }

    [Test]
    [Arguments("somewhere")]
    [Arguments("10.0.0.0/99")]
    [Arguments("")]
    public void An_invalid_address_is_rejected(string text) => Assert.False(TrustedProxies.TryParse(text, out _));
}
