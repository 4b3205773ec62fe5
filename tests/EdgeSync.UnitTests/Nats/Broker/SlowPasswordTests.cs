using EdgeSync.Nats.Broker;

namespace EdgeSync.UnitTests.Nats.Broker;

/// <summary>Users whose password is a bcrypt hash: only their own connection waits for the check.</summary>
public sealed class SlowPasswordTests
{
    private const string Hash = "$2b$04$KMtMOwX/mPxsrBrMJKLZOu0O5XfaKAFsikLIyE7JBdc4wZXLZnWvy";   // s3cr3t

    private static readonly BrokerOptions Options = new()
    {
        ServerName = "test",
        Users = [new BrokerUser { Name = "bob", Password = Hash }, new BrokerUser { Name = "root", Password = "toor" }],
    };

    [Test]
    public void What_is_sent_meanwhile_waits_for_the_check()
    {
        var harness = new BrokerHarness(Options);
        var client = Greeted(harness);

        Assert.Equal(
            "", client.Exchange("CONNECT {\"verbose\":false,\"user\":\"bob\",\"pass\":\"s3cr3t\"}\r\nPING\r\nSUB a"));
        Assert.Equal("", client.Exchange(" 1\r\nPUB a 2\r\nhi\r\n"));
        Check(harness);

        Assert.Equal("PONG\r\nMSG a 1 2\r\nhi\r\n", client.Read());
    }

    [Test]
    public void A_wrong_password_is_refused()
    {
        var harness = new BrokerHarness(Options);
        var client = Greeted(harness);
        client.Send("CONNECT {\"user\":\"bob\",\"pass\":\"secret\"}\r\nPING\r\n");

        Check(harness);

        Assert.Equal("-ERR 'Authorization Violation'\r\n", client.Read());
        Assert.Equal(CloseReason.AuthenticationFailure, client.Connection.CloseReason);
    }

    [Test]
    public void The_hash_itself_is_not_a_password()
    {
        var harness = new BrokerHarness(Options);
        var client = Greeted(harness);
        client.Send($"CONNECT {{\"user\":\"bob\",\"pass\":\"{Hash}\"}}\r\n");

        Check(harness);

        Assert.True(client.IsClosed);
    }

    [Test]
    public void Others_do_not_wait()
    {
        var harness = new BrokerHarness(Options);
        Greeted(harness).Send("CONNECT {\"user\":\"bob\",\"pass\":\"s3cr3t\"}\r\n");

        Assert.Equal(
            "PONG\r\n",
            Greeted(harness).Exchange("CONNECT {\"verbose\":false,\"user\":\"root\",\"pass\":\"toor\"}\r\nPING\r\n"));
    }

    [Test]
    public void Many_reconnecting_clients_cause_one_password_check()
    {
        var harness = new BrokerHarness(Options);
        var crowd = new List<TestClient>();
        for (var i = 0; i < 50; i++)
        {
            crowd.Add(Greeted(harness));
            crowd[i].Send("CONNECT {\"verbose\":false,\"user\":\"bob\",\"pass\":\"s3cr3t\"}\r\nPING\r\n");
        }

        Assert.Equal(1, Check(harness));
        Assert.All(crowd, client => Assert.Equal("PONG\r\n", client.Read()));
        Assert.Equal(
            "PONG\r\n",
            Greeted(harness).Exchange("CONNECT {\"verbose\":false,\"user\":\"bob\",\"pass\":\"s3cr3t\"}\r\nPING\r\n"));
    }

    [Test]
    public void A_storm_of_logins_is_bounded_in_every_way()
    {
        var harness = new BrokerHarness(Options);
        var storm = new List<TestClient>();
        for (var i = 0; i < 300; i++)
        {
            storm.Add(Greeted(harness));
            storm[i].Send($"CONNECT {{\"user\":\"bob\",\"pass\":\"guess {i}\"}}\r\n");
        }

        Assert.Equal(256, storm.Count(c => !c.IsClosed));
        storm[0].Send(new byte[70_000]);
        Assert.True(storm[0].IsClosed);

        harness.Pass(TimeSpan.FromSeconds(9));
        Assert.False(storm[1].IsClosed);
        harness.Pass(TimeSpan.FromSeconds(2));
        Assert.All(storm, client => Assert.True(client.IsClosed));
        Assert.Equal(0, Check(harness));   // nobody waits any more, so nothing is worked out
    }

    [Test]
    public void A_token_may_be_a_hash_too()
    {
        var harness = new BrokerHarness(new BrokerOptions { ServerName = "test", Token = Hash });
        var client = Greeted(harness);
        client.Send("CONNECT {\"verbose\":false,\"auth_token\":\"s3cr3t\"}\r\nPING\r\n");

        Check(harness);

        Assert.Equal("PONG\r\n", client.Read());
    }

    private static TestClient Greeted(BrokerHarness harness)
    {
        var client = harness.Attach();
        client.Read();
        return client;
    }

    /// <summary>What a shell does; how many passwords were worked out.</summary>
    private static int Check(BrokerHarness harness)
    {
        var count = 0;
        for (; harness.Core.TryTakeCheck(harness.Now, out var check); count++)
            harness.Core.OnChecked(check, check.Verify(), harness.Now);
        return count;
    }
}
