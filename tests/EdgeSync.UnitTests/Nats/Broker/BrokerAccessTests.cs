using System.Text.RegularExpressions;
using EdgeSync.Nats.Broker;
using EdgeSync.Nats.Keys;
using EdgeSync.Primitives;

namespace EdgeSync.UnitTests.Nats.Broker;

/// <summary>Logins and permissions.</summary>
public sealed class BrokerAccessTests
{
    private static readonly BrokerUser Bob = new()
    {
        Name = "bob",
        Password = "secret",
        Publish = new SubjectPermissions(["up.>"], ["up.secret"]),
        Subscribe = new SubjectPermissions(["down.>", "open.*"], ["down.secret", "open.no"]),
    };

    private static readonly BrokerOptions WithUsers = new()
    {
        ServerName = "test",
        Users = [Bob, new BrokerUser { Name = "root", Password = "toor" }],
    };

    [Test]
    [Arguments("\"user\":\"bob\",\"pass\":\"secret\"", true)]
    [Arguments("\"user\":\"bob\",\"pass\":\"secre\"", false)]
    [Arguments("\"user\":\"bob\",\"pass\":\"\"", false)]
    [Arguments("\"user\":\"bob\"", false)]
    [Arguments("\"user\":\"eve\",\"pass\":\"secret\"", false)]
    [Arguments("\"auth_token\":\"secret\"", false)]
    [Arguments("\"name\":\"x\"", false)]
    public void Users_show_their_password(string fields, bool isAccepted)
    {
        var client = new BrokerHarness(WithUsers).Attach();
        Assert.Contains("\"auth_required\":true", client.Read(), StringComparison.Ordinal);

        var answer = client.Exchange($"CONNECT {{\"verbose\":false,{fields}}}\r\nPING\r\n");

        Assert.Equal(isAccepted ? "PONG\r\n" : "-ERR 'Authorization Violation'\r\n", answer);
        Assert.Equal(isAccepted ? CloseReason.None : CloseReason.AuthenticationFailure, client.Connection.CloseReason);
    }

    [Test]
    [Arguments("\"auth_token\":\"t0ken\"", true)]
    [Arguments("\"auth_token\":\"token\"", false)]
    [Arguments("\"user\":\"t0ken\"", false)]
    [Arguments("\"auth_token\":\"\"", false)]
    public void A_token_opens(string fields, bool isAccepted)
    {
        var client = new BrokerHarness(new BrokerOptions { ServerName = "test", Token = "t0ken" }).Attach();
        client.Read();

        var answer = client.Exchange($"CONNECT {{\"verbose\":false,{fields}}}\r\nPING\r\n");

        Assert.Equal(isAccepted ? "PONG\r\n" : "-ERR 'Authorization Violation'\r\n", answer);
    }

    [Test]
    public void An_NKey_user_signs_the_nonce_of_its_connection()
    {
        const string Key = "UAB2CB576PHBBPQ5ODORRZ2LYCMWPZGWGCN2KDK7DXOIMZASKUY3RLKK";
        var pair = NKeyPair.FromSeed("SUAAAAICAMCAKBQHBAEQUCYMBUHA6EARCIJRIFIWC4MBSGQ3DQOR4H776Y");
        var harness = new BrokerHarness(
            new BrokerOptions { ServerName = "test", Users = [new BrokerUser { Name = Key }] });
        var (client, replayer) = (harness.Attach(), harness.Attach());
        replayer.Read();
        var nonce = Regex.Match(client.Read(), "\"nonce\":\"([^\"]+)\"").Groups[1].Value;
        var signature = pair.SignNonce(nonce);

        Assert.Equal(15, nonce.Length);
        var connect = $"CONNECT {{\"verbose\":false,\"nkey\":\"{Key}\",\"sig\":\"{signature}\"}}\r\nPING\r\n";
        Assert.Equal("PONG\r\n", client.Exchange(connect));
        Assert.Equal("-ERR 'Authorization Violation'\r\n", replayer.Exchange(connect));
        var other = harness.Attach();
        other.Read();
        Assert.Equal(
            "-ERR 'Authorization Violation'\r\n", other.Exchange($"CONNECT {{\"user\":\"{Key}\",\"pass\":\"\"}}\r\n"));
    }

    [Test]
    [Arguments("PING\r\n")]
    [Arguments("SUB a 1\r\n")]
    [Arguments("PUB a 100000\r\n")]
    [Arguments("PUB a 5\r\nhello\r\n")]
    public void Before_authentication_only_CONNECT_is_accepted(string sent)
    {
        var client = new BrokerHarness(WithUsers).Attach();
        client.Read();

        Assert.Equal("-ERR 'Authorization Violation'\r\n", client.Exchange(sent));
        Assert.True(client.IsClosed);
    }

