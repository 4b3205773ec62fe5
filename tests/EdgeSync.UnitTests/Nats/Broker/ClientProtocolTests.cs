namespace EdgeSync.UnitTests.Nats.Broker;

/// <summary>What clients send, and what they get, as captured from nats-server 2.9.10.</summary>
public sealed class ClientProtocolTests
{
    private readonly BrokerHarness _harness = new();

    [Theory]
    [InlineData("SUB a 1\r\nSUB b 1\r\nPUB a 1\r\nx\r\nPUB b 1\r\ny\r\n", "MSG a 1 1\r\nx\r\n")]
    [InlineData("SUB a 1\r\nUNSUB 1 2\r\nPUB a 1\r\n1\r\nPUB a 1\r\n2\r\nPUB a 1\r\n3\r\n", "MSG a 1 1\r\n1\r\nMSG a 1 1\r\n2\r\n")]
    [InlineData("SUB a 1\r\nPUB a 1\r\n1\r\nPUB a 1\r\n2\r\nUNSUB 1 2\r\nPUB a 1\r\n3\r\n", "MSG a 1 1\r\n1\r\nMSG a 1 1\r\n2\r\n")]
    [InlineData("SUB a.b 1\r\nSUB a.* 2\r\nSUB a.> 3\r\nPUB a.* 1\r\nx\r\n", "MSG a.* 3 1\r\nx\r\nMSG a.* 2 1\r\nx\r\n")]
    [InlineData("SUB _INBOX.x.* 9\r\nPUB nope _INBOX.x.77 0\r\n\r\n", "HMSG _INBOX.x.77 9 16 16\r\nNATS/1.0 503\r\n\r\n\r\n")]
    [InlineData("PUB nope _INBOX.x.77 0\r\n\r\n", "")]
    [InlineData("SUB a 1\r\nHPUB a 18 23\r\nNATS/1.0\r\nA: b\r\n\r\nhello\r\n", "HMSG a 1 18 23\r\nNATS/1.0\r\nA: b\r\n\r\nhello\r\n")]
    [InlineData("SUB a 1\r\nHPUB a 6 11\r\nA: b\r\nhello\r\n", "HMSG a 1 6 11\r\nA: b\r\nhello\r\n")]
    [InlineData("SUB a 1\r\nPUB a re.ply 2\r\nhi\r\n", "MSG a 1 re.ply 2\r\nhi\r\n")]
    [InlineData("SUB > 1\r\nPUB a..b 0\r\n\r\nPUB .a 0\r\n\r\n", "")]
    [InlineData("SUB a..b 1\r\n", "-ERR 'Invalid Subject'\r\n")]
    [InlineData("SUB a.>.b 1\r\n", "-ERR 'Invalid Subject'\r\n")]
    [InlineData("PING anything\nPING\r\n", "PONG\r\nPONG\r\n")]
    [InlineData("+OK\r\nPONG\r\nINFO {}\r\nPING\r\n", "PONG\r\n")]
    [InlineData("UNSUB nope\r\nPING\r\n", "PONG\r\n")]
    [InlineData("PUB $GNR.x 0\r\n\r\n", "-ERR 'Permissions Violation for Publish to \"$GNR.x\"'\r\n")]
    [InlineData("PUB a $JS.ACK.x 0\r\n\r\n", "-ERR 'Permissions Violation for Publish with Reply of \"$JS.ACK.x\"'\r\n")]
    public void Answers(string sent, string expected)
    {
        var client = _harness.Connect();

        Assert.Equal(expected, client.Exchange(sent));
        Assert.False(client.IsClosed);
    }
}
