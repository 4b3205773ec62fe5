using EdgeSync.Nats.Broker;

namespace EdgeSync.UnitTests.Nats.Broker;

/// <summary>Other users while connections are open.</summary>
public sealed class ReconfigureTests
{
    private const string Hash = "$2b$04$KMtMOwX/mPxsrBrMJKLZOu0O5XfaKAFsikLIyE7JBdc4wZXLZnWvy";   // s3cr3t

    private static readonly BrokerUser Root = new() { Name = "root", Password = "toor" };

    [Test]
    public void A_reload_closes_removed_and_changed_users_and_keeps_the_others()
    {
        var harness = new BrokerHarness(Of(Root, Named("ship"), Named("boat")));
        var (root, ship, boat) = (
            Login(harness, "root", "toor"), Login(harness, "ship", "x"), Login(harness, "boat", "x"));

        harness.Core.Reconfigure(
            Of(Root, Named("ship") with { Publish = new SubjectPermissions(["a"], []) }), harness.Now);

        Assert.Equal("PONG\r\n", root.Exchange("PING\r\n"));
        Assert.Equal("-ERR 'User Authentication Revoked'\r\n", ship.Read());
        Assert.Equal("-ERR 'User Authentication Revoked'\r\n", boat.Read());
        Assert.Equal("-ERR 'Authorization Violation'\r\n", Login(harness, "boat", "x", "").Read());
        Assert.Equal("PONG\r\n", Login(harness, "ship", "x").Exchange("PING\r\n"));
    }

    [Test]
    public void Reloading_the_same_users_closes_no_connection()
    {
        var harness = new BrokerHarness(
            Of(Root, Named("ship") with { Subscribe = new SubjectPermissions(["a"], ["b"]) }));
        var ship = Login(harness, "ship", "x");

        harness.Core.Reconfigure(
            Of(Root, Named("ship") with { Subscribe = new SubjectPermissions(["a"], ["b"]) }), harness.Now);

        Assert.Equal("PONG\r\n", ship.Exchange("PING\r\n"));
    }

    [Test]
    public void The_first_user_added_closes_unauthenticated_connections()
    {
        var harness = new BrokerHarness(Of());
        var stranger = harness.Attach();
        stranger.Read();

        harness.Core.Reconfigure(Of(Root), harness.Now);

        Assert.True(stranger.IsClosed);
    }

    [Test]
    public void A_password_that_was_right_before_is_not_when_its_check_ends_later()
    {
        var bob = new BrokerUser { Name = "bob", Password = Hash };
        var harness = new BrokerHarness(Of(Root, bob));
        var client = harness.Attach();
        client.Read();
        client.Send("CONNECT {\"user\":\"bob\",\"pass\":\"s3cr3t\"}\r\nPING\r\n");
        Assert.True(harness.Core.TryTakeCheck(harness.Now, out var check));

        harness.Core.Reconfigure(
            Of(Root, bob with { Password = "$2b$04$KMtMOwX/mPxsrBrMJKLZOuaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" }),
            harness.Now);
        harness.Core.OnChecked(check, isRight: true, harness.Now);

        Assert.True(client.IsClosed);
        var again = harness.Attach();
        again.Read();
        Assert.Equal("", again.Exchange("CONNECT {\"user\":\"bob\",\"pass\":\"s3cr3t\"}\r\nPING\r\n"));
        Assert.True(harness.Core.HasChecks);
    }

    [Test]
    public void What_can_never_work_changes_nothing()
    {
        var harness = new BrokerHarness(Of(Root));
        var root = Login(harness, "root", "toor");

        Assert.Throws<EdgeSync.Primitives.EdgeSyncException>(
            () => harness.Core.Reconfigure(Of(Named("ship"), Named("ship")), harness.Now));

        Assert.Equal("PONG\r\n", root.Exchange("PING\r\n"));
    }

    private static BrokerUser Named(string name) => new() { Name = name, Password = "x" };

    private static BrokerOptions Of(params BrokerUser[] users) => new() { ServerName = "test", Users = users };

    private static TestClient Login(BrokerHarness harness, string user, string password, string answer = "PONG\r\n")
    {
        var client = harness.Attach();
        client.Read();
        client.Send($"CONNECT {{\"verbose\":false,\"user\":\"{user}\",\"pass\":\"{password}\"}}\r\nPING\r\n");
        if (answer.Length > 0) Assert.Equal(answer, client.Read());
        return client;
    }
}