    [Test]
    public void A_hashed_password_is_refused_at_the_start_instead_of_never_matching()
    {
        var options = new BrokerOptions
        {
            ServerName = "test",
            Users = [new BrokerUser { Name = "bob", Password = "$2a$11$abcdefghijklmnopqrstuv" }]
        };

        var e = Assert.Throws<EdgeSyncException>(() => new BrokerHarness(options));

        Assert.Equal(ErrorKind.Usage, e.Kind);
        Assert.Contains("bob", e.Message, StringComparison.Ordinal);
    }

    [Test]
    public void Authentication_timeout_closes_the_connection()
    {
        var harness = new BrokerHarness(WithUsers);
        var client = harness.Attach();
        client.Read();

        harness.Pass(TimeSpan.FromSeconds(1.99));
        Assert.False(client.IsClosed);
        harness.Pass(TimeSpan.FromSeconds(0.02));

        Assert.Equal("-ERR 'Authentication Timeout'\r\n", client.Read());
        Assert.Equal(CloseReason.AuthenticationTimeout, client.Connection.CloseReason);
    }

    [Test]
    public void A_client_of_this_process_is_trusted()
    {
        var client = new BrokerHarness(WithUsers).Attach(ConnectionTransport.InProcess);
        client.Read();

        Assert.Equal("PONG\r\n", client.Exchange("PING\r\n"));
    }

    [Test]
    [Arguments("PUB up.x 0\r\n\r\n", "")]
    [Arguments("PUB up.secret 0\r\n\r\n", "-ERR 'Permissions Violation for Publish to \"up.secret\"'\r\n")]
    [Arguments("PUB down.x 0\r\n\r\n", "-ERR 'Permissions Violation for Publish to \"down.x\"'\r\n")]
    [Arguments("SUB down.x 1\r\n", "")]
    [Arguments("SUB down.> 1\r\n", "")]
    [Arguments("SUB open.* 1\r\n", "")]
    [Arguments("SUB open.> 1\r\n", "-ERR 'Permissions Violation for Subscription to \"open.>\"'\r\n")]
    [Arguments("SUB > 1\r\n", "-ERR 'Permissions Violation for Subscription to \">\"'\r\n")]
    [Arguments("SUB down.secret 1\r\n", "-ERR 'Permissions Violation for Subscription to \"down.secret\"'\r\n")]
    [
        Arguments(
            "SUB down.secret q 1\r\n",
            "-ERR 'Permissions Violation for Subscription to \"down.secret\" using queue \"q\"'\r\n")]
    public void A_user_is_held_to_his_subjects_and_stays(string sent, string expected)
    {
        var client = new BrokerHarness(WithUsers).Connect("\"user\":\"bob\",\"pass\":\"secret\"");

        Assert.Equal(expected, client.Exchange(sent));
        Assert.False(client.IsClosed);
    }

    [Test]
    public void What_is_denied_below_a_wildcard_is_filtered_at_delivery()
    {
        var harness = new BrokerHarness(WithUsers);
        var (bob, root) = (
            harness.Connect("\"user\":\"bob\",\"pass\":\"secret\""),
            harness.Connect("\"user\":\"root\",\"pass\":\"toor\""));
        bob.Send("SUB down.> 1\r\n");

        root.Send("PUB down.secret 1\r\nx\r\nPUB down.x 1\r\ny\r\n");

        Assert.Equal("MSG down.x 1 1\r\ny\r\n", bob.Read());
    }

    [Test]
    public void Guessing_one_password_is_throttled_and_locks_out_no_other_user()
    {
        var harness = new BrokerHarness(new BrokerOptions
        {
            ServerName = "test",
            Users = [
                new BrokerUser { Name = "bob", Password = "right" },
                new BrokerUser { Name = "alice", Password = "hers" }],
        });
        for (var i = 0; i < 10; i++) Assert.True(LogIn("10.0.0.1", "bob", $"guess{i}"));
        Assert.False(LogIn("10.0.0.1", "alice", "hers"));   // and this forgives bob nothing

        Assert.True(LogIn("10.0.0.1", "bob", "right"));
        Assert.False(LogIn("10.0.0.2", "bob", "right"));
        harness.Pass(TimeSpan.FromSeconds(7));
        Assert.False(LogIn("10.0.0.1", "bob", "right"));

        bool LogIn(string address, string user, string password)
        {
            var client = new TestClient(
                harness,
                harness.Core.Attach(
                    new ConnectionOrigin { Kind = ConnectionKind.Client, Address = address }, harness.Now));
            client.Send($"CONNECT {{\"verbose\":false,\"user\":\"{user}\",\"pass\":\"{password}\"}}\r\n");
            return client.IsClosed;
        }
    }
}
