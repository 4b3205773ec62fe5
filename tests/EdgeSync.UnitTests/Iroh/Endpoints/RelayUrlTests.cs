using EdgeSync.Iroh.Endpoints;

namespace EdgeSync.UnitTests.Iroh.Endpoints;

public sealed class RelayUrlTests
{
    [Test]
    [Arguments("http://h:1", "http://h:1/")]
    [Arguments("HTTPS://Relay.Example.com.", "https://relay.example.com./")]
    [Arguments("http://h:80/", "http://h/")]
    [Arguments("ws://[::1]:3340", "ws://[::1]:3340/")]
    public void Is_normalized(string text, string expected)
    {
        Assert.True(RelayUrl.TryParse(text, out var url));
        Assert.Equal(expected, url.Text);
        Assert.True(RelayUrl.TryParse(url.Text, out var again));
        Assert.Equal(url, again);
    }

    [Test]
    [Arguments("")]
    [Arguments("relay.example.com")]
    [Arguments("/relay")]
    [Arguments("ftp://h/")]
    [Arguments("http://")]
    public void Other_texts_are_rejected(string text) => Assert.False(RelayUrl.TryParse(text, out _));

    [Test]
    [Arguments("http://127.0.0.1:3340", "ws://127.0.0.1:3340/relay", "http://127.0.0.1:3340/ping")]
    [Arguments("https://r.example./", "wss://r.example./relay", "https://r.example./ping")]
    [Arguments("wss://r.example:444/", "wss://r.example:444/relay", "https://r.example:444/ping")]
    public void Names_the_endpoints_of_the_server(string text, string relay, string ping)
    {
        Assert.True(RelayUrl.TryParse(text, out var url));

        Assert.Equal(relay, url.At("/relay", isWebSocket: true).AbsoluteUri);
        Assert.Equal(ping, url.At("/ping").AbsoluteUri);
    }
}
